"""The count store against a dictionary that counts every ticket one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.base import IntArray
from warning.domain.bucket import BucketLength
from warning.engine.counts import CountStore
from warning.engine.grid import Grid

QUARTER, HOUR, DAY, WEEK = BucketLength
GRID = Grid("UTC")
MONDAY = 2_000 * 7 * 96 + 4 * 96
"""The first quarter of a Monday."""
KEPT = {QUARTER: 1_000, HOUR: 1_000, DAY: 100, WEEK: 100}
Ticket: TypeAlias = tuple[int, int]
"""(row, quarter)"""


def _store(kept: dict[BucketLength, int] | None = None) -> CountStore:
    return CountStore(GRID, kept or KEPT)


def _rows(*rows: int) -> IntArray:
    return np.array(rows, np.int64)


def _add(store: CountStore, tickets: Iterable[Ticket], amounts: int = 1) -> None:
    rows, quarters = np.array(list(tickets), np.int64).reshape(-1, 2).T
    store.add(rows, quarters, amounts)


def _ids(quarter: int) -> dict[BucketLength, int]:
    return dict(zip(BucketLength, GRID.ids(quarter), strict=True))


def test_one_ticket_counts_once_at_every_length() -> None:
    """A ticket added once is seen in the quarter, the hour, the day and the week that hold it, and nowhere else."""
    store = _store()
    _add(store, [(3, MONDAY + 7)])
    for length, bucket in _ids(MONDAY + 7).items():
        assert store.observed(length, bucket, _rows(2, 3, 4)).tolist() == [0, 1, 0]
        assert store.observed(length, bucket + 1, _rows(3)).tolist() == [0]
        assert list(store.open[length]) == [bucket]


def test_several_tickets_of_a_row_in_one_batch_all_count() -> None:
    """Rows that repeat inside a batch add up, whether the batch lies in one quarter or in several."""
    store = _store()
    _add(store, [(1, MONDAY), (1, MONDAY), (2, MONDAY)])
    _add(store, [(1, MONDAY), (1, MONDAY + 1), (1, MONDAY + 1), (2, MONDAY + 4), (1, MONDAY)])
    assert store.observed(QUARTER, MONDAY, _rows(1, 2)).tolist() == [4, 1]
    assert store.observed(QUARTER, MONDAY + 1, _rows(1, 2)).tolist() == [2, 0]
    assert store.observed(DAY, _ids(MONDAY)[DAY], _rows(1, 2)).tolist() == [6, 2]


def test_amounts_go_with_their_own_rows() -> None:
    """In a batch over several quarters each entry's own amount counts, and a negative one takes back."""
    store = _store()
    store.add(_rows(5, 6, 5), np.array([MONDAY, MONDAY + 1, MONDAY + 1]), np.array([4, 9, 2], np.int32))
    store.add(_rows(5, 6), np.array([MONDAY, MONDAY + 1]), np.array([-1, -9], np.int32))
    assert store.observed(QUARTER, MONDAY, _rows(5, 6)).tolist() == [3, 0]
    assert store.observed(QUARTER, MONDAY + 1, _rows(5, 6)).tolist() == [2, 0]
    assert store.observed(WEEK, _ids(MONDAY)[WEEK], _rows(5, 6)).tolist() == [5, 0]


def test_nothing_added_changes_nothing() -> None:
    """An empty batch opens no bucket and touches nothing."""
    store = _store()
    _add(store, [])
    assert not any(store.open.values())
    assert store.touched() == []


def test_touched_names_what_was_counted_since_the_last_call() -> None:
    """Touched buckets come shortest first, in time order, each row once and ascending; asking again gives none."""
    store = _store()
    _add(store, [(9, MONDAY + 5), (2, MONDAY), (9, MONDAY), (2, MONDAY)])
    ids = _ids(MONDAY)
    expected = [
        (QUARTER, MONDAY, [2, 9]),
        (QUARTER, MONDAY + 5, [9]),
        (HOUR, ids[HOUR], [2, 9]),
        (HOUR, ids[HOUR] + 1, [9]),
        (DAY, ids[DAY], [2, 9]),
        (WEEK, ids[WEEK], [2, 9]),
    ]
    assert [(length, bucket, rows.tolist()) for length, bucket, rows in store.touched()] == expected
    assert store.touched() == []
    _add(store, [(4, MONDAY + 5)])
    assert [rows.tolist() for _, _, rows in store.touched()] == [[4]] * 4


def test_closed_buckets_are_touched_no_more() -> None:
    """What closed before anyone looked has final evidence: only its open buckets are looked at."""
    store = _store()
    _add(store, [(1, MONDAY)])
    store.close(QUARTER, MONDAY, 5)
    assert [length for length, _, _ in store.touched()] == [HOUR, DAY, WEEK]


def test_closing_returns_every_rows_count_and_keeps_it() -> None:
    """A closing bucket gives one count for each row there is, is no longer open, and stays in the history."""
    store = _store()
    _add(store, [(0, MONDAY), (2, MONDAY), (2, MONDAY)])
    assert store.close(QUARTER, MONDAY, 4).tolist() == [1, 0, 2, 0]
    assert MONDAY not in store.open[QUARTER]
    assert store.observed(HOUR, _ids(MONDAY)[HOUR], _rows(2)).tolist() == [2]
    assert store.close(QUARTER, MONDAY + 1, 4).tolist() == [0] * 4
    for row, count in enumerate([1, 0, 2, 0]):
        assert store.history(row, QUARTER, range(MONDAY - 1, MONDAY + 2)) == [0, count, 0]


def test_history_is_kept_as_long_as_told_and_no_longer() -> None:
    """Of each length as many closed buckets are kept as were asked for, counting empty ones."""
    store = _store({QUARTER: 3, HOUR: 2, DAY: 1, WEEK: 1})
    for quarter in range(MONDAY, MONDAY + 8):
        _add(store, [(0, quarter)])
        store.close(QUARTER, quarter, 1)
    assert store.history(0, QUARTER, range(MONDAY, MONDAY + 8)) == [0] * 5 + [1] * 3
    for hour in range(_ids(MONDAY)[HOUR], _ids(MONDAY)[HOUR] + 2):
        store.close(HOUR, hour, 1)
    assert store.history(0, HOUR, range(_ids(MONDAY)[HOUR], _ids(MONDAY)[HOUR] + 2)) == [4, 4]
    store.close(QUARTER, MONDAY + 9, 1)
    assert store.history(0, QUARTER, range(MONDAY, MONDAY + 10)) == [0] * 7 + [1, 0, 0]


def test_a_correction_of_long_ago_is_forgotten_with_the_rest() -> None:
    """A late ticket older than what is kept goes with the next bucket that closes, whatever stands before it."""
    store = _store({QUARTER: 3, HOUR: 9, DAY: 9, WEEK: 9})
    for quarter in (MONDAY + 20, MONDAY + 21):
        _add(store, [(0, quarter)])
        store.close(QUARTER, quarter, 1)
    store.correct(_rows(0), MONDAY, np.array([1], np.int32))
    assert store.history(0, QUARTER, range(MONDAY, MONDAY + 1)) == [1]
    store.close(QUARTER, MONDAY + 22, 1)
    assert store.history(0, QUARTER, range(MONDAY, MONDAY + 23)) == [0] * 20 + [1, 1, 0]


def test_late_tickets_correct_closed_buckets_and_count_in_open_ones() -> None:
    """A correction adds to closed buckets, to rows that had nothing too, and as usual to longer ones still open."""
    store = _store()
    _add(store, [(1, MONDAY), (3, MONDAY)])
    store.close(QUARTER, MONDAY, 5)
    store.correct(_rows(0, 3), MONDAY, np.array([2, 1], np.int32))
    store.correct(_rows(3), MONDAY, np.array([1], np.int32))
    assert [store.history(row, QUARTER, range(MONDAY, MONDAY + 1)) for row in range(4)] == [[2], [1], [0], [3]]
    assert store.observed(HOUR, _ids(MONDAY)[HOUR], _rows(0, 1, 2, 3)).tolist() == [2, 1, 0, 3]
    assert store.close(HOUR, _ids(MONDAY)[HOUR], 4).tolist() == [2, 1, 0, 3]


@pytest.mark.parametrize("on_time", [0, 1, 2])
def test_a_late_ticket_is_not_lost_when_it_is_the_first_of_its_day(on_time: int) -> None:
    """A late ticket of a day in which nothing had come yet counts in that day, whether or not others follow."""
    store = _store()
    store.close(QUARTER, MONDAY, 2)
    store.correct(_rows(0), MONDAY, np.array([1], np.int32))
    _add(store, [(0, MONDAY + 40)] * on_time)
    assert store.observed(DAY, _ids(MONDAY)[DAY], _rows(0)).tolist() == ([1 + on_time] if on_time else [0])
    assert store.close(DAY, _ids(MONDAY)[DAY], 2).tolist() == [1 + on_time, 0]
    assert store.history(0, DAY, range(_ids(MONDAY)[DAY], _ids(MONDAY)[DAY] + 1)) == [1 + on_time]
    assert store.history(0, QUARTER, range(MONDAY, MONDAY + 1)) == [1]


def test_room_is_made_without_losing_counts() -> None:
    """Rows beyond the first capacity count like others, and what was counted before stays."""
    store, sizes = _store(), (64, 65, 129, 1_000)
    for rows in sizes:
        store.make_room(rows)
        store.make_room(3)
        _add(store, [(rows - 1, MONDAY), (0, MONDAY)])
    last = _rows(0, *(size - 1 for size in sizes))
    assert store.observed(DAY, _ids(MONDAY)[DAY], last).tolist() == [4, 1, 1, 1, 1]
    assert store.close(QUARTER, MONDAY, 1_000).sum() == 8


def test_sums_of_closed_buckets() -> None:
    """The sum over a range of closed buckets has an entry for each row, and leaves out what is open or elsewhere."""
    store = _store()
    for quarter in range(MONDAY, MONDAY + 4):
        _add(store, [(1, quarter), (quarter - MONDAY, quarter)])
    for quarter in range(MONDAY, MONDAY + 3):
        store.close(QUARTER, quarter, 4)
    assert store.closed_in(QUARTER, range(MONDAY + 1, MONDAY + 4))[:4].tolist() == [0, 3, 1, 0]


class Oracle:
    """Counts tickets in a dictionary and closes buckets in the order the bank does."""

    def __init__(self) -> None:
        self.store = _store()
        self.counts: Counter[tuple[int, BucketLength, int]] = Counter()
        self.now = MONDAY - 8

    def add(self, tickets: list[tuple[int, int]], amount: int = 1) -> None:
        mine = [(row, self.now + ahead) for row, ahead in tickets]
        _add(self.store, mine, amount)
        self._note(mine, amount)

    def correct(self, rows: list[int], behind: int) -> None:
        quarter = self.now - behind
        some, amounts = np.unique(np.array(rows, np.int64), return_counts=True)
        self.store.correct(some, quarter, amounts.astype(np.int32))
        self._note([(row, quarter) for row in rows], 1)

    def _note(self, tickets: Iterable[Ticket], amount: int) -> None:
        for row, quarter in tickets:
            for length, bucket in _ids(quarter).items():
                self.counts[row, length, bucket] += amount

    def advance(self, quarters: int) -> None:
        for _ in range(quarters):
            ids, after = _ids(self.now), _ids(self.now + 1)
            for length in BucketLength:
                if after[length] != ids[length]:
                    expected = [self.counts[row, length, ids[length]] for row in range(ROWS)]
                    assert self.store.close(length, ids[length], ROWS).tolist() == expected
            self.now += 1

    def check(self, store: CountStore, row_of: Callable[[int], int] = int) -> None:
        """Compare open buckets and closed ones."""
        for length, now in _ids(self.now).items():
            for row in range(ROWS):
                past = [self.counts[row, length, bucket] for bucket in range(now - 12, now)]
                assert store.history(row_of(row), length, range(now - 12, now)) == past
                if now in store.open[length]:
                    observed = store.observed(length, now, _rows(row_of(row))).tolist()
                    assert observed == [self.counts[row, length, now]]


ROWS = 5
rows = st.integers(0, ROWS - 1)
moves = st.one_of(
    st.tuples(st.just("add"), st.lists(st.tuples(rows, st.integers(0, 9)), max_size=6), st.integers(1, 3)),
    st.tuples(st.just("correct"), st.lists(rows, min_size=1, max_size=4), st.integers(1, 12)),
    st.tuples(st.just("advance"), st.integers(1, 20), st.just(0)),
)


def _played(what: list[tuple[str, Any, int]]) -> Oracle:
    oracle = Oracle()
    for move, argument, number in what:
        if move == "add":
            oracle.add(argument, number)
        elif move == "correct":
            oracle.correct(argument, number)
        else:
            oracle.advance(argument)
    return oracle


@given(st.lists(moves, max_size=25))
@settings(deadline=None)
def test_every_count_is_what_counting_one_by_one_gives(what: list[tuple[str, Any, int]]) -> None:
    """On-time and late tickets over hours, days and a week's end: closing, open and past counts are all exact."""
    oracle = _played(what)
    oracle.check(oracle.store)


@given(st.lists(moves, max_size=20), st.lists(moves, max_size=8), st.permutations(range(ROWS)))
@settings(max_examples=60, deadline=None)
def test_a_state_loaded_in_parts_and_renumbered_goes_on_identically(
    before: list[tuple[str, Any, int]], after: list[tuple[str, Any, int]], order: list[int]
) -> None:
    """Two shards' rows, loaded in any order beside other rows, count, close and touch as if never taken apart."""
    oracle = _played(before)
    parts = [_rows(*order[:2]), _rows(*order[2:])]
    loaded = _store()
    loaded.make_room(70 + ROWS)
    for part in reversed(parts):
        state = oracle.store.state(part)
        loaded.load(state, np.array([70 + order.index(row) for row in part.tolist()], np.int64))
    place = np.array([70 + order.index(row) for row in range(ROWS)], np.int64)
    oracle.check(loaded, lambda row: int(place[row]))
    touched = [(length, bucket, sorted(rows.tolist())) for length, bucket, rows in loaded.touched() if len(rows)]
    assert touched == [(length, at, sorted(place[rows].tolist())) for length, at, rows in oracle.store.touched()]
    for move, argument, number in after:
        if move == "add" and argument:
            tickets = [(place[row], oracle.now + ahead) for row, ahead in argument]
            _add(loaded, tickets, number)
            oracle.add(argument, number)
    for length, now in _ids(oracle.now).items():
        one, other = oracle.store.close(length, now, ROWS), loaded.close(length, now, 70 + ROWS)
        assert one.tolist() == other[place].tolist()


def test_a_state_is_not_touched_by_what_comes_after() -> None:
    """A snapshot keeps its figures while the store goes on, and while a store that loaded it goes on."""
    store = _store()
    _add(store, [(0, MONDAY), (1, MONDAY - 1)])
    store.close(QUARTER, MONDAY - 1, 2)
    state = store.state(_rows(0, 1))
    before = repr(state)
    for each in (store, _store()):
        if each is not store:
            each.load(state, _rows(0, 1))
        _add(each, [(0, MONDAY), (1, MONDAY)])
        each.correct(_rows(0, 1), MONDAY - 1, np.array([1, 1], np.int32))
        each.close(QUARTER, MONDAY, 2)
        assert repr(state) == before


def test_states_do_not_depend_on_how_the_store_was_filled() -> None:
    """The same tickets in other batches, also through a restore, give the same state to the bit."""

    def filled(batches: list[list[Ticket]], *, restored: bool) -> dict[str, Any]:
        store = _store()
        for batch in batches:
            _add(store, batch)
        store.close(QUARTER, MONDAY, 3)
        if restored:
            state, store = store.state(_rows(0, 1, 2)), _store()
            store.load(state, _rows(0, 1, 2))
        store.correct(_rows(1), MONDAY - 9, np.array([1], np.int32))
        return store.state(_rows(0, 1, 2))

    tickets = [(0, MONDAY), (2, MONDAY), (1, MONDAY + 1), (0, MONDAY)]
    one = filled([tickets], restored=False)
    for batches in ([tickets[::-1]], [[ticket] for ticket in tickets]):
        for restored in (False, True):
            other = filled(batches, restored=restored)
            assert repr(other) == repr(one)


@given(st.lists(st.tuples(rows, st.integers(0, 30)), max_size=40), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_taking_everything_back_leaves_nothing(tickets: list[tuple[int, int]], random: Any) -> None:
    """Tickets taken back in any order leave zeros at every length, and nothing to keep."""
    store = _store()
    mine = [(row, MONDAY + ahead) for row, ahead in tickets]
    _add(store, mine)
    random.shuffle(mine)
    _add(store, mine, -1)
    assert all(not len(some) for _, _, some, _ in store.state(_rows(*range(ROWS)))["open"])
    for length in BucketLength:
        for bucket in list(store.open[length]):
            assert store.close(length, bucket, ROWS).tolist() == [0] * ROWS
    assert all(not len(state[2]) for state in store.state(_rows(*range(ROWS)))["closed"])
