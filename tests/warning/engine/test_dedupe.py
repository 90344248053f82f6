"""Seen tickets against a dictionary: new, same or changed, over horizons, capacities, rebuilt tables and restores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warning.engine.dedupe import CHANGED, NEW, SAME, SeenTickets

TODAY = 20_000
BYTES_AN_ENTRY = 57
"""Stated in the module: 17 bytes a slot, and a table that has grown is at least 30 % full."""
SMALLEST_TABLE = 17 * 4_096


class Row(NamedTuple):
    key: int
    digest: int = 7
    day: int = TODAY
    shard: int = 0


def _seen(*, shards: int = 4, horizon_days: int = 30, capacity: int = 1_000_000) -> SeenTickets:
    return SeenTickets(shards=shards, horizon_days=horizon_days, capacity=capacity)


def _see(seen: SeenTickets, rows: Sequence[Row]) -> list[int]:
    answers: list[int] = seen.see(
        np.array([row.key for row in rows], np.uint64),
        np.array([row.digest for row in rows], np.uint64),
        np.array([row.day for row in rows], np.int64),
        np.array([row.shard for row in rows], np.int64),
    ).tolist()
    return answers


class Oracle:
    """The same promise, one row at a time."""

    def __init__(self, horizon_days: int, shard_capacity: int) -> None:
        self.horizon_days = horizon_days
        self.shard_capacity = shard_capacity
        self.known: dict[int, Row] = {}
        self.first_day: dict[int, int] = {}
        self.shortened = False

    def see(self, rows: Iterable[Row]) -> list[int]:
        return [self._see(row) for row in rows]

    def _see(self, row: Row) -> int:
        known = self.known.get(row.key)
        if known is None:
            if row.day >= self.first_day.get(row.shard, 0):
                self.known[row.key] = row
            return NEW
        self.known[row.key] = known._replace(digest=row.digest)
        return SAME if known.digest == row.digest else CHANGED

    def forget(self, today: int) -> None:
        for shard in {row.shard for row in self.known.values()}:
            mine = [row for row in self.known.values() if row.shard == shard]
            for day in sorted({row.day for row in mine}):
                over = sum(row.day >= day for row in mine) > self.shard_capacity
                if day >= today - self.horizon_days and not over:
                    break
                self.shortened |= day >= today - self.horizon_days
                self.first_day[shard] = day + 1
        self.known = {key: row for key, row in self.known.items() if row.day >= self.first_day.get(row.shard, 0)}


def test_a_ticket_is_new_once_then_the_same_or_changed() -> None:
    """The first time new; with the same content the same; with other content changed, after which that counts."""
    seen = _seen()
    assert _see(seen, [Row(5, 1), Row(6, 1)]) == [NEW, NEW]
    assert _see(seen, [Row(5, 1), Row(6, 2)]) == [SAME, CHANGED]
    assert _see(seen, [Row(6, 2), Row(6, 1), Row(7, 1)]) == [SAME, CHANGED, NEW]


def test_repeats_inside_a_batch_are_told_in_their_order() -> None:
    """A ticket that stands several times in one batch is compared with its last version before."""
    batch = [Row(5, 1), Row(9, 1), Row(5, 1), Row(5, 2), Row(5, 2), Row(5, 1)]
    seen = _seen()
    assert _see(seen, batch) == [NEW, NEW, SAME, CHANGED, SAME, CHANGED]
    assert _see(seen, batch) == [SAME, SAME, SAME, CHANGED, SAME, CHANGED]
    assert _see(seen, [Row(5, 1)]) == [SAME]


def test_an_empty_batch_is_nothing() -> None:
    """No rows, no answers, nothing remembered."""
    seen = _seen()
    assert _see(seen, []) == []
    assert len(seen.state(0)["key"]) == 0


def test_extreme_keys_and_digests_are_ordinary() -> None:
    """Zero and the largest number are keys and digests like any other; of digests the low 32 bits count."""
    seen = _seen()
    rows = [Row(0, 0), Row(2**64 - 1, 2**64 - 1), Row(1, 2**32 - 1)]
    assert _see(seen, rows) == [NEW] * 3
    assert _see(seen, rows) == [SAME] * 3
    assert _see(seen, [Row(0, 2**32 - 1), Row(1, 2**64 - 1)]) == [CHANGED, SAME]


def test_a_day_that_leaves_the_horizon_is_forgotten() -> None:
    """A ticket is known for the horizon's days after its own day, then new again; its updates do not prolong that."""
    seen = _seen(horizon_days=30)
    _see(seen, [Row(1, day=TODAY), Row(2, day=TODAY + 1)])
    seen.forget(TODAY + 30)
    assert _see(seen, [Row(1, 8, day=TODAY + 30), Row(2)]) == [CHANGED, SAME]
    assert seen.remembered_days(TODAY + 30) == 30
    seen.forget(TODAY + 31)
    assert _see(seen, [Row(1, 8, day=TODAY + 31), Row(2)]) == [NEW, SAME]
    assert _see(seen, [Row(1, 8)]) == [SAME]
    assert (seen.shortened, seen.remembered_days(TODAY + 31)) == (False, 30)


@pytest.mark.parametrize("batches", [[[0, 1, 2, 3]], [[0], [1], [2], [3]], [[0, 1], [2, 3]]])
def test_what_is_older_than_all_that_is_remembered_stays_new_however_it_is_batched(batches: list[list[int]]) -> None:
    """A ticket of a forgotten day is new each time, in one batch as in several; its first later day is remembered."""
    seen = _seen(horizon_days=30)
    _see(seen, [Row(99, day=TODAY)])
    seen.forget(TODAY + 40)
    rows = [Row(1, day=TODAY - 5), Row(1, day=TODAY - 5), Row(1, 8, day=TODAY + 39), Row(1, 8, day=TODAY - 5)]
    answers = [answer for batch in batches for answer in _see(seen, [rows[i] for i in batch])]
    assert answers == [NEW, NEW, NEW, SAME]
    assert seen.state(0)["day"].tolist() == [TODAY + 39]
    assert seen._used == 2


def test_a_full_shard_forgets_its_oldest_days_early_and_says_so() -> None:
    """A shard over its share forgets whole days, oldest first; others keep theirs; the shortest horizon is told."""
    seen = _seen(shards=2, capacity=20, horizon_days=30)
    for day in range(4):
        _see(seen, [Row(100 * day + i, day=TODAY + day) for i in range(4)])
    _see(seen, [Row(9_000, day=TODAY, shard=1)])
    seen.forget(TODAY + 3)
    assert seen.shortened
    assert seen.remembered_days(TODAY + 3) == 1
    assert _see(seen, [Row(100 * day) for day in range(4)]) == [NEW, NEW, SAME, SAME]
    assert _see(seen, [Row(9_000, shard=1)]) == [SAME]


def test_capacity_is_shared_out_among_the_shards() -> None:
    """Each shard may hold its share and no more, at least one ticket."""
    seen = _seen(shards=4, capacity=12)
    _see(seen, [Row(i) for i in range(3)] + [Row(10 + i, shard=1) for i in range(4)])
    seen.forget(TODAY)
    assert _see(seen, [Row(0), Row(10, shard=1)]) == [SAME, NEW]
    assert _seen(shards=4, capacity=1).shard_capacity == 1


@pytest.mark.parametrize("shift", [0, 12, 29, 52])
def test_keys_in_patterns_are_spread_and_told_apart(shift: int) -> None:
    """Thousands of keys that differ in a few bits only are each remembered, and none is taken for another."""
    seen = _seen()
    rows = [Row(i << shift) for i in range(4_000)]
    assert _see(seen, rows) == [NEW] * 4_000
    assert _see(seen, rows[::-1]) == [SAME] * 4_000
    assert _see(seen, [Row((i << shift) + 5_000) for i in range(4_000)]) == [NEW] * 4_000
    starts = seen._start(np.array([row.key for row in rows], np.uint64))
    assert len(set(starts.tolist())) > 2_000


rows = st.builds(Row, st.integers(0, 5), st.integers(0, 1), st.integers(-4, 1)).map(
    lambda row: row._replace(shard=row.key % 3)
)
moves = st.one_of(st.lists(rows, min_size=1, max_size=8), st.just("next day"))


def _shifted(batch: list[Row], now: int) -> list[Row]:
    return [row._replace(day=now + row.day) for row in batch]


@given(st.lists(moves, max_size=40), st.integers(1, 4), st.integers(3, 20))
@settings(deadline=None)
def test_every_answer_is_the_dictionarys(what: list[list[Row] | str], horizon: int, capacity: int) -> None:
    """Over days, horizons and capacities every answer, and whether a horizon was shortened, is the one-by-one one."""
    seen, oracle, now = _seen(shards=3, horizon_days=horizon, capacity=capacity), Oracle(horizon, capacity // 3), TODAY
    for move in what:
        if isinstance(move, str):
            now += 1
            seen.forget(now)
            oracle.forget(now)
            assert seen.shortened == oracle.shortened
        else:
            batch = _shifted(move, now)
            assert _see(seen, batch) == oracle.see(batch)


@given(st.lists(moves, max_size=25), st.lists(moves, max_size=10), st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_answers_do_not_depend_on_grouping_batching_or_restores(
    before: list[list[Row] | str], after: list[list[Row] | str], horizon: int
) -> None:
    """Three shards in one table, or each in its own, row by row and restored halfway, give the same answers."""
    together = _seen(shards=3, horizon_days=horizon, capacity=5)
    apart = [_seen(shards=3, horizon_days=horizon, capacity=5) for _ in range(3)]
    now = TODAY
    for half in (before, after):
        for move in half:
            if isinstance(move, str):
                now += 1
                for seen in (together, *apart):
                    seen.forget(now)
                continue
            batch = _shifted(move, now)
            assert _see(together, batch) == [_see(apart[row.shard], [row])[0] for row in batch]
        assert together.shortened == any(seen.shortened for seen in apart)
        restored = _seen(shards=3, horizon_days=horizon, capacity=5)
        for shard in (2, 0, 1):
            mine, other = together.state(shard), apart[shard].state(shard)
            assert {name: column.tolist() for name, column in mine.items()} == {
                name: column.tolist() for name, column in other.items()
            }
            restored.load(shard, other)
        assert restored.shortened == together.shortened
        assert restored.remembered_days(now) == together.remembered_days(now)
        together = restored


@pytest.mark.parametrize("seed", [1, 2])
def test_two_hundred_thousand_tickets_over_many_rebuilds(seed: int) -> None:
    """A growing table with repeats, changes and forgotten days answers like a dictionary and keeps its size."""
    random = np.random.default_rng(seed)
    seen, known, now = _seen(shards=8, horizon_days=4), dict[int, Row](), TODAY
    universe = random.integers(0, 2**64, 200_000, dtype=np.uint64)
    for step in range(100):
        if step % 10 == 9:
            now += 1
            seen.forget(now)
            known = {key: row for key, row in known.items() if row.day >= now - 4}
        picked = universe[: 2_000 * (step + 1)][random.integers(0, 2_000 * (step + 1), 4_000)].tolist()
        contents = random.integers(0, 2, 4_000).tolist()
        batch = [Row(key, content, now, key % 8) for key, content in zip(picked, contents, strict=True)]
        answers = []
        for row in batch:
            old = known.get(row.key)
            answers.append(NEW if old is None else SAME if old.digest == row.digest else CHANGED)
            known[row.key] = row if old is None else old._replace(digest=row.digest)
        assert _see(seen, batch) == answers
    assert sum(len(seen.state(shard)["key"]) for shard in range(8)) == len(known)
    assert seen._used <= len(seen._key) * 0.6
    assert seen.nbytes <= BYTES_AN_ENTRY * len(known) * 2


def test_memory_stays_within_the_stated_bound() -> None:
    """However many tickets came, a table holds at most 57 bytes for each of them and needs no less than 28."""
    random = np.random.default_rng(3)
    seen, entries = _seen(), 0
    while entries < 300_000:
        keys = random.integers(0, 2**64, 500, dtype=np.uint64)
        seen.see(keys, keys, np.full(500, TODAY), np.zeros(500, np.int64))
        entries += 500
        assert 28 * entries < seen.nbytes <= max(SMALLEST_TABLE, BYTES_AN_ENTRY * entries)


def test_forgotten_tickets_free_their_room() -> None:
    """A steady stream over a fixed horizon does not grow without end: forgotten entries give way."""
    random = np.random.default_rng(4)
    seen, sizes = _seen(horizon_days=5), []
    for day in range(60):
        for _ in range(4):
            keys = random.integers(0, 2**64, 500, dtype=np.uint64)
            seen.see(keys, keys, np.full(500, TODAY + day), np.zeros(500, np.int64))
        seen.forget(TODAY + day)
        sizes.append(seen.nbytes)
    assert max(sizes) == sizes[20]
    assert max(sizes) <= 2 * BYTES_AN_ENTRY * 7 * 2_000


def test_a_state_is_not_touched_by_what_comes_after() -> None:
    """A snapshot keeps its entries while the table goes on, and lists a shard's own only."""
    seen = _seen()
    _see(seen, [Row(2), Row(1), Row(3, shard=1)])
    state = seen.state(0)
    before = repr(state)
    assert state["key"].tolist() == [1, 2]
    _see(seen, [Row(1, 8), Row(4)])
    seen.forget(TODAY + 99)
    assert repr(state) == before
