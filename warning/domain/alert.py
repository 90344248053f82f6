"""Alerts: policy's decision that a person should look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from warning.domain.signal import EvidenceState, ExampleTicket


class AlertStatus(StrEnum):
    """Where an alert stands in its handling. Only open and closed occur before a person acts."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    CLOSED = "closed"


class Disposition(StrEnum):
    """What a reviewer found."""

    CONFIRMED = "confirmed"
    FALSE_ALARM = "false_alarm"
    EXPECTED_CHANGE = "expected_change"
    DUPLICATE = "duplicate"
    NEEDS_MORE_DATA = "needs_more_data"


class ReviewFlag(StrEnum):
    """Why a person must look before the alert leaves the house: machine-readable, a closed set."""

    LOW_CONFIDENCE = "low_confidence"
    SPARSE_DATA = "sparse_data"
    NOVEL_TOPIC = "novel_topic"
    HIGH_IMPACT = "high_impact"
    SPANS_DEPARTMENTS = "spans_departments"
    MODEL_CHANGED = "model_changed"
    VULNERABLE_GROUP_CHANNEL = "vulnerable_group_channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A review flag with the sentence that says why it was set, in both languages."""

    code: ReviewFlag
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One plain sentence an operator understands at 3 a.m., in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One line of an alert's history: which named rule changed it, when, and to what."""

    rule: str
    at: datetime
    severity: int
    status: AlertStatus
    observed: int
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An episode that a person should look at, as it stands now.

    The figures (observed, expected, upper bound, p-value, recurrence interval, window) are those of the episode's
    leading signal, the most unusual one; ``raised_at`` never changes after the first raising.
    """

    id: str
    jurisdiction: str
    raised_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    state: EvidenceState
    kind: str
    detectors: tuple[str, ...]
    window_start: datetime
    window_end: datetime
    areas: tuple[str, ...]
    categories: tuple[str, ...]
    departments: tuple[str, ...]
    channels: tuple[str, ...]
    severity: int
    p_value: float
    recurrence_interval_days: float
    observed: int
    expected: float
    upper_bound: float
    flags: tuple[Flag, ...]
    status: AlertStatus
    aliases: tuple[str, ...] = ()
    """Ids of alerts that were merged into this one."""
    headline: Headline
    lead_signal_id: str
    signal_ids: tuple[str, ...]
    parts: tuple[tuple[str, int, float], ...]
    examples: tuple[ExampleTicket, ...]
    history: tuple[Transition, ...]
