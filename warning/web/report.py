"""The report of a back-test: one HTML file that needs nothing else, for an operator or a colleague who gets it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.service import words
from warning.service.explain import Courses, Part, complete_parts
from warning.service.result import BacktestResult, Summary
from warning.service.words import Words
from warning.web import charts

MOST_CARDS = 200
"""Beyond this the page gets slow on a phone; the most severe are shown and the page says where the others are."""

MOST_PARTS = 12
STYLES = ("static/base.css", "templates/report.css")
WEEKDAYS = ("周一 Mon", "周二 Tue", "周三 Wed", "周四 Thu", "周五 Fri", "周六 Sat", "周日 Sun")


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One alert as the page shows it."""

    alert: Alert
    kind: Words
    level: str
    happened: Words
    rarity: Words
    caution: Words | None
    delay: Words
    parts: list[tuple[Part, float, float]]
    """Each with the lengths of its two bars, 0 to 100."""
    charts: list[charts.CourseChart]
    chart_words: Words | None
    bucket: str


def render_report(result: BacktestResult) -> str:
    """Render the page; the same result gives the same text."""
    zone = _zone(result.summary.zone)
    courses = Courses(result.signals, result.evidence)
    shown = sorted(result.alerts, key=lambda alert: -alert.severity)[:MOST_CARDS]
    shown.sort(key=lambda alert: (alert.raised_at, alert.id))
    cards = [_card(_localized(alert, zone), _localized_points(courses.of(alert), zone)) for alert in shown]
    style = "".join(files("warning.web").joinpath(name).read_text("utf-8") for name in STYLES)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            summary=result.summary,
            cards=cards,
            ranking=sorted(cards, key=lambda card: -card.alert.severity),
            left_out=len(result.alerts) - len(cards),
            timelines=[
                charts.timeline(frame, [card.alert for card in cards]) for frame in charts.TIMELINE_FRAMES if cards
            ],
            outcomes=_outcomes(result.summary),
            rejections=_rejections(result.summary),
            style=Markup(style),  # noqa: S704  our own file
            style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
            zone=zone,
        )
    )


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None


def _localized(alert: Alert, zone: tzinfo | None) -> Alert:
    """Put an alert's times on the wall clock of the run's zone."""
    return replace(
        alert,
        raised_at=alert.raised_at.astimezone(zone or alert.raised_at.tzinfo),
        updated_at=alert.updated_at.astimezone(zone or alert.updated_at.tzinfo),
        window_start=alert.window_start.astimezone(zone or alert.window_start.tzinfo),
        window_end=alert.window_end.astimezone(zone or alert.window_end.tzinfo),
        history=tuple(replace(step, at=step.at.astimezone(zone or step.at.tzinfo)) for step in alert.history),
    )


def _localized_points(points: Sequence[EvidencePoint], zone: tzinfo | None) -> list[EvidencePoint]:
    return [
        replace(
            point,
            start=point.start.astimezone(zone or point.start.tzinfo),
            end=point.end.astimezone(zone or point.end.tzinfo),
        )
        for point in points
    ]


def _card(alert: Alert, course: Sequence[EvidencePoint]) -> Card:
    points = charts.around(course, alert.window_start)
    return Card(
        alert=alert,
        kind=words.kind_words(alert.kind),
        level="high" if alert.severity >= 70 else "middle" if alert.severity >= 40 else "low",
        happened=words.what_happened(alert.observed, alert.expected, alert.upper_bound),
        rarity=words.how_rare(alert.p_value, alert.recurrence_interval_days),
        caution=words.CAUTIONS.get(alert.state),
        delay=_delay(alert),
        parts=_parts(alert),
        charts=[charts.course_chart(frame, points, alert) for frame in charts.FRAMES] if points else [],
        chart_words=charts.course_words(points) if points else None,
        bucket=points[0].length.value if points else "",
    )


def _delay(alert: Alert) -> Words:
    """Say how the raising stands to the window: what a live run would have given the operator."""
    after = timedelta(seconds=alert.raised_at.timestamp() - alert.window_start.timestamp())
    span = words.duration(abs(after) / timedelta(days=1)) if abs(after) >= timedelta(hours=2) else _minutes(abs(after))
    if after < timedelta(0):
        return Words(f"早于该窗口 {span.zh}", f"{span.en} before its strongest window")
    return Words(f"窗口开始后 {span.zh}", f"{span.en} after the window began")


def _minutes(span: timedelta) -> Words:
    count = round(span / timedelta(minutes=1))
    return Words(f"{count} 分钟", f"{count} minute{'s' if count != 1 else ''}")


def _parts(alert: Alert) -> list[tuple[Part, float, float]]:
    """Return the contributing series with bar lengths; those beyond the page's room become one line."""
    parts = list(complete_parts(alert)) if alert.parts else []
    if len(parts) > MOST_PARTS:
        rest = parts[MOST_PARTS - 1 :]
        name = f"… {len(rest)}"
        parts[MOST_PARTS - 1 :] = [Part(name, sum(p.observed for p in rest), sum(p.expected for p in rest))]
    longest = max((max(part.observed, part.expected) for part in parts), default=0) or 1
    return [(part, _length(part.observed, longest), _length(part.expected, longest)) for part in parts]


def _length(value: float, longest: float) -> float:
    return round(max(0.0, 100 * value / longest), 1)


def _outcomes(summary: Summary) -> list[tuple[Words, int, float]]:
    rows = summary.rows or 1
    return [
        (words.OUTCOMES[outcome], summary.outcomes.get(outcome, 0), summary.outcomes.get(outcome, 0) / rows)
        for outcome in reversed(RowOutcome)
    ]


def _rejections(summary: Summary) -> list[tuple[Words, int]]:
    ordered = sorted(summary.reject_reasons.items(), key=lambda item: (-item[1], item[0]))
    return [(_reason_words(code), count) for code, count in ordered]


def _reason_words(code: str) -> Words:
    try:
        return words.REASONS[RejectReason(code)]
    except ValueError:
        return Words(code, code)


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d} {WEEKDAYS[moment.weekday()]} {moment:%H:%M}"


def _offset(moment: datetime) -> str:
    text = moment.strftime("%z")
    return f"UTC{text[:3]}:{text[3:5]}" if text.strip("+-0") else "UTC"


def _largest_first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("warning.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names: dict[str, Any] = {
        "moment": _moment,
        "offset": _offset,
        "figure": words.figure,
        "largest_first": _largest_first,
    }
    environment.filters.update(names)
    environment.globals.update(STATES=words.STATES, STATUSES=words.STATUSES, FLAGS=words.FLAGS)
    return environment
