"""Why an alert was raised: its figures, what they are made of, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from warning.domain.alert import Alert
from warning.domain.bucket import BucketLength
from warning.domain.errors import UnknownNameError
from warning.domain.evidence import EvidencePoint
from warning.domain.series import SeriesKey
from warning.domain.signal import Signal
from warning.service.errors import BadInputError
from warning.service.result import BacktestResult
from warning.service.words import Words, duration, figure, kind_words, times_expected

REMAINDER = "(other)"
"""The line that makes the contributing series sum to observed when they do not cover it all."""

NAMES_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Part:
    """One contributing series: how many came, how many were expected."""

    name: str
    observed: int
    expected: float

    @property
    def excess(self) -> float:
        """Tickets above what was expected."""
        return self.observed - self.expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """An alert with everything that tells why it stands: the figures are the alert's own.

    ``parts`` sum to the alert's observed count (a line named ``(other)`` takes what no part covers); ``signals`` are
    those that belong to the alert, strongest first; ``course`` is the leading signal's series over time.
    """

    alert: Alert
    zone: str
    reason: Words
    parts: tuple[Part, ...]
    signals: tuple[Signal, ...]
    course: tuple[EvidencePoint, ...]


def explain(result: BacktestResult, wanted: str) -> Explanation:
    """Explain the alert with this id, or the only one whose id begins so; raises when there is none or several."""
    alert = find_alert(result.alerts, wanted)
    return Explanation(
        alert=alert,
        zone=result.summary.zone,
        reason=reason(alert),
        parts=complete_parts(alert),
        signals=own_signals(alert, result.signals),
        course=Courses(result.signals, result.evidence).of(alert),
    )


def find_alert(alerts: Sequence[Alert], wanted: str) -> Alert:
    """Find an alert by its id or a prefix that only it has."""
    found = [alert for alert in alerts if alert.id == wanted] or [
        alert for alert in alerts if wanted and alert.id.startswith(wanted)
    ]
    if not found:
        raise UnknownNameError("alert", wanted, [alert.id for alert in alerts[:NAMES_SHOWN]])
    if len(found) > 1:
        some = ", ".join(alert.id for alert in found[:NAMES_SHOWN])
        raise BadInputError(
            f"alert {wanted!r}",
            f"{len(found)} alerts begin so ({some})",
            "Give more of the id.",
            f"有 {len(found)} 条预警以 {wanted!r} 开头 ({some})。请多写几位。",
        )
    return found[0]


def reason(alert: Alert) -> Words:
    """Say in one sentence what made policy raise the alert."""
    ratio = times_expected(alert.observed, alert.expected)
    apart, kind = duration(alert.recurrence_interval_days), kind_words(alert.kind)
    signals = len(alert.signal_ids)
    bound = figure(alert.upper_bound)
    return Words(
        f"{kind.zh}: 窗口内 {alert.observed:,} 件,{ratio.zh},越过界限 {bound};"
        f"仅凭偶然约每 {apart.zh}一次。由 {signals} 条信号合并而成。",
        f"{kind.en}: {alert.observed:,} in the window, {ratio.en}, beyond the bound of {bound}; "
        f"by chance about once in {apart.en}. Made of {signals} signal{'s' if signals != 1 else ''}.",
    )


def complete_parts(alert: Alert) -> tuple[Part, ...]:
    """Return the contributing series, with a remainder where they do not sum to the alert's observed count."""
    parts = tuple(Part(name, observed, expected) for name, observed, expected in alert.parts)
    missing = alert.observed - sum(part.observed for part in parts)
    if not missing:
        return parts
    return (*parts, Part(REMAINDER, missing, alert.expected - sum(part.expected for part in parts)))


def own_signals(alert: Alert, signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """Return the signals that belong to the alert, the leading one first, then the most unusual."""
    ids = set(alert.signal_ids)
    own = (signal for signal in signals if signal.id in ids)
    return tuple(sorted(own, key=lambda signal: (signal.id != alert.lead_signal_id, signal.p_value, signal.id)))


class Courses:
    """The evidence of a result, found by alert: the leading signal's series at its bucket length."""

    def __init__(self, signals: Sequence[Signal], evidence: Sequence[EvidencePoint]) -> None:
        self._leads = {signal.id: (signal.series, signal.length) for signal in signals}
        self._points: dict[tuple[SeriesKey, BucketLength], list[EvidencePoint]] = {}
        for point in sorted(evidence, key=lambda point: point.start):
            self._points.setdefault((point.series, point.length), []).append(point)

    def of(self, alert: Alert) -> tuple[EvidencePoint, ...]:
        """Return the points in order of time; none when the result holds none."""
        lead = self._leads.get(alert.lead_signal_id)
        return tuple(self._points.get(lead, ())) if lead else ()
