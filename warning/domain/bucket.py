"""Buckets: half-open time intervals of four lengths on the jurisdiction's own calendar."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

MINUTE_MS = 60_000
QUARTER_MS = 15 * MINUTE_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


class BucketLength(StrEnum):
    """The four lengths evidence is given at. Days and weeks (from Monday) are local: 23 or 25 hours at a change."""

    QUARTER = "15m"
    HOUR = "1h"
    DAY = "1d"
    WEEK = "7d"

    @property
    def nominal_ms(self) -> int:
        """Milliseconds of a bucket of this length on an ordinary day."""
        return _NOMINAL_MS[self]

    @property
    def per_day(self) -> float:
        """How many buckets of this length an ordinary day has."""
        return DAY_MS / self.nominal_ms


_NOMINAL_MS = {
    BucketLength.QUARTER: QUARTER_MS,
    BucketLength.HOUR: HOUR_MS,
    BucketLength.DAY: DAY_MS,
    BucketLength.WEEK: 7 * DAY_MS,
}


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """A half-open interval [start, end); both carry a zone."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() is None or self.end.utcoffset() is None:
            msg = "a bucket's start and end carry a zone"
            raise ValueError(msg)
        if self.end <= self.start:
            msg = f"a bucket ends after it starts, not {self.start} .. {self.end}"
            raise ValueError(msg)

    def overlaps(self, other: Bucket) -> bool:
        """Whether the two intervals share a moment."""
        return self.start < other.end and other.start < self.end
