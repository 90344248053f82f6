"""Which tickets have been seen: an open-addressing hash table over columns, with daily generations.

Each entry is a 64-bit hash of (source, ticket id, category), a 32-bit digest of the content, its shard and the day of
its event. A day that leaves the horizon is forgotten; a shard that fills its share of the capacity forgets its oldest
day early, so its horizon shortens. A ticket of a day that is forgotten already is new each time it comes.

Linear probing, a whole batch at a time, over a table of 17 bytes a slot that doubles when it is 60 % full: 28 to 57
bytes an entry, 1.14 GB for 30 million (and half as much again for the moment in which the table grows).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.base import BoolArray, IntArray

NEW, SAME, CHANGED = 0, 1, 2
_LOAD = 0.6
_ROOM = 0.75
"""A table is rebuilt at most so full of what it may hold: it doubles once, and is not rebuilt again at once."""
_FIRST_SLOTS = 1 << 12
_EMPTY = -1
_CHUNK = 1 << 18
_MIX = np.uint64(0x9E3779B97F4A7C15)
"""2^64 / golden ratio: the high bits of a product with it are spread evenly (Knuth, vol. 3, section 6.4)."""


class SeenTickets:
    """Remembers tickets of all shards of a stage for ``horizon_days``, at most ``capacity`` over ``shards`` shards."""

    def __init__(self, *, shards: int, horizon_days: int, capacity: int) -> None:
        self.horizon_days = horizon_days
        self.shard_capacity = max(1, capacity // shards)
        self.first_day: IntArray = np.full(shards, np.iinfo(np.int64).min, np.int64)
        """By shard: entries of earlier days are forgotten."""
        self._shortened: BoolArray = np.zeros(shards, np.bool_)
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

    @property
    def shortened(self) -> bool:
        """Whether a shard ever had to forget before its horizon."""
        return bool(self._shortened.any())

    def remembered_days(self, today: int) -> float:
        """Return the shortest horizon over the shards, in days."""
        return float(today - np.maximum(self.first_day, today - self.horizon_days).max())

    def beyond(self, days: IntArray, shards: IntArray, today: int) -> BoolArray:
        """Return which rows are of days that no longer count as remembered: each time they come they may be new."""
        beyond: BoolArray = days < np.maximum(self.first_day[shards], today - self.horizon_days)
        return beyond

    def see(
        self, keys: NDArray[np.uint64], digests: NDArray[np.uint64], days: IntArray, shards: IntArray
    ) -> NDArray[np.uint8]:
        """Look up and remember a batch in its order; returns NEW, SAME or CHANGED for each row.

        The answers are those of looking rows up one by one: how tickets are batched changes nothing.
        """
        status = np.zeros(len(keys), np.uint8)
        if not len(keys):
            return status
        order = np.argsort(keys, kind="stable")
        keys, content, days, shards = keys[order], digests.astype(np.uint32)[order], days[order], shards[order]
        first = np.concatenate([[True], keys[1:] != keys[:-1]])
        group = np.cumsum(first) - 1
        self._reserve(int(group[-1]) + 1)
        slots, found = self._find(keys[first])
        known = found & (self._day[slots] >= self.first_day[self._shard[slots]])
        lasting = days >= self.first_day[shards]
        before: IntArray = np.cumsum(lasting) - lasting
        seen = known[group] | (before > before[first][group])
        earlier = np.concatenate([[0], content[:-1]])
        earlier[first] = self._digest[slots]
        status[order] = np.where(seen, np.where(earlier == content, SAME, CHANGED), NEW)
        last = content[np.concatenate([first[1:], [True]])]
        self._digest[slots[known]] = last[known]
        entering = lasting & ~seen
        self._enter(slots, found, group[entering], keys[entering], last, days[entering], shards[entering])
        return status

    def _enter(
        self,
        slots: IntArray,
        found: BoolArray,
        groups: IntArray,
        keys: NDArray[np.uint64],
        digests: NDArray[np.uint32],
        days: IntArray,
        shards: IntArray,
    ) -> None:
        """Remember distinct keys that are not known: those that were forgotten stand in their slots still."""
        old, slots, digests = found[groups], slots[groups], digests[groups]
        self._write(slots[old], keys[old], digests[old], days[old], shards[old])
        self._insert(keys[~old], digests[~old], days[~old], shards[~old], slots[~old])
        self._count(days, shards)

    def forget(self, today: int) -> None:
        """Let days leave the horizon, and the oldest days of shards that are over their share."""
        oldest = today - self.horizon_days
        for shard, per_day in enumerate(self._per_day):
            kept = sum(per_day.values())
            for day in sorted(per_day):
                if day >= oldest and kept <= self.shard_capacity:
                    break
                self._shortened[shard] |= day >= oldest
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
        live = sum(sum(per_day.values()) for per_day in self._per_day)
        while live + more > _ROOM * _LOAD * slots:
            slots *= 2
        columns = self._key, self._digest, self._day, self._shard
        self._allocate(slots)
        for start in range(0, len(columns[0]), _CHUNK):
            keys, digests, days, shards = (column[start : start + _CHUNK] for column in columns)
            kept = (days != _EMPTY) & (days >= self.first_day[shards])
            keys = keys[kept]
            self._insert(keys, digests[kept], days[kept], shards[kept], self._find(keys)[0])

    def _start(self, keys: NDArray[np.uint64]) -> IntArray:
        bits = len(self._key).bit_length() - 1
        return (keys * _MIX >> np.uint64(64 - bits)).astype(np.int64)

    def _find(self, keys: NDArray[np.uint64]) -> tuple[IntArray, BoolArray]:
        """Return each key's slot and whether it holds the key (else it is empty)."""
        slots = self._start(keys)
        full = self._day[slots] != _EMPTY
        found = full & (self._key[slots] == keys)
        open_rows = np.nonzero(full & ~found)[0]
        mask = len(self._key) - 1
        while len(open_rows):
            at = (slots[open_rows] + 1) & mask
            slots[open_rows] = at
            full = self._day[at] != _EMPTY
            same = full & (self._key[at] == keys[open_rows])
            found[open_rows[same]] = True
            open_rows = open_rows[full & ~same]
        return slots, found

    def _insert(
        self,
        keys: NDArray[np.uint64],
        digests: NDArray[np.uint32],
        days: NDArray[Any],
        shards: NDArray[Any],
        slots: IntArray,
    ) -> None:
        """Insert distinct absent keys, each found to belong in its empty slot.

        Where several want one slot, one gets it and the others look on.
        """
        rest = np.arange(len(keys))
        while len(rest):
            self._key[slots] = keys[rest]
            wins = self._key[slots] == keys[rest]
            rows = rest[wins]
            self._write(slots[wins], keys[rows], digests[rows], days[rows], shards[rows])
            self._used += len(rows)
            rest = rest[~wins]
            slots = self._find(keys[rest])[0]

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
            "shortened": self._shortened[shard : shard + 1].copy(),
        }

    def load(self, shard: int, state: dict[str, NDArray[Any]]) -> None:
        """Take over one shard's entries."""
        days = state["day"].astype(np.int64)
        shards = np.full(len(days), shard, np.int64)
        self._reserve(len(days))
        self._insert(state["key"], state["digest"], days, shards, self._find(state["key"])[0])
        self._count(days, shards)
        self.first_day[shard] = state["first_day"][0]
        self._shortened[shard] = state["shortened"][0]
