"""The geometry of the report's two pictures; the template draws it as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.service.words import Words, figure
from warning.web.scales import Tick, count_ticks, nice_top, time_ticks

POINTS_BEFORE = 84
POINTS_AFTER = 36
"""Three and a half days of hours before the window and a day and a half after: normal is seen beside the burst."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of a picture and its margins, in its own units (pixels where it is shown at full size)."""

    name: str
    width: int
    height: int
    ticks: int
    left: int = 46
    right: int = 12
    top: int = 22
    bottom: int = 28

    @property
    def inner_width(self) -> float:
        return self.width - self.left - self.right

    @property
    def inner_height(self) -> float:
        return self.height - self.top - self.bottom

    def y(self, share: float) -> float:
        """Place a share of the height, 0 at the bottom."""
        return round(self.height - self.bottom - self.inner_height * share, 1)


FRAMES = (Frame("wide", 860, 260, 10), Frame("narrow", 340, 230, 4, left=40, right=8))
TIMELINE_FRAMES = (Frame("wide", 860, 190, 10), Frame("narrow", 340, 190, 4, left=40, right=8))


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """Moments to places across a frame."""

    frame: Frame
    start: datetime
    end: datetime

    def x(self, moment: datetime) -> float:
        """Place a moment; beyond the ends it stays at the edge."""
        begin = self.start.timestamp()
        share = (moment.timestamp() - begin) / (self.end.timestamp() - begin)
        return round(self.frame.left + self.frame.inner_width * min(1.0, max(0.0, share)), 1)

    def ticks(self) -> list[Tick]:
        """Return the axis's marks."""
        return [Tick(self.x(at), label) for at, label in time_ticks(self.start, self.end, self.frame.ticks)]


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket's observed count; ``unusual`` when it reaches the upper bound."""

    x: float
    y: float
    width: float
    height: float
    unusual: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseChart:
    """Observed against expected, with the range of the normal and the alert's window."""

    frame: Frame
    bars: list[Bar]
    expected: str
    normal: str
    window: tuple[float, float]
    raised: float | None
    x_ticks: list[Tick]
    y_ticks: list[Tick]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An alert on the timeline."""

    alert_id: str
    x: float
    end: float
    y: float
    severity: int
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """All alerts over time, by severity."""

    frame: Frame
    marks: list[Mark]
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def around(points: Sequence[EvidencePoint], window_start: datetime) -> list[EvidencePoint]:
    """Return the part of a course that is worth showing with a window."""
    first = next((index for index, point in enumerate(points) if point.end > window_start), len(points))
    return list(points[max(0, first - POINTS_BEFORE) : first + POINTS_AFTER])


def course_chart(frame: Frame, points: Sequence[EvidencePoint], alert: Alert) -> CourseChart:
    """Lay out a course of at least one point; times are shown in the zone the points carry."""
    axis = TimeAxis(frame, points[0].start, points[-1].end)
    top = nice_top(max(max(point.observed, point.upper_bound) for point in points))
    inside = axis.start <= alert.raised_at <= axis.end
    return CourseChart(
        frame=frame,
        bars=[_bar(axis, point, top) for point in points if point.observed],
        expected=_steps(axis, points, [point.expected for point in points], top),
        normal=_area(axis, points, top),
        window=(axis.x(alert.window_start), max(3.0, axis.x(alert.window_end) - axis.x(alert.window_start))),
        raised=axis.x(alert.raised_at) if inside else None,
        x_ticks=axis.ticks(),
        y_ticks=[Tick(frame.y(value / top), figure(value) if value else "0") for value in count_ticks(top)],
    )


def course_words(points: Sequence[EvidencePoint]) -> Words:
    """Say what the chart shows to someone who does not see it."""
    peak = max(points, key=lambda point: point.observed)
    beyond = sum(point.observed >= point.upper_bound for point in points)
    span = f"{points[0].start:%Y-%m-%d %H:%M} – {points[-1].end:%Y-%m-%d %H:%M}"
    return Words(
        f"{points[0].series.name} {span} 实际与预计件数。{len(points)} 格中 {beyond} 格达到异常界限;"
        f"最高在 {peak.start:%m-%d %H:%M},实际 {peak.observed:,} 件,预计 {figure(peak.expected)} 件。",
        f"Observed and expected counts of {points[0].series.name}, {span}. {beyond} of {len(points)} buckets reach the "
        f"bound; the highest is {peak.start:%m-%d %H:%M} with {peak.observed:,}, {figure(peak.expected)} expected.",
    )


def timeline(frame: Frame, alerts: Sequence[Alert]) -> Timeline:
    """Lay out at least one alert over the time in which alerts were raised."""
    start = min(alert.window_start for alert in alerts)
    end = max(max(alert.window_end, alert.raised_at) for alert in alerts)
    margin = max((end - start) / 20, timedelta(hours=3))
    axis = TimeAxis(frame, start - margin, end + margin)
    return Timeline(
        frame=frame,
        marks=[_mark(axis, alert) for alert in sorted(alerts, key=lambda alert: alert.severity)],
        x_ticks=axis.ticks(),
        y_ticks=[Tick(frame.y(value / 100), str(value)) for value in (0, 50, 100)],
    )


def _mark(axis: TimeAxis, alert: Alert) -> Mark:
    return Mark(
        alert_id=alert.id,
        x=axis.x(alert.raised_at),
        end=axis.x(alert.closed_at or alert.updated_at),
        y=axis.frame.y(alert.severity / 100),
        severity=alert.severity,
        label=f"{alert.raised_at:%Y-%m-%d %H:%M} {alert.headline.zh} / {alert.headline.en}",
    )


def _bar(axis: TimeAxis, point: EvidencePoint, top: float) -> Bar:
    left, right = axis.x(point.start), axis.x(point.end)
    gap = min(1.0, (right - left) / 5)
    height = round(axis.frame.inner_height * point.observed / top, 1)
    return Bar(
        x=round(left + gap / 2, 2),
        y=axis.frame.y(point.observed / top),
        width=round(max(0.5, right - left - gap), 2),
        height=max(0.8, height),
        unusual=point.observed >= point.upper_bound,
    )


def _steps(axis: TimeAxis, points: Sequence[EvidencePoint], values: Sequence[float], top: float) -> str:
    """Draw a step line as SVG path data; it is interrupted where buckets are missing."""
    path: list[str] = []
    end: datetime | None = None
    for point, value in zip(points, values, strict=True):
        joint = "L" if end == point.start else "M"
        y = axis.frame.y(value / top)
        path.append(f"{joint}{axis.x(point.start)} {y}H{axis.x(point.end)}")
        end = point.end
    return "".join(path)


def _area(axis: TimeAxis, points: Sequence[EvidencePoint], top: float) -> str:
    """Fill what is not unusual: from zero to the upper bound of each bucket."""
    floor = axis.frame.y(0)
    return "".join(
        f"M{axis.x(point.start)} {floor}V{axis.frame.y(point.upper_bound / top)}H{axis.x(point.end)}V{floor}Z"
        for point in points
    )
