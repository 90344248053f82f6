"""A ticket that ends the process is found and left out the third time; nothing else ever is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from streams.detect.gathering import BatchesFailedError
from streams.detect.partition import TRIES
from streams.poison import without
from streams.reading import Message
from tests.streams.detect.stories import EXPECTED, FEW, MESSAGES, RECORDS, SMALL, TWO, begun, latest, run
from tests.streams.detect.worlds import World, apply, reports_of
from warning.engine.records import Record
from warning.engine.shard_stage import ShardStage
from warning.intake.columns import TicketColumns
from warning.store.logfile import decode_record


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


def together_with_others(messages: Sequence[Message]) -> list[str]:
    """Return a ticket of a batch that has others before it and behind it, with no tick between."""
    for before, message, behind in zip(messages, messages[1:], messages[2:], strict=False):
        if not (before.headers or message.headers or behind.headers):
            return [str(decode_record(message.value or b"", "").ticket_id[0])]  # type: ignore[union-attr]
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
