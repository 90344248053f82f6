"""Snapshots of stages by themselves, and stages that live apart: the same answers as the whole engine's."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from models.base import discover
from tests.warning.engine.test_migration import first_version
from tests.warning.engine.tickets import CITY, city, config, engine, feed, log
from warning.domain.errors import IncompatibleSnapshotError
from warning.engine.config import EngineConfig
from warning.engine.grid import Grid
from warning.engine.jurisdiction_stage import Judgement, JurisdictionStage
from warning.engine.parts import (
    jurisdiction_snapshot,
    regrouped,
    restore_jurisdiction,
    restore_shards,
    shard_snapshot,
)
from warning.engine.records import Record, Tick, TickReport
from warning.engine.shard_stage import ShardStage
from warning.engine.snapshot import VERSION
from warning.intake.columns import TicketColumns
from warning.policy.alerting import AlertPolicy
from warning.policy.config import PolicyConfig

SHARDS = 8


def groups(partitions: int) -> list[tuple[int, ...]]:
    return [tuple(range(first, SHARDS, partitions)) for first in range(partitions)]


def shard_stage(shards: tuple[int, ...], settings: EngineConfig | None = None) -> ShardStage:
    settings = settings or config()
    return ShardStage(settings, Grid(settings.zone), [detector() for detector in discover()], shards)


def jurisdiction_stage() -> JurisdictionStage:
    policy = AlertPolicy(PolicyConfig(minimum_tickets=5, false_alerts_per_week=1.0))
    return JurisdictionStage(config(), Grid("UTC"), [detector() for detector in discover()], policy)


def apply(stage: ShardStage, record: Record) -> TickReport | None:
    """Give a stage what is its of a record."""
    if isinstance(record, TicketColumns):
        rows = stage.owned(record).nonzero()[0]
        if len(rows):
            stage.apply(record.take(rows))
    elif isinstance(record, Tick):
        return stage.tick(record)
    else:
        stage.control(record)
    return None


def reports_of(stages: list[ShardStage], records: list[Record]) -> list[list[TickReport]]:
    """Return what the stages report of each tick."""
    told = []
    for record in records:
        reports = [report for stage in stages if (report := apply(stage, record)) is not None]
        if reports:
            told.append(reports)
    return told


def stored(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Write a snapshot and read it again."""
    read: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot))
    return read


def judged(stage: JurisdictionStage, reports: list[TickReport]) -> list[Judgement]:
    return [judgement for report in reports for judgement in stage.report(report)]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_partitions_report_changes_nothing(seed: int) -> None:
    """Shuffled and repeated reports of a tick give the same judgements and the same bytes in snapshots."""
    told = reports_of([shard_stage(group) for group in groups(3)], log(city())[:500])
    ordered, shuffled = jurisdiction_stage(), jurisdiction_stage()
    rng = random.Random(seed)
    signals = 0
    for reports in told:
        mixed = [*reports, rng.choice(reports)]
        rng.shuffle(mixed)
        held = mixed.pop()
        early = judged(shuffled, mixed)
        expected = judged(ordered, reports)
        assert early + judged(shuffled, [held]) == expected
        signals += sum(len(judgement.signals) for judgement in expected)
        assert msgspec.msgpack.encode(jurisdiction_snapshot(ordered)) == msgspec.msgpack.encode(
            jurisdiction_snapshot(shuffled)
        )
    assert signals


def test_reports_that_wait_are_in_the_snapshot_in_one_order() -> None:
    """Two of three reports, come in either order, are the same snapshot, and a stage restored from it goes on."""
    told = reports_of([shard_stage(group) for group in groups(3)], log(city())[:200])
    one, other = jurisdiction_stage(), jurisdiction_stage()
    for reports in told[:-1]:
        judged(one, reports)
        judged(other, reports)
    first, second, third = told[-1]
    assert judged(one, [first, third]) == judged(other, [third, first]) == []
    assert jurisdiction_snapshot(one) == jurisdiction_snapshot(other)
    restored = jurisdiction_stage()
    restore_jurisdiction(restored, stored(jurisdiction_snapshot(one)))
    (expected,) = judged(one, [second])
    assert judged(restored, [second]) == [expected]


def test_stages_restored_from_their_snapshots_go_on_as_if_nothing_had_happened() -> None:
    """Each part alone is enough: reports and judgements after the restart equal those without one."""
    records = log(city())
    stages, jurisdiction = [shard_stage(group) for group in groups(3)], jurisdiction_stage()
    for reports in reports_of(stages, records[:250]):
        judged(jurisdiction, reports)
    again, anew = [shard_stage(group) for group in groups(3)], jurisdiction_stage()
    for old, new in zip(stages, again, strict=True):
        restore_shards(new, stored(shard_snapshot(old)))
    restore_jurisdiction(anew, stored(jurisdiction_snapshot(jurisdiction)))
    expected, found = reports_of(stages, records[250:]), reports_of(again, records[250:])
    assert found == expected
    alerts = [judgement.alerts for reports in expected for judgement in judged(jurisdiction, reports)]
    assert [judgement.alerts for reports in found for judgement in judged(anew, reports)] == alerts
    assert any(alerts)


@pytest.mark.parametrize("cut", [100, 251])
def test_regrouped_shards_say_what_the_undisturbed_engine_says(cut: int) -> None:
    """Two partitions become three between two records, batches that wait for their tick included."""
    records = log(city())
    assert isinstance(records[99], TicketColumns), "some cut lies between a batch and its tick"
    expected = feed(engine(), records)
    two, jurisdiction = [shard_stage(group) for group in groups(2)], jurisdiction_stage()
    told = reports_of(two, records[:cut])
    snapshots = [stored(shard_snapshot(stage)) for stage in two]
    three = [shard_stage(group) for group in groups(3)]
    for stage in three:
        restore_shards(stage, regrouped(snapshots, stage.shards))
    told += reports_of(three, records[cut:])
    judgements = [judgement for reports in told for judgement in judged(jurisdiction, reports)]
    assert {s.id: s for j in judgements for s in j.signals} == expected.signals
    assert [j.alerts for j in judgements] == [
        o.alerts for r, o in zip(records, expected.outputs, strict=True) if isinstance(r, Tick)
    ]
    assert expected.alerts


def test_stages_at_several_ticks_are_not_regrouped() -> None:
    """One partition behind the other would be lost silently: it is refused."""
    records = log(city(days=2))
    ahead, behind = (shard_stage(group) for group in groups(2))
    reports_of([ahead], records)
    reports_of([behind], records[:50])
    with pytest.raises(IncompatibleSnapshotError, match="several ticks"):
        regrouped([shard_snapshot(ahead), shard_snapshot(behind)], (0, 1))


def test_a_shard_that_is_in_no_snapshot_is_missed() -> None:
    """All shards of the new stage must come from somewhere."""
    with pytest.raises(IncompatibleSnapshotError, match=r"without the shards \[1\]"):
        regrouped([shard_snapshot(shard_stage((0, 2)))], (0, 1))


def test_a_part_of_version_1_goes_on() -> None:
    """The migrations of whole snapshots are those of parts: both stages restored from version 1 go on alike."""
    records = log(city())
    whole = engine(partitions=tuple(groups(2)))
    feed(whole, records[:250])
    old = first_version(whole.snapshot())
    head = {"version": 1, "jurisdiction": CITY, "of": SHARDS, "detectors": sorted(d().name for d in discover())}
    stages, jurisdiction = [shard_stage(group) for group in groups(2)], jurisdiction_stage()
    for stage in stages:
        restore_shards(stage, head | {"shards": [old["shards"][shard] for shard in stage.shards]})
    restore_jurisdiction(jurisdiction, head | {"stage": old["stage"]})
    expected = feed(whole, records[250:])
    told = [j for reports in reports_of(stages, records[250:]) for j in judged(jurisdiction, reports)]
    assert {s.id: s for judgement in told for s in judgement.signals} == expected.signals


@pytest.mark.parametrize(
    "change",
    [
        {"version": VERSION + 1},
        {"version": None},
        {"jurisdiction": "Elsewhere"},
        {"of": 9},
        {"detectors": []},
        {"shards": []},
    ],
    ids=["future", "no version", "city", "shards", "detectors", "none"],
)
def test_what_is_not_the_stages_own_is_refused(change: dict[str, Any]) -> None:
    """A snapshot of another version, city, set of shards or set of detectors is never misread."""
    with pytest.raises(IncompatibleSnapshotError, match="rebuild"):
        restore_shards(shard_stage((0, 1)), shard_snapshot(shard_stage((0, 1))) | change)


def test_one_stage_is_not_restored_from_the_others_snapshot() -> None:
    """Shards are no jurisdiction, and the jurisdiction is no shards."""
    with pytest.raises(IncompatibleSnapshotError, match="rebuild"):
        restore_jurisdiction(jurisdiction_stage(), shard_snapshot(shard_stage((0,))))
    with pytest.raises(IncompatibleSnapshotError, match="rebuild"):
        restore_shards(shard_stage((0,)), jurisdiction_snapshot(jurisdiction_stage()))


def test_a_snapshot_does_not_change_with_its_stage() -> None:
    """It is a copy: it can be written down while the stage goes on."""
    records = log(city(days=3))
    stage = shard_stage(groups(1)[0])
    reports_of([stage], records[:100])
    snapshot = shard_snapshot(stage)
    before = msgspec.msgpack.encode(snapshot)
    reports_of([stage], records[100:])
    assert msgspec.msgpack.encode(snapshot) == before
