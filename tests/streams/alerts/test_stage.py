"""The alert stage says of reports exactly what an engine in one process says of the log they are of."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest

from streams.absences import Absence, Absences
from streams.alerts.stage import AlertStage
from streams.records import Report, decode_report, encode_report
from streams.topics import partition_of
from tests.cluster.stored import apart_from_expected
from tests.streams.alerts.reports import alert_stage, collected, oracle, reports_of, same, surging, through
from tests.streams.test_absences import placed
from tests.warning.engine.test_controls import NOISE, control
from tests.warning.engine.tickets import CITY, START, log
from warning.domain.bucket import DAY_MS
from warning.domain.control import ControlKind
from warning.domain.errors import IncompatibleSnapshotError
from warning.domain.series import SeriesKind
from warning.engine.records import Record
from warning.engine.shard_stage import shard_of

PARTITIONS = 3
AWAY = partition_of(shard_of(CITY, "Category 5", 8), PARTITIONS)
"""A partition that is away while there is a burst in it."""


@pytest.fixture(scope="module", params=["undisturbed", "controls"])
def records(request: pytest.FixtureRequest) -> list[Record]:
    """A log of six days with two bursts; with controls on the way, or without."""
    records = log(surging())
    if request.param == "undisturbed":
        return records
    records.insert(150, control(ControlKind.PROTECT, at=START, series=NOISE))
    plan = control(ControlKind.PLANNED, at=START + 3 * DAY_MS, until=START + 4 * DAY_MS, series=None, plan="fair")
    records.insert(len(records) // 2, plan)
    return records


@pytest.fixture(scope="module")
def reports(records: list[Record]) -> list[Report]:
    """What three partitions report of it."""
    return reports_of(records, PARTITIONS)


@pytest.mark.parametrize("count", [1, 3, 8])
def test_each_tick_is_judged_as_by_one_engine(records: list[Record], count: int) -> None:
    """Tick by tick signals and alerts are the engine's, whatever the partitions; and so is every point of a course."""
    said, by_tick = oracle(records)
    judged = through(alert_stage(), reports_of(records, count))
    assert [each.tick.number for each in judged] == sorted(by_tick)
    for each in judged:
        assert each.output.signals == by_tick[each.tick.number].signals
        assert each.output.alerts == by_tick[each.tick.number].alerts
    assert said.alerts
    assert any(point.series.kind is SeriesKind.AREA_CATEGORY for point in said.points.values())
    assert same(collected(judged), said)


def _interleaved(reports: Sequence[Report], rng: random.Random) -> list[Report]:
    """Return the reports with each partition's in order and nothing else, some of them repeated at once or later."""
    queues = [[report for report in reports if report.partition == number] for number in range(PARTITIONS)]
    given: list[Report] = []
    while any(queues):
        queue = rng.choice([queue for queue in queues if queue])
        given.append(queue.pop(0))
        if rng.random() < 0.1:
            given.append(rng.choice(given))
    return given


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_partitions_and_repeats_change_nothing(
    records: list[Record], reports: list[Report], seed: int
) -> None:
    """One partition may be days ahead of another, and any report may come again."""
    judged = through(alert_stage(), _interleaved(reports, random.Random(seed)))
    said, by_tick = oracle(records)
    assert [each.tick.number for each in judged] == sorted(by_tick)
    assert same(collected(judged), said)


@pytest.mark.parametrize("seed", range(3))
def test_a_state_goes_on_wherever_it_was_taken(records: list[Record], reports: list[Report], seed: int) -> None:
    """Stored between any two reports, as bytes, and loaded into a new stage it says what follows all the same."""
    rng = random.Random(seed)
    given = _interleaved(reports, rng)
    cuts = sorted(rng.sample(range(len(given)), 3))
    stage, judged = alert_stage(), []
    for first, end in zip([0, *cuts], [*cuts, len(given)], strict=True):
        judged += through(stage, given[first:end])
        stage = _again(stage)
    assert same(collected(judged), oracle(records)[0])


def _again(stage: AlertStage) -> AlertStage:
    new = alert_stage()
    new.load(msgspec.msgpack.decode(msgspec.msgpack.encode(stage.state())))
    return new


def test_a_report_survives_the_wire(reports: list[Report]) -> None:
    """Encoded and decoded it is the same, courses and infinite numbers included."""
    for report in reports:
        assert decode_report(encode_report(report)) == report
    assert any(report.courses for report in reports)


def test_what_is_missing_is_known(reports: list[Report]) -> None:
    """Before the last partition has reported a tick, its shards are missing; then nothing is."""
    stage = alert_stage()
    assert stage.missing() is None
    first, second, third = (next(r for r in reports if r.partition == number) for number in range(PARTITIONS))
    stage.take(second)
    stage.take(first)
    missing = stage.missing()
    assert missing is not None
    assert (missing.tick, missing.shards) == (third.report.tick, frozenset(third.report.shards))
    assert missing.partitions == (third.partition,)
    assert len(stage.take(third)) == 1
    assert stage.missing() is None


def test_reports_of_another_era_say_nothing(reports: list[Report]) -> None:
    """What a partition says with another past behind it is not mixed in."""
    assert through(alert_stage(era=1), reports[:30]) == []


def test_a_shard_that_is_left_out_is_not_waited_for(reports: list[Report]) -> None:
    """From the tick on whose controls leave shards out, the others are enough; once back they are waited for."""
    left, *rest = (report for report in reports if report.report.tick == reports[0].report.tick)
    shards = left.report.shards
    out = tuple(control(ControlKind.SHARD_LEFT_OUT, at=START, series=None, shard=shard) for shard in shards)
    stage = alert_stage()
    told = [replace(report, controls=out) for report in rest]
    assert [len(stage.take(report)) for report in told] == [0, 1]
    tick = left.report.tick.number
    back = tuple(control(ControlKind.SHARD_BACK, at=START, series=None, shard=shard) for shard in shards)
    later = [replace(r, controls=back) for r in reports if r.report.tick.number > tick][:PARTITIONS]
    without = [r for r in later if r.partition != left.partition]
    assert [len(stage.take(report)) for report in without] == [0, 0]
    (mine,) = (r for r in later if r.partition == left.partition)
    assert len(stage.take(mine)) == 1


@pytest.mark.parametrize("seed", range(4))
def test_shards_that_were_left_out_by_decision(reports: list[Report], records: list[Record], seed: int) -> None:
    """A partition is away for a day: whenever its reports come, the others' ticks are judged, and all agree with one
    engine on the log with the decision in its place; a restart between any two reports changes nothing.
    """
    rng = random.Random(seed)
    absent = _away_for_a_day(reports)
    given = _interleaved(_told_late(reports, absent), rng)
    stage, judged = alert_stage(), []
    cuts = sorted(rng.sample(range(len(given)), 3))
    for first, end in zip([0, *cuts], [*cuts, len(given)], strict=True):
        stage.absences = absent
        judged += through(stage, given[first:end])
        stage = _again(stage)
    said, by_tick = oracle(placed(records, absent))
    assert [each.tick.number for each in judged] == sorted(by_tick)
    assert all(each.output.signals == by_tick[each.tick.number].signals for each in judged)
    found = collected(judged)
    assert (found.signals, found.alerts) == (said.signals, said.alerts)
    away = {shard for each in absent.known for shard in each.shards}
    assert apart_from_expected(found.points, away) == apart_from_expected(said.points, away) != {}
    assert said.alerts != oracle(records)[0].alerts


def _away_for_a_day(reports: Sequence[Report]) -> Absences:
    """Leave the shards of a partition out, from before a burst in one of them until after it."""
    ticks = sorted({r.report.tick.number: r.report.tick for r in reports}.values(), key=lambda tick: tick.number)
    shards = next(r.report.shards for r in reports if r.partition == AWAY)
    out, back = (next(t for t in ticks if t.watermark >= START + days * DAY_MS) for days in (4.2, 5.2))
    return Absences(
        [
            Absence(tick=out.number, since=out.watermark, shards=shards, out=True),
            Absence(tick=back.number, since=back.watermark - 1, shards=shards, out=False),
        ]
    )


def _told_late(reports: Sequence[Report], absent: Absences) -> list[Report]:
    """Let the log be told of each decision a few ticks after it, as it is through the clock."""
    late = {each.tick + 3: tuple(each.controls(CITY)) for each in absent.known}
    told: list[Report] = []
    for report in reports:
        number = report.report.tick.number
        before = max((r.report.tick.number for r in told if r.report.tick.number < number), default=-1)
        due = [control for at, said in late.items() if before < at <= number for control in said]
        told.append(replace(report, controls=(*report.controls, *due)))
    return told


def test_the_others_do_not_wait_for_a_partition_that_never_comes(reports: list[Report]) -> None:
    """Once its shards are left out every tick is judged without it, and nothing is held for it."""
    absent = _away_for_a_day(reports)
    stage = alert_stage()
    stage.absences = Absences(absent.known[:1])
    there = [r for r in reports if r.partition != AWAY or r.report.tick.number < absent.known[0].tick]
    judged = through(stage, there)
    assert judged[-1].tick == reports[-1].report.tick
    assert (stage.held, stage.caught_up()) == (0, frozenset())
    through(stage, [r for r in reports if r.partition == AWAY])
    assert stage.caught_up() == set(absent.known[0].shards)


def test_a_state_of_another_version_is_refused() -> None:
    """It is never misread."""
    with pytest.raises(IncompatibleSnapshotError, match="version 2"):
        alert_stage().load(alert_stage().state() | {"version": 2})
