"""Which tickets have been seen: an open-addressing hash table over columns, with daily generations.

Each entry is a 64-bit hash of (source, ticket id, category), a 32-bit digest of the content, its shard and the day of
its event. A day that leaves the horizon is forgotten; a shard that fills its share of the capacity forgets its oldest
day early, so its horizon shortens. Linear probing over a table at most 60 % full, a whole batch at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import BoolArray, IntArray

NEW, SAME, CHANGED = 0, 1, 2
_LOAD = 0.6
_FIRST_SLOTS = 1 << 12
_EMPTY = -1
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


class SeenTickets:
    """Remembers tickets of all shards of a stage for ``horizon_days``, at most ``capacity`` over ``shards`` shards."""

    def __init__(self, *, shards: int, horizon_days: int, capacity: int) -> None:
        self.horizon_days = horizon_days
        self.shard_capacity = max(1, capacity // shards)
        self.first_day: IntArray = np.full(shards, np.iinfo(np.int64).min, np.int64)
        """By shard: entries of earlier days are forgotten."""
        self.shortened = False
        """Whether a shard ever had to forget before its horizon."""
        self._per_day: list[dict[int, int]] = [{} for _ in range(shards)]
        self._allocate(_FIRST_SLOTS)

    def _allocate(self, slots: int) -> None:
        self._key = np.zeros(slots, np.uint64)
        self._digest = np.zeros(slots, np.uint32)
        self._day = np.full(slots, _EMPTY, np.int32)
        self._shard = np.zeros(slots, np.uint8)
        self._used = 0

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._key.nbytes + self._digest.nbytes + self._day.nbytes + self._shard.nbytes

    def remembered_days(self, today: int) -> float:
        """Return the shortest horizon over the shards, in days."""
        return float(today - np.maximum(self.first_day, today - self.horizon_days).max())

    def see(
        self, keys: NDArray[np.uint64], digests: NDArray[np.uint64], days: IntArray, shards: IntArray
    ) -> NDArray[np.uint8]:
        """Look up and remember a batch in its order; returns NEW, SAME or CHANGED for each row."""
        status = np.zeros(len(keys), np.uint8)
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        content = digests.astype(np.uint32)
        self._reserve(len(unique))
        slots, found = self._find(unique)
        known = found & (self._day[slots] >= self.first_day[self._shard[slots]])
        status[first] = np.where(known, np.where(self._digest[slots] == content[first], SAME, CHANGED), NEW)
        fresh = ~known
        revived = fresh & found
        self._write(
            slots[revived], unique[revived], content[first][revived], days[first][revived], shards[first][revived]
        )
        absent = ~found
        self._insert(unique[absent], content[first][absent], days[first][absent], shards[first][absent])
        changed = known & (status[first] == CHANGED)
        self._digest[slots[changed]] = content[first][changed]
        self._count(days[first][fresh], shards[first][fresh])
        if len(unique) < len(keys):
            self._repeats(status, first, inverse, unique, content)
        return status

    def _repeats(
        self,
        status: NDArray[np.uint8],
        first: IntArray,
        inverse: IntArray,
        unique: NDArray[np.uint64],
        content: NDArray[np.uint32],
    ) -> None:
        """Rows whose key stood earlier in the same batch, one by one: there are few."""
        repeated = np.ones(len(status), np.bool_)
        repeated[first] = False
        for row in np.nonzero(repeated)[0].tolist():
            slot = self._find(unique[inverse[row] : inverse[row] + 1])[0]
            status[row] = SAME if self._digest[slot[0]] == content[row] else CHANGED
            self._digest[slot[0]] = content[row]

    def forget(self, today: int) -> None:
        """Let days leave the horizon, and the oldest days of shards that are over their share."""
        oldest = today - self.horizon_days
        for shard, per_day in enumerate(self._per_day):
            kept = sum(per_day.values())
            for day in sorted(per_day):
                if day >= oldest and kept <= self.shard_capacity:
                    break
                self.shortened |= day >= oldest
                kept -= per_day.pop(day)
                self.first_day[shard] = max(int(self.first_day[shard]), day + 1)

    def _count(self, days: IntArray, shards: IntArray) -> None:
        if not len(days):
            return
        first = int(days.min())
        span = int(days.max()) - first + 1
        pairs, counts = np.unique(shards.astype(np.int64) * span + (days - first), return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            shard, offset = divmod(pair, span)
            per_day, day = self._per_day[shard], first + offset
            per_day[day] = per_day.get(day, 0) + count

    def _reserve(self, more: int) -> None:
        slots = len(self._key)
        if self._used + more <= _LOAD * slots:
            return
        live = (self._day != _EMPTY) & (self._day >= self.first_day[self._shard])
        entries = self._key[live], self._digest[live], self._day[live].astype(np.int64), self._shard[live]
        while len(entries[0]) + more > 0.5 * _LOAD * slots:
            slots *= 2
        self._allocate(slots)
        self._insert(*entries)

    def _start(self, keys: NDArray[np.uint64]) -> IntArray:
        mixed = keys * _MIX
        return ((mixed ^ (mixed >> _SHIFT)) & np.uint64(len(self._key) - 1)).astype(np.int64)

    def _find(self, keys: NDArray[np.uint64]) -> tuple[IntArray, BoolArray]:
        """Return each key's slot and whether it holds the key (else it is empty)."""
        slots = self._start(keys)
        found = np.zeros(len(keys), np.bool_)
        open_rows = np.arange(len(keys))
        mask = len(self._key) - 1
        while len(open_rows):
            at = slots[open_rows]
            empty = self._day[at] == _EMPTY
            same = ~empty & (self._key[at] == keys[open_rows])
            found[open_rows[same]] = True
            open_rows = open_rows[~(empty | same)]
            slots[open_rows] = (slots[open_rows] + 1) & mask
        return slots, found

    def _insert(
        self, keys: NDArray[np.uint64], digests: NDArray[np.uint32], days: IntArray, shards: NDArray[Any]
    ) -> None:
        """Insert distinct absent keys; where several want one slot, one gets it and the others go on."""
        rest = np.arange(len(keys))
        while len(rest):
            slots, _ = self._find(keys[rest])
            winners = np.unique(slots, return_index=True)[1]
            rows = rest[winners]
            self._write(slots[winners], keys[rows], digests[rows], days[rows], shards[rows])
            self._used += len(rows)
            rest = np.delete(rest, winners)

    def _write(
        self,
        slots: IntArray,
        keys: NDArray[np.uint64],
        digests: NDArray[np.uint32],
        days: IntArray,
        shards: NDArray[Any],
    ) -> None:
        self._key[slots] = keys
        self._digest[slots] = digests
        self._day[slots] = days
        self._shard[slots] = shards

    def state(self, shard: int) -> dict[str, NDArray[Any]]:
        """Return one shard's entries, sorted by key."""
        live = (self._day != _EMPTY) & (self._shard == shard) & (self._day >= self.first_day[shard])
        order = np.argsort(self._key[live])
        return {
            "key": self._key[live][order],
            "digest": self._digest[live][order],
            "day": self._day[live][order],
            "first_day": self.first_day[shard : shard + 1].copy(),
        }

    def load(self, shard: int, state: dict[str, NDArray[Any]]) -> None:
        """Take over one shard's entries."""
        days = state["day"].astype(np.int64)
        shards = np.full(len(days), shard, np.int64)
        self._reserve(len(days))
        self._insert(state["key"], state["digest"], days, shards)
        self._count(days, shards)
        self.first_day[shard] = state["first_day"][0]
