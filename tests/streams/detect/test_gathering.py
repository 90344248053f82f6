"""Batches between two ticks wait for each other, and are counted together."""

from __future__ import annotations

import msgspec
import pytest

from streams.detect.stage import DetectStage
from streams.records import CLOCK_HEADER, Report
from tests.streams.detect.stories import FEW, SMALL, TWO, begun, run
from tests.streams.detect.worlds import CONFIG, POLICY, World, apply, reports_of
from warning.engine.records import Record, Tick
from warning.engine.shard_stage import ShardStage
from warning.intake.columns import TicketColumns
from warning.store.logfile import decode_record


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
