"""The course of series that alerts rest on: what their charts are drawn from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from warning.domain.bucket import QUARTER_MS, BucketLength
from warning.domain.evidence import EvidencePoint

if TYPE_CHECKING:
    from warning.domain.signal import Signal
    from warning.engine.bank import SeriesBank
    from warning.engine.grid import Grid

_BEFORE = {BucketLength.QUARTER: 48, BucketLength.HOUR: 48, BucketLength.DAY: 42, BucketLength.WEEK: 12}
_AFTER = {BucketLength.QUARTER: 16, BucketLength.HOUR: 12, BucketLength.DAY: 7, BucketLength.WEEK: 4}
"""Buckets shown before an alert's window and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """The buckets before a signal's window, from the one with the id ``first``: columns of equal length."""

    first: int
    observed: list[int]
    expected: list[float]
    upper_bound: list[float]

    def points(self, signal: Signal, grid: Grid) -> list[EvidencePoint]:
        """Return the course up to the signal's window, and the window itself as the signal has it."""
        columns = zip(self.observed, self.expected, self.upper_bound, strict=True)
        before = [
            EvidencePoint(
                series=signal.series,
                length=signal.length,
                start=grid.moment(grid.start(signal.length, bucket)),
                end=grid.moment(grid.end(signal.length, bucket)),
                observed=observed,
                expected=expected,
                upper_bound=upper_bound,
            )
            for bucket, (observed, expected, upper_bound) in enumerate(columns, self.first)
        ]
        return [*before, own_point(signal)]


def own_point(signal: Signal) -> EvidencePoint:
    """Return a signal's own window as a point of its series' course."""
    return EvidencePoint(
        series=signal.series,
        length=signal.length,
        start=signal.window_start,
        end=signal.window_end,
        observed=signal.observed,
        expected=signal.expected,
        upper_bound=signal.upper_bound,
    )


def bucket_at(grid: Grid, length: BucketLength, start_ms: int) -> int:
    """Return the id of the bucket that holds a moment."""
    return grid.ids(start_ms // QUARTER_MS)[_POSITION[length]]


def bucket_of(grid: Grid, signal: Signal) -> int:
    """Return the id of a signal's bucket."""
    return bucket_at(grid, signal.length, int(signal.window_start.timestamp() * 1000))


def followed_until(grid: Grid, signal: Signal) -> int:
    """Return the id of the last bucket that the course of an alert led by this signal shows."""
    return bucket_of(grid, signal) + _AFTER[signal.length]


class Courses:
    """Follows the watched series of a bank; points before the watch began carry what the model expects now."""

    def __init__(self, bank: SeriesBank) -> None:
        self._bank = bank
        self._until: dict[tuple[int, BucketLength], int] = {}

    def watch(self, signal: Signal) -> list[EvidencePoint]:
        """Follow a signal's series from now on; returns its past and the signal's own window."""
        if not self.follow(signal):
            return [own_point(signal)]
        return self.pasts([signal])[0].points(signal, self._bank.grid)

    def follow(self, signal: Signal) -> bool:
        """Follow a signal's series from now on; returns whether it was not followed before."""
        key = (self._bank.row_of[signal.series], signal.length)
        new = key not in self._until
        self._until[key] = max(followed_until(self._bank.grid, signal), self._until.get(key, 0))
        return new

    def may_be_followed_for(self, signal: Signal) -> bool:
        """Whether a signal's series is followed as long as its chart wants, or may have been and is forgotten."""
        grid, until = self._bank.grid, followed_until(self._bank.grid, signal)
        if self._until.get((self._bank.row_of[signal.series], signal.length), until - 1) >= until:
            return True
        return grid.end(signal.length, until) <= grid.start(BucketLength.HOUR, self._bank.next_hour)

    def follows_quarters(self) -> bool:
        """Whether a series is followed by quarters of an hour."""
        return any(length is BucketLength.QUARTER for _, length in self._until)

    def pasts(self, signals: Sequence[Signal]) -> list[Past]:
        """Return what came before each signal's window, and what the model now expects of it."""
        bank = self._bank
        alike: dict[tuple[BucketLength, int], list[int]] = defaultdict(list)
        for index, signal in enumerate(signals):
            alike[signal.length, bucket_of(bank.grid, signal)].append(index)
        found: dict[int, Past] = {}
        for (length, bucket), indices in alike.items():
            rows = [bank.row_of[signals[index].series] for index in indices]
            found |= zip(indices, self._pasts(rows, length, bucket), strict=True)
        return [found[index] for index in range(len(signals))]

    def _pasts(self, rows: list[int], length: BucketLength, bucket: int) -> list[Past]:
        """Return the pasts of some rows before one bucket."""
        bank, first = self._bank, bucket - _BEFORE[length]
        while first < bucket and bank.grid.start(length, first) < (bank.started or 0):
            first += 1
        index = np.array(rows, np.int64)
        counts = np.array([bank.counts.history(row, length, range(first, bucket)) for row in rows], np.int32)
        pasts = [Past(first=first, observed=one, expected=[], upper_bound=[]) for one in counts.tolist()]
        windows = [bank.grid.window(length, each) for each in range(first, bucket)]
        for evidence in bank.detectors[0].score_many(index, counts, windows):
            for past, expected, upper in zip(
                pasts, evidence.expected.tolist(), evidence.upper_bound.tolist(), strict=True
            ):
                past.expected.append(expected)
                past.upper_bound.append(upper)
        return pasts

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
