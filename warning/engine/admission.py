"""Which series tickets of an area and a category count in, and which new series the quota admits."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from models.base import NO_PARENT, BoolArray, IntArray
from warning.domain.area import SEPARATOR, AreaPath
from warning.domain.bucket import BucketLength
from warning.domain.series import OVERFLOW, SeriesKey, SeriesKind
from warning.engine.finding import Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from warning.engine.bank import SeriesBank
    from warning.intake.columns import TicketColumns

LEVELS = 4
Lineage: TypeAlias = tuple[IntArray, bool]
"""The rows a ticket counts in (root first, padded with -1), and whether every level of its area has one."""


class Admission:
    """Finds the rows of the bank for tickets: new series are tentative until a bucket closes, and up to a quota.

    quota : series of a shard that are admitted; tickets of the others count in the parent's or the overflow series
    shard_of : gives a category's shard
    """

    def __init__(self, bank: SeriesBank, shards: int, quota: int, shard_of: Callable[[str], int]) -> None:
        self._bank = bank
        self._quota = quota
        self._shard_of = shard_of
        self._lineages: dict[tuple[str, str], Lineage] = {}
        self._tentative = np.zeros(shards, np.int64)
        self._admitted = np.zeros(shards, np.int64)

    def lineage(self, area: str, category: str) -> Lineage:
        """Return the rows a ticket counts in, root first, padded with -1; adds series that are new."""
        known = self._lineages.get((area, category))
        if known is not None:
            return known
        rows: list[int] = []
        above = area.rpartition(SEPARATOR)[0]
        if above:
            higher, whole = self.lineage(above, category)
            if not whole:
                return higher, False
            rows = higher[higher >= 0].tolist()
        shard = self._shard_of(category)
        row = self._row(SeriesKey(SeriesKind.AREA_CATEGORY, area, category), rows, shard)
        if row is None:
            return _padded(rows or [self._overflow_row(shard)]), False
        lineage = self._lineages[area, category] = _padded([*rows, row]), True
        return lineage

    def known_lineage(self, area: str, category: str) -> Lineage:
        """Return the rows of those series of a ticket that are admitted; adds none."""
        keys = [SeriesKey(SeriesKind.AREA_CATEGORY, str(path), category) for path in AreaPath.parse(area).lineage()]
        rows = [self._bank.row_of.get(key, -1) for key in keys]
        admitted = self._bank.admitted()
        return _padded([row for row in rows if row >= 0 and admitted[row]]), True

    def settle(self, rows: IntArray) -> int:
        """Admit tentative series in the order of their tickets, as far as the quota goes.

        Returns how many open tickets lost the series of their own.
        """
        table, flat, overflowed = self._bank.table, rows.ravel(), 0
        flat = flat[flat >= 0]
        for row in dict.fromkeys(flat[table["standing"][flat] == Standing.TENTATIVE].tolist()):
            shard = int(table["group"][row])
            self._tentative[shard] -= 1
            if self._admitted[shard] < self._quota:
                self._admitted[shard] += 1
                self._bank.admit(row)
            else:
                overflowed += self._refuse(row, shard)
        return overflowed

    def load(self, shard: int, first: int) -> None:
        """Count the series of a shard that the bank has from a row on."""
        standing = self._bank.table["standing"][first:]
        overflow = sum(key.area == OVERFLOW for key in self._bank.keys[first:])
        self._admitted[shard] = int((standing == Standing.ADMITTED).sum()) - overflow
        self._tentative[shard] = int((standing == Standing.TENTATIVE).sum())

    def _row(self, key: SeriesKey, above: list[int], shard: int) -> int | None:
        """Return a series' row, new or known; None where the quota leaves it no place."""
        row = self._bank.row_of.get(key)
        if row is not None:
            return None if self._bank.table["standing"][row] == Standing.REFUSED else row
        if max(self._admitted[shard], self._tentative[shard]) >= self._quota:
            return None
        self._tentative[shard] += 1
        parent, root = (above[-1], above[0]) if above else (NO_PARENT, NO_PARENT)
        return self._bank.add(key, parent, root, shard, Standing.TENTATIVE)

    def _overflow_row(self, shard: int) -> int:
        key = SeriesKey(SeriesKind.AREA_CATEGORY, OVERFLOW, f"{OVERFLOW} {shard}")
        row = self._bank.row_of.get(key)
        return self._bank.add(key, NO_PARENT, NO_PARENT, shard, Standing.ADMITTED) if row is None else row

    def _refuse(self, row: int, shard: int) -> int:
        """Move a series' tickets to its parent's share, or to the overflow series where it has none."""
        bank, overflowed = self._bank, 0
        bank.refuse(row)
        self._lineages.clear()
        parent = int(bank.table["parent"][row])
        if parent != NO_PARENT and bank.table["standing"][parent] == Standing.REFUSED:
            return 0
        overflow = self._overflow_row(shard) if parent == NO_PARENT else None
        for quarter, counts in bank.counts.open[BucketLength.QUARTER].items():
            amount = int(counts[row])
            overflowed += amount
            if amount and overflow is not None:
                bank.counts.add(np.array([overflow]), np.array([quarter]), amount)
        return overflowed


def lineages_of(
    batch: TicketColumns, index: IntArray, resolve: Callable[[str, str], Lineage]
) -> tuple[IntArray, IntArray, BoolArray]:
    """Return the series rows of each distinct (area, category), which of them each ticket has, and if all are.

    They are resolved in the order in which they first come.
    """
    areas, categories = batch.area.codes[index], batch.category.codes[index]
    pairs = areas.astype(np.int64) * len(batch.category.values) + categories
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    order = np.argsort(first)
    first = first[order]
    names = zip(areas[first].tolist(), categories[first].tolist(), strict=True)
    lineages = [resolve(batch.area.values[area], batch.category.values[category]) for area, category in names]
    rows = np.concatenate([rows for rows, _ in lineages]).reshape(-1, LEVELS)
    return rows, np.argsort(order)[inverse], np.array([whole for _, whole in lineages])


def _padded(rows: list[int]) -> IntArray:
    return np.array(rows + [-1] * (LEVELS - len(rows)), np.int64)
