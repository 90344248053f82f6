"""The alert's chart: drawn on the server, and its numbers for the script that makes it move."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.service.words import Words
from warning.web import charts


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What the alert page shows of the leading series over time: at least one point, on the zone's wall clock."""

    points: list[EvidencePoint]
    charts: list[charts.CourseChart]
    words: Words
    numbers: str
    """JSON: seconds of the epoch and counts, for uPlot."""


def course(points: Sequence[EvidencePoint], alert: Alert, zone: ZoneInfo) -> Course | None:
    """Lay out the part of a course that is worth showing; None when there is none."""
    shown = [
        replace(point, start=point.start.astimezone(zone), end=point.end.astimezone(zone))
        for point in charts.around(points, alert.window_start)
    ]
    if not shown:
        return None
    local = replace(
        alert,
        raised_at=alert.raised_at.astimezone(zone),
        window_start=alert.window_start.astimezone(zone),
        window_end=alert.window_end.astimezone(zone),
    )
    return Course(
        points=shown,
        charts=[charts.course_chart(frame, shown, local) for frame in charts.FRAMES],
        words=charts.course_words(shown),
        numbers=json.dumps(_numbers(shown, alert, zone)),
    )


def _numbers(points: Sequence[EvidencePoint], alert: Alert, zone: ZoneInfo) -> dict[str, object]:
    return {
        "zone": zone.key,
        "start": [round(point.start.timestamp()) for point in points],
        "end": round(points[-1].end.timestamp()),
        "observed": [point.observed for point in points],
        "expected": [round(point.expected, 3) for point in points],
        "bound": [round(point.upper_bound, 3) for point in points],
        "window": [round(alert.window_start.timestamp()), round(alert.window_end.timestamp())],
        "raised": round(alert.raised_at.timestamp()),
    }
