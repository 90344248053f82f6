"""What a bank of series says and asks while its buckets close."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from models.base import CountDetector
from warning.domain.bucket import BucketLength


class Standing(IntEnum):
    """Whether a series may be kept."""

    TENTATIVE = 0
    """It has tickets in open buckets only; its first closed bucket decides."""
    ADMITTED = 1
    REFUSED = 2
    """The quota was full: its tickets count in an overflow series."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One detector's evidence about one row in one bucket; ``hit`` False withdraws earlier provisional evidence."""

    detector: CountDetector
    row: int
    length: BucketLength
    bucket: int
    until: int | None
    hit: bool
    observed: int
    expected: float
    upper_bound: float
    p_value: float
    score: float


class ClosingHooks(Protocol):
    """What a stage does while buckets close."""

    def followed_quarters(self, until: int) -> Iterable[int]:
        """Return the quarters that end now, by the latest ``until``, of which a course is told though nothing came."""

    def closing_quarter(self, quarter: int) -> None:
        """Before a quarter of an hour is judged: admit or refuse its tentative series, in sorted order."""

    def closing(self, length: BucketLength, bucket: int) -> None:
        """After a bucket was judged, before it is learned: what a chart wants to know of it."""
