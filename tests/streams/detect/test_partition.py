"""A partition's state: what it says, what it keeps, where it begins after whatever befell its process."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from streams.detect.stage import WrongPartitionError
from streams.reading import Message
from streams.records import CLOCK_HEADER
from tests.streams.detect.stories import EXPECTED, MESSAGES, RECORDS, TWO, begun, latest, run
from tests.streams.detect.worlds import World, apply, messages_of, reports_of
from tests.warning.engine.tickets import START, Row, columns
from warning.domain.bucket import DAY_MS
from warning.domain.control import ControlKind
from warning.domain.errors import InvalidInputError
from warning.engine.records import OUTCOME_ORDER
from warning.intake.columns import TicketColumns
from warning.runtime.history import history_log
from warning.store.logfile import decode_record


def test_reports_and_outcomes_are_said_in_order() -> None:
    """Undisturbed: one report a tick, one record of outcomes a batch, as a stage by itself says."""

    async def story(world: World) -> None:
        await apply(await begun(world), MESSAGES)

    world = run(story)
    assert world.sender.reports() == EXPECTED
    batches = [m for m in MESSAGES if isinstance(decode_record(m.value or b"", ""), TicketColumns)]
    outcomes = world.sender.outcomes()
    assert [each.offset for each in outcomes] == [message.offset for message in batches]
    for said, message in zip(outcomes, batches, strict=True):
        batch = decode_record(message.value or b"", "")
        assert isinstance(batch, TicketColumns)
        assert (said.log, said.partition, said.source) == ("tickets", 0, "desk")
        assert said.received == message.timestamp
        assert said.ticket_id == batch.ticket_id.tolist()
        assert said.time == batch.time.tolist()
        assert (said.category, said.area) == (batch.category.decoded(), batch.area.decoded())
        assert {OUTCOME_ORDER[code].value for code in said.outcome} <= {"accepted", "late", "duplicate", "updated"}
    assert {key for _, _, key in world.sender.sent} == {b"0"}


@pytest.mark.parametrize("seed", range(3))
def test_processes_that_end_anywhere_say_the_same(seed: int) -> None:
    """Each begins from the last snapshot that was stored; what is said twice is said word for word."""
    rng = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201  told where the test fails

    async def story(world: World) -> None:
        for _ in range(7):
            state = await begun(world)
            await apply(state, MESSAGES, state.next_offset + rng.randrange(1, 120))
        await apply(await begun(world), MESSAGES)

    world = run(story, tickets=10)
    said = world.sender.reports()
    assert latest(said) == EXPECTED
    assert len(said) > len(EXPECTED)
    by_tick = {report.report.tick.number: report for report in EXPECTED}
    assert all(report == by_tick[report.report.tick.number] for report in said)
    assert len(world.snapshots.kept) > 2


def test_copies_of_the_clock_and_empty_records_say_nothing_new() -> None:
    """A sequencer that writes again what it wrote, after a restart in the middle, changes nothing."""
    doubled: list[Message] = []
    for message in MESSAGES:
        again = [*doubled[-3:], message] if dict(message.headers).get(CLOCK_HEADER) else [message]
        doubled += [each for each in again if each is message or dict(each.headers).get(CLOCK_HEADER)]
        doubled.append(replace(message, value=None))
    doubled = [replace(message, offset=offset) for offset, message in enumerate(doubled)]

    async def story(world: World) -> None:
        await apply(await begun(world), doubled, 500)
        await apply(await begun(world), doubled)

    assert latest(run(story).sender.reports()) == EXPECTED


def test_a_snapshot_waits_for_what_was_said() -> None:
    """A state is stored only when all reports before it have arrived: nobody would say them again."""

    async def story(world: World) -> None:
        world.sender.going_on.clear()
        state = await begun(world)
        for message in MESSAGES[:200]:
            await state.apply(message)
            state.next_offset = message.offset + 1
        assert world.snapshots.kept == []
        world.sender.going_on.set()
        await state.keeper.finish()
        ((scope, kept),) = world.snapshots.kept
        assert scope == "tickets/0"
        assert 0 < kept.position < 200

    run(story)


def test_a_store_that_is_away_delays_snapshots_only() -> None:
    """Detection goes on, and the next snapshot is stored when the store is back."""

    async def story(world: World) -> None:
        state = await begun(world)
        world.snapshots.away = True
        await apply(state, MESSAGES, 400)
        assert world.snapshots.kept == []
        world.snapshots.away = False
        await apply(state, MESSAGES)
        assert state.keeper.failure is None
        await state.keep_now()
        assert world.snapshots.kept[-1][1].position == len(MESSAGES)

    assert run(story).sender.reports() == EXPECTED


def test_a_snapshot_that_cannot_be_used_falls_back_to_the_one_before() -> None:
    """And where none can be used the log is read from its beginning."""

    async def story(world: World) -> None:
        await apply(await begun(world), MESSAGES, 400)
        older, newest = (kept.position for _, kept in world.snapshots.kept[-2:])
        world.snapshots.damage_newest()
        state = await begun(world)
        assert state.next_offset == older < newest
        await apply(state, MESSAGES)
        world.snapshots.kept = world.snapshots.kept[-1:]
        world.snapshots.damage_newest()
        state = await begun(world)
        assert state.next_offset == 0
        await apply(state, MESSAGES)

    assert latest(run(story).sender.reports()) == EXPECTED


def test_outcomes_that_are_stored_are_not_sent_again() -> None:
    """An era of a long log would otherwise send years of them."""

    async def story(world: World) -> None:
        world.past.stored = 300
        await apply(await begun(world), MESSAGES)

    said = [each.offset for each in run(story).sender.outcomes()]
    assert said
    assert min(said) >= 300


def test_a_new_era_begins_with_history_and_the_whole_log() -> None:
    """Reports carry the era; history's come first, with the record that mutes it."""
    days = [
        columns([Row(time=START - DAY_MS * day, id=f"H{day}-{i}", category=f"Category {i}") for i in range(9)])
        for day in (3, 2, 1)
    ]
    history = list(history_log(days, jurisdiction="Testville", step_ms=900_000, cut=START, muted_until=START))
    expected = reports_of([*history, *RECORDS], TWO, 0, era=1)

    async def story(world: World) -> None:
        state = await begun(world)
        await apply(state, MESSAGES, 300)
        world.past.number, world.past.history = 1, history
        await state.load()
        assert (state.era, state.next_offset) == (1, 0)
        await apply(state, MESSAGES)
        await state.keep_now()
        again = await begun(world)
        assert (again.era, again.next_offset) == (1, len(MESSAGES))

    world = run(story)
    said = [report for report in world.sender.reports() if report.era == 1]
    assert said == expected
    assert said[0].controls[0].kind is ControlKind.HISTORY
    assert world.past.asked == [42, 42]


def test_an_era_without_the_logs_beginning_begins_at_one_place_in_the_clock() -> None:
    """Where a person forced it: ticks before the first that all partitions have are passed over."""

    async def story(world: World) -> None:
        world.past.number = world.past.forced = 1
        world.log.clock, world.log.first = 20, 10
        state = await begun(world)
        assert state.next_offset == 10
        await apply(state, MESSAGES)

    reports = run(story).sender.reports()
    ticks = [m for m in MESSAGES if dict(m.headers).get(CLOCK_HEADER) == b"20"]
    first = decode_record(ticks[0].value or b"", "")
    assert reports[0].report.tick == first


def test_older_generations_come_before_the_log() -> None:
    """What they hold of this partition's shards is learned, and reported with the era, without outcomes."""
    cut = 150

    async def story(world: World) -> None:
        world.log.before = RECORDS[:cut]
        state = await begun(world)
        await apply(state, messages_of(RECORDS[cut:], TWO)[0])

    world = run(story)
    assert len(world.sender.reports()) < len(EXPECTED), "without its place in the clock each record would count again"
    assert world.sender.reports()[:50] == EXPECTED[:50]


def test_what_does_not_belong_here_stops_the_process() -> None:
    """Tickets of another partition, a tick from nowhere, and what is no record at all are named, with their place."""
    foreign = next(m for m in messages_of(RECORDS, TWO)[1] if not m.headers)
    tick = next(m for m in MESSAGES if m.headers)

    async def story(world: World) -> None:
        state = await begun(world)
        with pytest.raises(WrongPartitionError, match="repartition"):
            await state.apply(foreign)
        with pytest.raises(InvalidInputError, match=r"tickets/0@0.*without its place in the clock"):
            await state.apply(replace(tick, offset=0, headers=()))
        with pytest.raises(InvalidInputError, match=r"tickets/0@7"):
            await state.apply(replace(tick, offset=7, value=b"no record"))

    run(story)
