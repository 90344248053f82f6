"""The back-test runtime: what it keeps of all the engine says, and what it notes of the intake."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

from tests.warning import samples
from tests.warning.runtime.parts import Row, part
from warning.domain.bucket import BucketLength
from warning.domain.signal import EvidenceState
from warning.engine.records import Output
from warning.runtime.backtest import Collected, Intake
from warning.runtime.clock import now_ms

LATER = timedelta(hours=2)


def _told(*outputs: Output) -> Collected:
    collected = Collected()
    for output in outputs:
        collected.add(output)
    return collected


def test_later_versions_of_a_signal_replace_earlier_ones() -> None:
    """Of a signal the last version stays, but when it was first raised is not forgotten, however often it comes."""
    first = samples.signal(state=EvidenceState.PROVISIONAL, observed=50)
    second = samples.signal(raised_at=first.raised_at + LATER, updated_at=first.updated_at + LATER, observed=80)
    third = replace(second, raised_at=second.raised_at + LATER, observed=90)
    collected = _told(Output(signals=[first]), Output(signals=[second]), Output(signals=[third]))
    assert collected.signals == {first.id: replace(third, raised_at=first.raised_at)}


def test_versions_in_one_output_count_in_their_order() -> None:
    """Two versions in one answer are an earlier and a later one."""
    first = samples.signal(observed=50)
    collected = _told(Output(signals=[first, replace(first, raised_at=first.raised_at + LATER, observed=60)]))
    assert collected.signals[first.id] == replace(first, observed=60)


def test_signals_of_other_ids_are_kept_apart() -> None:
    """Each id is a signal of its own, raised at its own time."""
    other = samples.signal("sig-b", raised_at=samples.NINE + LATER)
    collected = _told(Output(signals=[samples.signal(), other]))
    assert collected.signals == {"sig-a": samples.signal(), "sig-b": other}


def test_later_versions_of_an_alert_replace_earlier_ones() -> None:
    """An alert is its last version."""
    collected = _told(Output(alerts=[samples.alert()]), Output(alerts=[samples.alert(severity=90)]))
    assert collected.alerts == {"alert-7f3a": samples.alert(severity=90)}


def test_an_alert_that_was_merged_is_gone_and_stays_gone() -> None:
    """Whoever carries its id as alias stands for it; an alias nobody knew does no harm."""
    older, merged = samples.alert("older"), samples.alert("older", aliases=("never shown", "younger"))
    collected = _told(Output(alerts=[older, samples.alert("younger")]), Output(alerts=[merged]))
    assert collected.alerts == {"older": merged}
    collected.add(Output(alerts=[replace(merged, severity=1)]))
    assert list(collected.alerts) == ["older"]


def test_a_point_is_known_by_its_series_length_and_start() -> None:
    """A later point of the same bucket replaces the earlier; another length, start or series is another point."""
    point, *_ = samples.course()
    others = [
        replace(point, length=BucketLength.DAY),
        replace(point, start=point.start + LATER, end=point.end + LATER),
        replace(point, series=replace(point.series, area="New York City/QUEENS")),
    ]
    newer = replace(point, observed=99)
    collected = _told(Output(points=[point]), Output(points=[newer, *others]))
    assert list(collected.points.values()) == [newer, *others]


def test_nothing_said_is_nothing_kept() -> None:
    """An answer without signals, alerts or points changes nothing."""
    collected = _told(Output(), Output())
    assert (collected.signals, collected.alerts, collected.points) == ({}, {}, {})


def test_the_intake_is_noted_while_its_parts_pass_by() -> None:
    """Rows, rejections and repairs of all parts add up, each part is passed on as it is, and only when it is drawn."""
    parts = [
        part([Row(time=1), Row(time=2)], repairs=Counter({("area", "shifted"): 2})),
        part([], rejects=[samples.reject(3), samples.reject(4)]),
        part([Row(time=5)], rejects=[samples.reject(6)], repairs=Counter({("area", "shifted"): 1, ("text", "cut"): 1})),
    ]
    intake = Intake()
    passed = intake.noting(iter(parts))
    assert intake.rows == 0
    assert next(passed) is parts[0]
    assert (intake.rows, intake.rejects) == (2, [])
    assert list(passed) == parts[1:]
    assert intake.rows == 6
    assert intake.rejects == [samples.reject(3), samples.reject(4), samples.reject(6)]
    assert intake.repairs == {("area", "shifted"): 3, ("text", "cut"): 1}


def test_the_clock_gives_milliseconds_of_the_epoch() -> None:
    """Now is after this was written, before the year 2100, and never goes back."""
    first, second = now_ms(), now_ms()
    assert 1_750_000_000_000 < first <= second < 4_102_444_800_000
