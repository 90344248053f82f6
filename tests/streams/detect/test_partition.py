"""A partition's state: what it says, what it keeps, where it begins after whatever befell its process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import msgspec
import pytest

from streams.detect.gathering import BatchesFailedError
from streams.detect.partition import TRIES, PartitionState
from streams.detect.stage import DetectStage, WrongPartitionError
from streams.generations import Generation
from streams.poison import without
from streams.reading import Message
from streams.records import CLOCK_HEADER, Report
from tests.streams.detect.worlds import CONFIG, POLICY, World, apply, messages_of, reports_of
from tests.warning.engine.test_controls import NOISE, control
from tests.warning.engine.tickets import START, Row, city, columns, log
from warning.domain.bucket import DAY_MS
from warning.domain.control import ControlKind
from warning.domain.errors import InvalidInputError
from warning.engine.records import OUTCOME_ORDER, Record, Tick
from warning.engine.shard_stage import ShardStage
from warning.intake.columns import TicketColumns
from warning.runtime.history import history_log
from warning.store.logfile import decode_record

TWO = Generation(topic="tickets", partitions=2)


def records() -> list[Record]:
    said = log(city(days=2.6))
    said.insert(120, control(ControlKind.PROTECT, at=START, series=NOISE))
    said.insert(121, control(ControlKind.RELEASE, at=START, series=NOISE))
    return said


RECORDS = records()
MESSAGES = messages_of(RECORDS, TWO)[0]
EXPECTED = reports_of(RECORDS, TWO, 0)


def run(story: Callable[[World], Awaitable[None]], **how: int) -> World:
    async def told() -> World:
        world = World(**how)
        await story(world)
        return world

    return asyncio.run(told())


def latest(reports: list[Report]) -> list[Report]:
    """Return the last report of each tick: an earlier one was said again."""
    found = {report.report.tick.number: report for report in reports}
    return [found[number] for number in sorted(found)]


async def begun(world: World) -> PartitionState:
    state = world.state()
    await state.load()
    return state


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


def poisonous(monkeypatch: pytest.MonkeyPatch, *ids: str) -> None:
    real = ShardStage.apply

    def failing(self: ShardStage, batch: TicketColumns) -> object:
        codes = real(self, batch)
        if set(ids).intersection(batch.ticket_id.tolist()):
            raise ZeroDivisionError("a ticket's text")
        return codes

    monkeypatch.setattr(ShardStage, "apply", failing)


def without_ids(record: Record, ids: set[str]) -> Record:
    if not isinstance(record, TicketColumns):
        return record
    return without(record, frozenset(row for row, known in enumerate(record.ticket_id.tolist()) if known in ids))


def bad_ids() -> list[str]:
    """Return two tickets of one batch of partition 0."""
    for message in MESSAGES[10:]:
        batch = decode_record(message.value or b"", "")
        if isinstance(batch, TicketColumns) and len(batch) > 2:
            return [str(batch.ticket_id[0]), str(batch.ticket_id[2])]
    raise AssertionError


def test_a_ticket_that_ends_the_process_is_left_out_the_third_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the process ends, then the ticket is found, said for good, and left out by this and every later process."""
    bad = bad_ids()
    expected = reports_of([without_ids(record, set(bad)) for record in RECORDS], TWO, 0)
    poisonous(monkeypatch, *bad)

    async def story(world: World) -> None:
        for _ in range(TRIES - 1):
            with pytest.raises(ZeroDivisionError):
                await apply(await begun(world), MESSAGES)
        assert [len(reasons) for reasons in world.attempts.noted.values()] == [TRIES - 1]
        state = await begun(world)
        efforts = state.efforts
        await apply(state, MESSAGES)
        assert state.efforts > efforts + len(bad), "each try is a sign of life"
        assert state.poisoned == len(bad)
        assert world.attempts.noted == {}
        world.snapshots.kept.clear()
        again = await begun(world)
        await apply(again, MESSAGES)
        assert again.poisoned == 0

    world = run(story)
    (poison,) = world.sender.poison()
    assert poison.reason == "ZeroDivisionError in failing"
    assert latest(world.sender.reports()) == expected
    said = {each.offset: each for each in world.sender.outcomes()}[poison.offset]
    batch = decode_record(MESSAGES[poison.offset].value or b"", "")
    assert isinstance(batch, TicketColumns)
    assert [str(batch.ticket_id[row]) for row in poison.rows] == bad
    assert said.ticket_id == [each for each in batch.ticket_id.tolist() if each not in bad]
    keys = {key for topic, _, key in world.sender.sent if topic == "tickets.poison"}
    assert keys == {b"tickets/0/%d" % poison.offset}


SMALL = log(city(days=1.2), batch=3)
FEW = messages_of(SMALL, TWO)[0]
"""Several batches between two ticks."""


def together_with_others(messages: Sequence[Message]) -> list[str]:
    """Return a ticket of a batch that has others before it and behind it, with no tick between."""
    for before, message, behind in zip(messages, messages[1:], messages[2:], strict=False):
        if not (before.headers or message.headers or behind.headers):
            return [str(decode_record(message.value or b"", "").ticket_id[0])]  # type: ignore[union-attr]
    raise AssertionError


def obeyed(stage: DetectStage, record: Record) -> Report | None:
    assert isinstance(record, Tick)
    return stage.tick(record, 0)


def test_batches_between_two_ticks_are_applied_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """They become fewer calls of the engine, each still has its own outcomes, and reports are the same."""
    calls: list[int] = []
    real = ShardStage.apply

    def counting(self: ShardStage, batch: TicketColumns) -> object:
        calls.append(len(batch))
        return real(self, batch)

    expected = reports_of(SMALL, TWO, 0)
    alone = DetectStage(CONFIG, POLICY, TWO, 0)
    codes = {
        message.offset: alone.apply(record).tolist() if isinstance(record, TicketColumns) else obeyed(alone, record)
        for message in FEW
        for record in [decode_record(message.value or b"", "")]
    }
    monkeypatch.setattr(ShardStage, "apply", counting)

    async def story(world: World) -> None:
        state = await begun(world)
        await apply(state, FEW)
        await state.count_gathered()

    world = run(story)
    assert world.sender.reports() == expected
    assert len(calls) < sum(not message.headers for message in FEW) - 10
    assert [each.offset for each in world.sender.outcomes()] == [m.offset for m in FEW if not m.headers]
    assert all(each.outcome == codes[each.offset] for each in world.sender.outcomes())


def test_a_batch_waits_a_little_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind which nothing comes, it is told to be counted; a snapshot counts it first."""

    async def story(world: World) -> None:
        state = await begun(world)
        batch = next(message for message in FEW if not message.headers)
        await apply(state, FEW, batch.offset + 1)
        assert world.sender.outcomes() == []
        assert not state.waits
        monkeypatch.setattr("streams.detect.partition.GATHER_SECONDS", 0.0)
        assert state.waits
        await state.keep_now()
        assert [each.offset for each in world.sender.outcomes()] == [batch.offset]
        assert not state.waits
        ((_, kept),) = world.snapshots.kept
        alone = DetectStage(CONFIG, POLICY, TWO, 0)
        for message in FEW[: batch.offset]:
            assert alone.is_new(int(dict(message.headers)[CLOCK_HEADER]))
            obeyed(alone, decode_record(message.value or b"", ""))
        counted = decode_record(batch.value or b"", "")
        assert isinstance(counted, TicketColumns)
        alone.apply(counted)
        assert (kept.position, kept.payload) == (batch.offset + 1, msgspec.msgpack.encode(alone.state()))

    run(story)


def test_of_batches_that_failed_together_each_is_applied_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the third time the one is known that has the ticket; the others' attempts are forgotten."""
    bad = together_with_others(FEW)
    expected = reports_of([without_ids(record, set(bad)) for record in SMALL], TWO, 0)
    poisonous(monkeypatch, *bad)

    async def story(world: World) -> None:
        state = await begun(world)
        with pytest.raises(BatchesFailedError, match=r"one of tickets/0@\d+ to @\d+ .*ZeroDivisionError"):
            await apply(state, FEW)
        assert len(world.attempts.noted) > 1
        kept = list(world.snapshots.kept)
        await state.keep_now()
        assert world.snapshots.kept == kept, "a state that failed is not kept"
        for _ in range(TRIES - 2):
            with pytest.raises(ZeroDivisionError):
                await apply(await begun(world), FEW)
        assert len(world.attempts.noted) >= 1
        last = await begun(world)
        await apply(last, FEW)
        assert last.poisoned == 1
        assert world.attempts.noted == {}

    world = run(story, tickets=10_000)
    (poison,) = world.sender.poison()
    assert len(poison.rows) == 1
    assert latest(world.sender.reports()) == expected


def test_an_attempt_that_cannot_be_noted_ends_the_process_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is away: nothing is left out, and what is shown is the ticket's error."""
    poisonous(monkeypatch, *bad_ids())

    async def story(world: World) -> None:
        world.attempts.away = True
        with pytest.raises(ZeroDivisionError):
            await apply(await begun(world), MESSAGES)
        assert world.sender.poison() == []

    run(story)


def test_a_batch_that_failed_for_another_reason_is_applied_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory was short, say, and now is not: nothing is left out, and the attempts are forgotten."""

    async def story(world: World) -> None:
        for _ in range(TRIES):
            world.attempts.note("tickets", 0, 101, "MemoryError")
            world.attempts.note("tickets", 0, 102, "MemoryError")
            world.attempts.note("tickets", 0, 103, "MemoryError")
        await apply(await begun(world), MESSAGES)

    world = run(story)
    assert world.sender.reports() == EXPECTED
    assert world.sender.poison() == []


def test_a_tick_that_fails_is_never_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ticks and controls are in every partition: without one, this partition would be another."""

    def failing(_: ShardStage, tick: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(ShardStage, "tick", failing)

    async def story(world: World) -> None:
        for _ in range(TRIES + 1):
            with pytest.raises(ZeroDivisionError):
                await apply(await begun(world), MESSAGES)
        assert world.attempts.noted == {}

    run(story)


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
