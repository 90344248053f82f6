"""The course of series that alerts rest on: what their charts are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warning.domain.bucket import BucketLength
from warning.domain.evidence import EvidencePoint

if TYPE_CHECKING:
    from warning.domain.signal import Signal
    from warning.engine.bank import SeriesBank

_BEFORE = {BucketLength.QUARTER: 48, BucketLength.HOUR: 48, BucketLength.DAY: 42, BucketLength.WEEK: 12}
_AFTER = {BucketLength.QUARTER: 16, BucketLength.HOUR: 12, BucketLength.DAY: 7, BucketLength.WEEK: 4}
"""Buckets shown before an alert's window and after it."""


class Courses:
    """Follows the watched series of a bank; points before the watch began carry what the model expects now."""

    def __init__(self, bank: SeriesBank) -> None:
        self._bank = bank
        self._until: dict[tuple[int, BucketLength], int] = {}

    def watch(self, signal: Signal) -> list[EvidencePoint]:
        """Follow a signal's series from now on; returns its past and the signal's own window."""
        bank, length = self._bank, signal.length
        row = bank.row_of[signal.series]
        bucket = bank.grid.ids(int(signal.window_start.timestamp() * 1000) // 900_000)[_POSITION[length]]
        new = (row, length) not in self._until
        self._until[row, length] = max(bucket + _AFTER[length], self._until.get((row, length), 0))
        own = EvidencePoint(
            series=signal.series,
            length=length,
            start=signal.window_start,
            end=signal.window_end,
            observed=signal.observed,
            expected=signal.expected,
            upper_bound=signal.upper_bound,
        )
        return [*self._past(row, length, bucket), own] if new else [own]

    def _past(self, row: int, length: BucketLength, bucket: int) -> list[EvidencePoint]:
        bank = self._bank
        first = bucket - _BEFORE[length]
        while first < bucket and bank.grid.start(length, first) < (bank.started or 0):
            first += 1
        counts = bank.counts.history(row, length, range(first, bucket))
        return [self._point(row, length, first + i, count) for i, count in enumerate(counts)]

    def _point(self, row: int, length: BucketLength, bucket: int, observed: int) -> EvidencePoint:
        bank = self._bank
        evidence = bank.detectors[0].score(
            np.array([row], np.int64), np.array([observed], np.int32), bank.grid.window(length, bucket)
        )
        return EvidencePoint(
            series=bank.keys[row],
            length=length,
            start=bank.grid.moment(bank.grid.start(length, bucket)),
            end=bank.grid.moment(bank.grid.end(length, bucket)),
            observed=observed,
            expected=float(evidence.expected[0]),
            upper_bound=float(evidence.upper_bound[0]),
        )

    def closing(self, length: BucketLength, bucket: int) -> list[EvidencePoint]:
        """Return the points of watched series in a bucket that is about to close."""
        watched = [row for (row, of), until in self._until.items() if of is length and bucket <= until]
        if not watched:
            return []
        observed = self._bank.counts.observed(length, bucket, np.array(watched, np.int64)).tolist()
        return [self._point(row, length, bucket, count) for row, count in zip(watched, observed, strict=True)]

    def forget(self) -> None:
        """Drop watches that have run out."""
        hour = self._bank.next_hour
        now = self._bank.grid.start(BucketLength.HOUR, hour)
        self._until = {
            (row, length): until
            for (row, length), until in self._until.items()
            if self._bank.grid.end(length, until) > now
        }

    def state(self, place: dict[int, int]) -> list[tuple[int, str, int]]:
        """Return the watches of these rows, renumbered."""
        return [(place[row], length.value, until) for (row, length), until in self._until.items() if row in place]

    def load(self, state: list[tuple[int, str, int]], first: int) -> None:
        """Add watches whose rows now start at ``first``."""
        for row, label, until in state:
            self._until[first + row, BucketLength(label)] = until


_POSITION = {length: position for position, length in enumerate(BucketLength)}
