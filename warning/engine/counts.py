"""One store of counts for all four bucket lengths: open buckets as columns, closed ones as sparse history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from warning.domain.bucket import BucketLength

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.base import CountArray, IntArray
    from warning.engine.grid import Grid

LENGTHS = tuple(BucketLength)
_FIRST_CAPACITY = 64

_NOTHING = (np.zeros(0, np.int64), np.zeros(0, np.int32))

Sparse = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Rows that have tickets (ascending), and how many."""


class CountStore:
    """Tickets of each series row in each bucket. A ticket is added once and counts at every length.

    Closed buckets are kept as long as charts and refits want them: ``kept`` says how many of each length.
    """

    def __init__(self, grid: Grid, kept: dict[BucketLength, int]) -> None:
        self._grid = grid
        self._kept = kept
        self._capacity = _FIRST_CAPACITY
        self.open: dict[BucketLength, dict[int, CountArray]] = {length: {} for length in LENGTHS}
        self._touched: dict[tuple[BucketLength, int], list[IntArray]] = {}
        self._closed: dict[BucketLength, dict[int, Sparse]] = {length: {} for length in LENGTHS}

    def make_room(self, rows: int) -> None:
        """Let rows up to this number be counted."""
        if rows <= self._capacity:
            return
        self._capacity = max(rows, 2 * self._capacity)
        for buckets in self.open.values():
            for bucket, counts in buckets.items():
                grown = np.zeros(self._capacity, np.int32)
                grown[: len(counts)] = counts
                buckets[bucket] = grown

    def add(self, rows: IntArray, quarters: IntArray, amounts: CountArray | int = 1) -> None:
        """Count tickets: row, quarter of an hour and how many (negative takes back), one entry each."""
        if not len(rows):
            return
        if not isinstance(amounts, np.ndarray):
            # Of one kind with the counts: numpy adds them at forty times the speed of a bare number.
            amounts = np.full(len(rows), amounts, np.int32)
        if (quarters[1:] < quarters[:-1]).any():
            order = np.argsort(quarters, kind="stable")
            rows, quarters, amounts = rows[order], quarters[order], amounts[order]
        starts = np.flatnonzero(np.diff(quarters, prepend=quarters[0] - 1))
        ids = [self._grid.ids(quarter) for quarter in quarters[starts].tolist()]
        for length, buckets in zip(LENGTHS, zip(*ids, strict=True), strict=True):
            self._add_sorted(length, buckets, [*starts.tolist(), len(rows)], rows, amounts)

    def _add_sorted(
        self, length: BucketLength, buckets: Sequence[int], starts: Sequence[int], rows: IntArray, amounts: CountArray
    ) -> None:
        """Count into buckets (ascending, some several times), each of which has the entries from start to start."""
        first = 0
        for i, bucket in enumerate(buckets):
            if i + 1 < len(buckets) and buckets[i + 1] == bucket:
                continue
            counts = self.open[length].get(bucket)
            if counts is None:
                counts = self.open[length][bucket] = self._corrected(length, bucket)
            mine = slice(starts[first], starts[i + 1])
            np.add.at(counts, rows[mine], amounts[mine])
            self._touched.setdefault((length, bucket), []).append(rows[mine])
            first = i + 1

    def _corrected(self, length: BucketLength, bucket: int) -> CountArray:
        """Return the counts of a bucket that nothing came in on time: late tickets may have been filed under it."""
        counts = np.zeros(self._capacity, np.int32)
        some, late = self._closed[length].pop(bucket, _NOTHING)
        counts[some] = late
        return counts

    def touched(self) -> list[tuple[BucketLength, int, IntArray]]:
        """Return the open buckets counted into since the last call, each with its rows (ascending)."""
        touched = [
            (length, bucket, self._distinct(rows))
            for (length, bucket), rows in sorted(
                self._touched.items(), key=lambda item: (LENGTHS.index(item[0][0]), item[0][1])
            )
            if bucket in self.open[length]
        ]
        self._touched.clear()
        return touched

    def _distinct(self, parts: list[IntArray]) -> IntArray:
        marks = np.zeros(self._capacity, np.bool_)
        for part in parts:
            marks[part] = True
        return np.nonzero(marks)[0]

    def observed(self, length: BucketLength, bucket: int, rows: IntArray) -> CountArray:
        """Return the counts of an open bucket (zeros where nothing came)."""
        counts = self.open[length].get(bucket)
        return np.zeros(len(rows), np.int32) if counts is None else counts[rows]

    def close(self, length: BucketLength, bucket: int, rows: int) -> CountArray:
        """Close a bucket: returns every row's count (rows,), and keeps what is not zero."""
        counts = self.open[length].pop(bucket, None)
        if counts is None:
            counts = self._corrected(length, bucket)
        counts = counts[:rows]
        some = np.nonzero(counts)[0]
        if len(some):
            self._file(length, bucket, (some, counts[some]))
        closed = self._closed[length]
        while closed and (oldest := next(iter(closed))) <= bucket - self._kept[length]:
            del closed[oldest]
        return counts

    def _file(self, length: BucketLength, bucket: int, counts: Sparse) -> None:
        """Keep the counts of a closed bucket; closed buckets stand in their order."""
        closed = self._closed[length]
        behind = bucket not in closed and closed and bucket < next(reversed(closed))
        closed[bucket] = counts
        if behind:
            self._closed[length] = dict(sorted(closed.items()))

    def correct(self, rows: IntArray, quarter: int, amounts: CountArray) -> None:
        """Add late tickets to buckets that have closed (open ones of the longer lengths count them as usual)."""
        for length, bucket in zip(LENGTHS, self._grid.ids(quarter), strict=True):
            if bucket in self.open[length]:
                np.add.at(self.open[length][bucket], rows, amounts)
                continue
            some, counts = self._closed[length].get(bucket, _NOTHING)
            together, inverse = np.unique(np.concatenate([some, rows]), return_inverse=True)
            summed = np.zeros(len(together), np.int32)
            np.add.at(summed, inverse, np.concatenate([counts, amounts]))
            self._file(length, bucket, (together, summed))

    def closed_in(self, length: BucketLength, buckets: range) -> CountArray:
        """Return the sums of closed buckets by row (one entry for each row there is room for)."""
        total = np.zeros(self._capacity, np.int32)
        for bucket in buckets:
            some, counts = self._closed[length].get(bucket, _NOTHING)
            total[some] += counts
        return total

    def history(self, row: int, length: BucketLength, buckets: range) -> list[int]:
        """Return a row's closed counts, zero where nothing came."""
        counts = []
        for bucket in buckets:
            some, values = self._closed[length].get(bucket, (None, None))
            at = -1 if some is None else int(np.searchsorted(some, row))
            found = some is not None and at < len(some) and some[at] == row
            counts.append(int(values[at]) if found and values is not None else 0)
        return counts

    def state(self, rows: IntArray) -> dict[str, Any]:
        """Return the counts of these rows (renumbered 0..n in the given order)."""
        place = np.full(self._capacity, -1, np.int64)
        place[rows] = np.arange(len(rows))

        def part(some: IntArray, counts: CountArray) -> list[NDArray[Any]]:
            mine = (place[some] >= 0) & (counts != 0)
            return [place[some][mine], counts[mine]]

        every = np.arange(self._capacity)
        return {
            "open": [
                [length.value, bucket, *part(every, counts)]
                for length in LENGTHS
                for bucket, counts in sorted(self.open[length].items())
            ],
            "closed": [
                [length.value, bucket, *part(*sparse)]
                for length in LENGTHS
                for bucket, sparse in sorted(self._closed[length].items())
            ],
            "touched": [
                [length.value, bucket, place[touched][place[touched] >= 0]]
                for (length, bucket), parts in sorted(self._touched.items())
                for touched in [self._distinct(parts)]
            ],
        }

    def load(self, state: dict[str, Any], rows: IntArray) -> None:
        """Add the counts of a state; its row i is this store's ``rows[i]``."""
        for label, bucket, some, counts in state["open"]:
            buckets = self.open[BucketLength(label)]
            target = buckets.setdefault(bucket, np.zeros(self._capacity, np.int32))
            target[rows[some]] += counts
        for label, bucket, some, counts in state["closed"]:
            known = self._closed[BucketLength(label)].get(bucket, _NOTHING)
            merged = np.concatenate([known[0], rows[some]])
            order = np.argsort(merged, kind="stable")
            self._file(BucketLength(label), bucket, (merged[order], np.concatenate([known[1], counts])[order]))
        for label, bucket, some in state["touched"]:
            self._touched.setdefault((BucketLength(label), bucket), []).append(rows[some])
