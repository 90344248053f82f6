"""Signals: calibrated evidence of one detector about one series in one window, not yet reviewed by anyone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKey


class EvidenceState(StrEnum):
    """How much of the window the evidence has seen."""

    PROVISIONAL = "provisional"
    """The bucket is still open."""
    FINAL = "final"
    """The bucket has closed."""
    WITHDRAWN = "withdrawn"
    """It was provisional, and the closed bucket does not bear it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleTicket:
    """A redacted ticket that a signal rests on, as it was known when the signal was given."""

    source: str
    ticket_id: str
    created_at: datetime
    area: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Evidence that a window of a series is unusual.

    ``observed`` and ``expected`` are tickets in the window so far, ``upper_bound`` the smallest count that would be
    as unusual as the signal threshold, ``p_value`` a mid-p value, ``score`` the exceedance score
    (observed - expected) / (upper bound - expected), ``recurrence_interval_days`` 1 / (p-value x analyses a day).
    ``updated_at`` is the largest event time read when a live run would have given this version of it, ``raised_at`` the
    same of its first version: the engine gives each version as if it were the first, :meth:`following` keeps the first.
    """

    id: str
    jurisdiction: str
    detector: str
    kind: str
    series: SeriesKey
    length: BucketLength
    window_start: datetime
    window_end: datetime
    raised_at: datetime
    updated_at: datetime
    state: EvidenceState
    observed: int
    expected: float
    upper_bound: float
    p_value: float
    score: float
    recurrence_interval_days: float
    history_days: float
    parts: tuple[tuple[str, int, float], ...] = ()
    """The series one level below that make it up: (area, observed, expected), largest excess first."""
    departments: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    """Of the latest tickets behind it."""
    examples: tuple[ExampleTicket, ...] = ()

    def following(self, earlier: Signal | None) -> Signal:
        """Return this version as the successor of an earlier one: when it was first raised stays known."""
        return self if earlier is None else replace(self, raised_at=earlier.raised_at)
