"""The course of a series around a signal: what a chart of observed against expected is drawn from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKey


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePoint:
    """One bucket of a series that a signal was given on: what came and what the model expected at the time."""

    series: SeriesKey
    length: BucketLength
    start: datetime
    end: datetime
    observed: int
    expected: float
    upper_bound: float
