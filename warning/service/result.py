"""What a back-test yields: everything its result folder holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from warning.domain.alert import Alert
    from warning.domain.evidence import EvidencePoint
    from warning.domain.reject import Reject
    from warning.domain.signal import Signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The run in figures. ``outcomes`` has every RowOutcome and sums to ``rows``; times carry the zone."""

    jurisdiction: str
    zone: str
    version: str
    inputs: tuple[str, ...]
    mapping: str
    rows: int
    outcomes: dict[str, int]
    reject_reasons: dict[str, int]
    repairs: dict[str, int]
    """"field:rule" -> how many cells were repaired."""
    life_events: dict[str, int]
    backlog: dict[str, int]
    """Department -> tickets created and not yet ended in this input."""
    first_event: datetime | None
    last_event: datetime | None
    ticks: int
    decisions: int
    """Series-bucket decisions taken: series x closed buckets, and provisional looks."""
    series: dict[str, int]
    """Series kind -> how many were kept."""
    overflowed: int
    """Tickets counted in an overflow series because a quota was full."""
    dedupe_horizon_days: float
    signals: int
    alerts: int
    alerts_by_status: dict[str, int]
    notices: tuple[str, ...]
    """Sentences (Chinese and English) about limits that were reached; empty when all is well."""


@dataclass(slots=True, kw_only=True)
class BacktestResult:
    """Alerts by raising time, signals by (raising time, id), evidence points by series and time, rejects by row."""

    summary: Summary
    alerts: list[Alert] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)
    evidence: list[EvidencePoint] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
