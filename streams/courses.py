"""Courses of the series that lead alerts, where series and alerts live in different processes.

An alert's leading signal is only known once all partitions have reported, and by then the partition that has the
series may have moved on. So each partition follows every series that may come to lead an alert, and reports its past
with each tick that speaks of it; the alert stage keeps what the engine in one process would have kept.

Of a shard that was left out one thing differs: its charts show what its partition expected when it last spoke of the
signal, those of one engine what it expects at the shard's return. Signals, alerts and counts are the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from warning.engine.course import Past
from warning.policy.episode import qualifies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.domain.signal import Signal
    from warning.engine.records import TickReport
    from warning.engine.shard_stage import ShardStage
    from warning.policy.config import PolicyConfig

MOST = 2_000
"""Pasts in one report: some 2 MB. Of more series that surge at once, the charts of the least unusual begin later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What came before the window of a signal in the same report."""

    signal: str
    past: Past


def courses_of(report: TickReport, stage: ShardStage, policy: PolicyConfig) -> tuple[Course, ...]:
    """Follow the series of a report that may lead an alert; returns their pasts, and those of series that may have led.

    To be called between the tick that made the report and whatever changes the stage next.
    """
    for signal in report.signals:
        if _may_lead(signal, report, policy):
            stage.courses.follow(signal)
    # Not only those that may lead now: an alert that ends is led by what led it before, however little that has become.
    concerned = filter(stage.courses.may_be_followed_for, report.signals)
    told = sorted(concerned, key=lambda signal: (signal.p_value, signal.id))[:MOST]
    pasts = stage.courses.pasts(told)
    return tuple(Course(signal=signal.id, past=past) for signal, past in zip(told, pasts, strict=True))


def _may_lead(signal: Signal, report: TickReport, policy: PolicyConfig) -> bool:
    """Whether a signal would qualify if there were no other series than this partition's: with more it is less rare."""
    analyses = max(report.analysed.get(signal.length, 0), 1) * signal.length.per_day
    rarest = replace(signal, recurrence_interval_days=1.0 / (signal.p_value * analyses))
    return qualifies(rarest, policy)


def pasts_in(courses: Sequence[Course]) -> dict[str, Past]:
    """Return the pasts by the signal they belong to."""
    return {course.signal: course.past for course in courses}
