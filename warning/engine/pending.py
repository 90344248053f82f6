"""Tickets of open buckets, kept so that a closing bucket can be applied in sorted order, and a few after it closed.

Order: (event time, hash of source and ticket id), whatever order they came in.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import pairwise
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from warning.domain.bucket import QUARTER_MS

if TYPE_CHECKING:
    from models.base import BoolArray, IntArray

KEPT_QUARTERS = 96
"""Examples are drawn from the last day."""
KEPT_PER_SERIES = 3
"""Tickets kept of each deepest series and closed quarter of an hour."""
EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Entries:
    """Tickets as columns, n each; ``rows`` (n, 4) are the series a ticket counts in, root first, -1 beyond the last."""

    time: NDArray[np.int64]
    key: NDArray[np.uint64]
    version: NDArray[np.int64]
    digest: NDArray[np.uint64]
    rows: NDArray[np.int64]
    source: NDArray[np.object_]
    ticket_id: NDArray[np.object_]
    area: NDArray[np.object_]
    department: NDArray[np.object_]
    channel: NDArray[np.object_]
    text: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, index: IntArray | BoolArray | slice) -> Entries:
        """Return some of the tickets."""
        return Entries(*[column[index] for column in _columns_of(self)])

    @staticmethod
    def joined(parts: list[Entries]) -> Entries:
        """Return all tickets of several."""
        if len(parts) == 1:
            return parts[0]
        return Entries(*[np.concatenate(columns) for columns in zip(*map(_columns_of, parts), strict=True)])

    def leaves(self) -> IntArray:
        """Return each ticket's deepest series."""
        depth = (self.rows >= 0).sum(axis=1) - 1
        leaves: IntArray = self.rows[np.arange(len(self)), np.maximum(depth, 0)]
        return leaves


_COLUMNS = tuple(field.name for field in fields(Entries))
_columns_of = attrgetter(*_COLUMNS)


@dataclass(frozen=True, slots=True)
class _BySeries:
    """Where the tickets of each series stand: when thousands of series speak at once, none looks through them all."""

    rows: IntArray
    tickets: IntArray

    @staticmethod
    def of(entries: Entries) -> _BySeries:
        flat = entries.rows.ravel()
        order = np.argsort(flat, kind="stable")
        return _BySeries(flat[order], order // entries.rows.shape[1])

    def positions(self, row: int) -> IntArray:
        """Return the positions of a series' tickets, ascending, each once."""
        first, end = np.searchsorted(self.rows, [row, row + 1])
        return np.unique(self.tickets[first:end])


class PendingTickets:
    """Tickets by quarter of an hour."""

    def __init__(self) -> None:
        self._open: dict[int, list[Entries]] = {}
        self._recent: dict[int, Entries] = {}
        self._indexed: dict[int, _BySeries] = {}

    def __len__(self) -> int:
        return sum(len(part) for parts in self._open.values() for part in parts)

    def add(self, entries: Entries) -> None:
        """Hold tickets until their quarter closes."""
        if not len(entries):
            return
        quarters = entries.time // QUARTER_MS
        if (quarters[1:] < quarters[:-1]).any():
            order = np.argsort(quarters, kind="stable")
            entries, quarters = entries.take(order), quarters[order]
        ends = [*(np.nonzero(quarters[1:] != quarters[:-1])[0] + 1).tolist(), len(quarters)]
        for start, end in pairwise([0, *ends]):
            part = entries if end - start == len(quarters) else entries.take(slice(start, end))
            self._open.setdefault(int(quarters[start]), []).append(part)
            self._indexed.pop(int(quarters[start]), None)

    def find(self, key: int) -> Entries | None:
        """Return the open ticket with this key, if there is one."""
        for parts in self._open.values():
            for part in parts:
                at = np.nonzero(part.key == np.uint64(key))[0]
                if len(at):
                    return part.take(at[:1])
        return None

    def remove(self, key: int) -> None:
        """Take an open ticket out."""
        self._indexed.clear()
        for parts in self._open.values():
            parts[:] = [part.take(part.key != np.uint64(key)) for part in parts]

    def close(self, quarter: int) -> Entries | None:
        """Return a quarter's tickets in sorted order, and keep a few as examples."""
        parts = self._open.pop(quarter, None)
        self._indexed.pop(quarter, None)
        if not parts or not any(len(part) for part in parts):
            return None
        together = Entries.joined(parts)
        entries = together.take(np.lexsort((together.key, together.time)))
        last = _last_per_series(entries.leaves())
        self._recent[quarter] = entries if len(last) == len(entries) else entries.take(last)
        for old in [known for known in self._recent if known <= quarter - KEPT_QUARTERS]:
            del self._recent[old]
        return entries

    def of_series(self, row: int, start: int, end: int) -> Entries | None:
        """Return the latest tickets of a series in [start, end), oldest first, as far back as examples need."""
        found: list[Entries] = []
        quarters = [q for q in {*self._open, *self._recent} if start // QUARTER_MS <= q < -(-end // QUARTER_MS)]
        for quarter in sorted(quarters, reverse=True):
            mine = self._of_row(quarter, row)
            found += [mine] if len(mine) else []
            if sum(len(part) for part in found) >= EXAMPLES:
                break
        if not found:
            return None
        together = Entries.joined(found)
        together = together.take((together.time >= start) & (together.time < end))
        return together.take(np.lexsort((together.key, together.time)))

    def _of_row(self, quarter: int, row: int) -> Entries:
        """Return a quarter's tickets of a series, in the order they came in; of an open quarter by its index."""
        parts = self._open.get(quarter)
        if not parts:
            kept = self._recent[quarter]
            return kept.take((kept.rows == row).any(axis=1))
        parts[:] = [Entries.joined(parts)]
        if quarter not in self._indexed:
            self._indexed[quarter] = _BySeries.of(parts[0])
        return parts[0].take(self._indexed[quarter].positions(row))

    def state(self, place: dict[int, int]) -> dict[str, Any]:
        """Return the tickets whose root series is in ``place``, their rows renumbered by it."""
        mapped = np.full(max([-1, *place]) + 2, -1, np.int64)
        for row, offset in place.items():
            mapped[row] = offset

        def part(entries: Entries) -> list[NDArray[Any]]:
            chosen = entries.take(mapped[np.minimum(entries.rows[:, 0], len(mapped) - 1)] >= 0)
            columns = {name: getattr(chosen, name) for name in _COLUMNS}
            return list((columns | {"rows": mapped[columns["rows"]]}).values())

        for parts in self._open.values():
            parts[:] = [Entries.joined(parts)] if parts else []  # once, not once more for each shard
        return {
            "open": [[q, *part(together)] for q, parts in sorted(self._open.items()) for together in parts],
            "recent": [[q, *part(entries)] for q, entries in sorted(self._recent.items())],
        }

    def load(self, state: dict[str, Any], first: int) -> None:
        """Add the tickets of a state whose series rows now start at ``first``."""

        def entries(columns: list[NDArray[Any]]) -> Entries:
            loaded = Entries(*columns)
            rows = np.where(loaded.rows < 0, -1, loaded.rows + first)
            return Entries(*(rows if name == "rows" else getattr(loaded, name) for name in _COLUMNS))

        self._indexed.clear()
        for quarter, *columns in state["open"]:
            self._open.setdefault(quarter, []).append(entries(columns))
        for quarter, *columns in state["recent"]:
            known = self._recent.get(quarter)
            parts = [entries(columns)] if known is None else [known, entries(columns)]
            joined = Entries.joined(parts)
            self._recent[quarter] = joined.take(np.lexsort((joined.key, joined.time)))


def _last_per_series(leaves: IntArray) -> IntArray:
    """Return the positions of the last few tickets of each series, ascending."""
    order = np.argsort(leaves, kind="stable")
    series = leaves[order]
    last = np.ones(len(order), np.bool_)
    last[:-KEPT_PER_SERIES] = series[KEPT_PER_SERIES:] != series[:-KEPT_PER_SERIES]
    return np.sort(order[last])
