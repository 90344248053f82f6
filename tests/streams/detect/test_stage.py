"""The pure state of a partition."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from streams.detect.stage import DetectStage, WrongPartitionError, restored
from streams.generations import Generation
from tests.streams.detect.worlds import POLICY, SHARDS
from tests.warning.engine.test_controls import NOISE, control
from tests.warning.engine.tickets import START, STEP, Row, city, columns, config, engine, log, tick
from warning.domain.control import ControlKind
from warning.domain.errors import IncompatibleSnapshotError
from warning.engine.records import Tick
from warning.engine.shard_stage import shard_of
from warning.intake.columns import TicketColumns

TWO = Generation(topic="tickets", partitions=2)
NUMBER = START // STEP


def stage(partition: int = 0, generation: Generation = TWO) -> DetectStage:
    return DetectStage(config(), POLICY, generation, partition)


def of_partition(partition: int, count: int = 3) -> TicketColumns:
    """Return tickets that partition 0 or 1 of two carries."""
    names = [f"Category {i}" for i in range(50)]
    mine = [name for name in names if shard_of("Testville", name, SHARDS) % 2 == partition]
    return columns([Row(time=START, id=f"{i}", category=mine[i]) for i in range(count)])


def test_a_partition_carries_its_shards() -> None:
    """Shard modulo partitions, as whoever writes the log counts."""
    assert stage(1).shards == (1, 3, 5, 7)
    assert stage(2, Generation(topic="t", partitions=3)).shards == (2, 5)


def test_a_report_holds_the_controls_since_the_one_before() -> None:
    """In their order, each once, also where there was nothing else to tell."""
    subject = stage()
    protect, release = control(ControlKind.PROTECT, at=START, series=NOISE), control(ControlKind.RELEASE, at=START)
    subject.control(protect)
    subject.control(release)
    first, second = subject.tick(tick(NUMBER, START), 3), subject.tick(tick(NUMBER + 1, START), 3)
    assert first is not None
    assert second is not None
    assert (first.controls, second.controls) == ((protect, release), ())
    assert (first.era, first.partition, first.report.shards) == (3, 0, (0, 2, 4, 6))


def test_a_tick_that_was_passed_is_not_reported_and_loses_no_control() -> None:
    """Two sequencers for a moment may write a number twice."""
    subject = stage()
    subject.tick(tick(NUMBER, START), 0)
    said = control(ControlKind.PROTECT, at=START, series=NOISE)
    subject.control(said)
    assert subject.tick(tick(NUMBER, START), 0) is None
    report = subject.tick(tick(NUMBER + 1, START), 0)
    assert report is not None
    assert report.controls == (said,)


def test_copies_of_the_clock_count_once() -> None:
    """What is not beyond the last place in the clock was obeyed before."""
    subject = stage()
    assert [subject.is_new(clock) for clock in (0, 1, 1, 0, 5, 4, 6)] == [True, True, False, False, True, False, True]


def test_batches_of_others_are_refused_by_name() -> None:
    """A changed number of partitions, or another city's settings, must not count tickets where they do not belong."""
    subject = stage()
    subject.check(of_partition(0), "tickets/0@5")
    with pytest.raises(WrongPartitionError, match=r"tickets/0@5: .*shards \[.*which partition 0 of 2 .*repartition"):
        subject.check(of_partition(1), "tickets/0@5")
    other = columns([Row(time=START, id="1")], city="Elsewhere")
    with pytest.raises(WrongPartitionError, match="'Elsewhere' / 'Testville'") as raised:
        subject.check(other, "tickets/0@5")
    assert "辖区" in raised.value.zh


def test_own_takes_what_belongs_here() -> None:
    """Of history each partition learns its part, and nothing is in two of them."""
    batch = TicketColumns.joined([of_partition(0, 4), of_partition(1, 5)])
    assert (len(stage(0).own(batch)), len(stage(1).own(batch))) == (4, 5)


def test_a_state_goes_on_where_it_was_kept() -> None:
    """Clock, controls and counts are all in it: reports after it equal those without a restart, to the bit."""
    subject = stage()
    records = log(city(days=3))
    for record in records[:200]:
        if isinstance(record, TicketColumns):
            subject.apply(subject.own(record))
        elif isinstance(record, Tick):
            subject.tick(record, 0)
    subject.is_new(17)
    subject.control(control(ControlKind.PROTECT, at=START, series=NOISE))
    again = restored(subject, msgspec.msgpack.decode(msgspec.msgpack.encode(subject.state())))
    assert again.clock == 17
    for record in records[200:]:
        if isinstance(record, TicketColumns):
            assert again.apply(again.own(record)).tolist() == subject.apply(subject.own(record)).tolist()
        elif isinstance(record, Tick):
            assert again.tick(record, 0) == subject.tick(record, 0)
    assert again.state() == subject.state()


@pytest.mark.parametrize("change", [{"version": 2}, {"version": None}], ids=["newer", "none"])
def test_another_programs_state_is_refused(change: dict[str, Any]) -> None:
    """It is never misread: the log gives it again."""
    with pytest.raises(IncompatibleSnapshotError, match="rebuild"):
        restored(stage(), stage().state() | change)


def test_another_partitions_state_is_refused() -> None:
    """Its shards are not these."""
    with pytest.raises(IncompatibleSnapshotError, match="rebuild"):
        restored(stage(0), stage(1).state())


def test_series_that_may_lead_alerts_come_with_their_course() -> None:
    """The alert worker has charts of what it raises, though the series are counted elsewhere."""
    records, whole = log(city()), engine()
    led = {a.lead_signal_id for record in records for a in whole.apply(record).alerts}
    told = set()
    for subject in (stage(0), stage(1)):
        for record in records:
            if isinstance(record, TicketColumns):
                subject.apply(subject.own(record))
            elif isinstance(record, Tick):
                report = subject.tick(record, 0)
                told |= {course.signal for course in report.courses} if report else set()
    assert led & told
