"""Tickets that wait for their bucket to close, and the few that are kept as examples afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from warning.domain.bucket import QUARTER_MS
from warning.engine.pending import EXAMPLES, KEPT_PER_SERIES, KEPT_QUARTERS, Entries, PendingTickets

FIRST = 1_900_000
"""A quarter of an hour."""


class Ticket(NamedTuple):
    """``rows`` are its series, root first; its key is its identity."""

    key: int
    rows: tuple[int, ...] = (0,)
    quarter: int = FIRST
    ms: int = 0
    text: str = ""

    @property
    def time(self) -> int:
        return self.quarter * QUARTER_MS + self.ms


def _objects(values: list[str]) -> np.ndarray[Any, np.dtype[np.object_]]:
    return np.array([*values, None], np.object_)[:-1]


def _entries(tickets: Sequence[Ticket]) -> Entries:
    rows = [[*ticket.rows, *[-1] * (4 - len(ticket.rows))] for ticket in tickets]
    names = _objects([f"n{ticket.key}" for ticket in tickets])
    return Entries(
        np.array([ticket.time for ticket in tickets], np.int64),
        np.array([ticket.key for ticket in tickets], np.uint64),
        np.array([ticket.time for ticket in tickets], np.int64),
        np.array([ticket.key ^ 1 for ticket in tickets], np.uint64),
        np.array(rows, np.int64).reshape(-1, 4),
        names,
        names,
        names,
        names,
        names,
        _objects([ticket.text for ticket in tickets]),
    )


def _held(*batches: Sequence[Ticket]) -> PendingTickets:
    pending = PendingTickets()
    for batch in batches:
        pending.add(_entries(batch))
    return pending


def _keys(entries: Entries | None) -> list[int]:
    return [] if entries is None else entries.key.tolist()


def _examples(pending: PendingTickets, row: int, start: int = FIRST, end: int = FIRST + 96) -> list[int]:
    return _keys(pending.of_series(row, start * QUARTER_MS, end * QUARTER_MS))


lineages = st.sampled_from([(0,), (0, 1), (0, 1, 2), (0, 1, 3), (0, 4), (5,), (5, 6)])
tickets = st.lists(
    st.builds(
        Ticket,
        st.integers(0, 2**64 - 1),
        lineages,
        st.integers(FIRST, FIRST + 4),
        st.sampled_from([0, 1, QUARTER_MS - 1]),
    ),
    max_size=30,
    unique_by=lambda ticket: ticket.key,
)


def _sorted(some: Sequence[Ticket]) -> list[int]:
    return [ticket.key for ticket in sorted(some, key=lambda ticket: (ticket.time, ticket.key))]


@given(tickets, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_a_quarter_closes_in_sorted_order_whatever_came_first(some: list[Ticket], random: Any) -> None:
    """A closing quarter gives its tickets by (event time, key), however they were batched and in whatever order."""
    shuffled = random.sample(some, len(some))
    cut = random.randint(0, len(some))
    pending = _held(shuffled[:cut], [], shuffled[cut:])
    assert len(pending) == len(some)
    for quarter in range(FIRST, FIRST + 5):
        mine = [ticket for ticket in some if ticket.quarter == quarter]
        assert _keys(pending.close(quarter)) == _sorted(mine)
    assert len(pending) == 0


def test_what_a_ticket_carries_stays_with_it() -> None:
    """Sorting, splitting over quarters and joining keep every column of a ticket together."""
    some = [Ticket(9, (0, 1), FIRST + 1, 5, "nine"), Ticket(3, (0,), FIRST, 7, "three"), Ticket(4, (2,), FIRST, 2)]
    pending = _held(some[:2], some[2:])
    for quarter, order in ((FIRST, [some[2], some[1]]), (FIRST + 1, [some[0]])):
        closed, expected = pending.close(quarter), _entries(order)
        assert closed is not None
        for name in ("time", "key", "version", "digest", "rows", "source", "ticket_id", "area", "text"):
            assert getattr(closed, name).tolist() == getattr(expected, name).tolist()


def test_a_quarter_in_which_nothing_came_closes_empty() -> None:
    """A quarter without tickets, or whose tickets were all taken out, has nothing to apply."""
    pending = _held([Ticket(1)])
    assert pending.close(FIRST + 1) is None
    pending.remove(1)
    assert pending.close(FIRST) is None
    assert _examples(pending, 0) == []


def test_an_open_ticket_is_found_by_its_key_until_it_closes() -> None:
    """Find gives the one ticket with a key while its quarter is open, in whichever part it lies."""
    pending = _held([Ticket(1, text="a"), Ticket(2, text="b")], [Ticket(2**64 - 1, quarter=FIRST + 3, text="c")])
    for key, text in ((1, "a"), (2, "b"), (2**64 - 1, "c")):
        found = pending.find(key)
        assert found is not None
        assert (_keys(found), found.text.tolist()) == ([key], [text])
    assert pending.find(3) is None
    pending.close(FIRST)
    assert pending.find(1) is None
    assert pending.find(2**64 - 1) is not None


def test_removing_takes_one_ticket_out() -> None:
    """A ticket taken out is not applied, found or shown; the others stay; an unknown key changes nothing."""
    pending = _held([Ticket(1), Ticket(2)], [Ticket(3), Ticket(4, quarter=FIRST + 1)])
    pending.remove(2)
    pending.remove(99)
    assert (len(pending), pending.find(2)) == (3, None)
    assert _examples(pending, 0, end=FIRST + 1) == [1, 3]
    assert _keys(pending.close(FIRST)) == [1, 3]
    assert _keys(pending.close(FIRST + 1)) == [4]


def test_a_few_examples_of_each_deepest_series_stay_after_closing() -> None:
    """Of a closed quarter the last tickets of each deepest series are kept, so every series above has its latest."""
    some = [Ticket(key, (0, 1) if key % 2 else (0, 2), ms=key) for key in range(1, 21)]
    pending = _held(some, [Ticket(50, (0,), ms=0)])
    pending.close(FIRST)
    assert KEPT_PER_SERIES == EXAMPLES == 3
    assert _examples(pending, 1) == [15, 17, 19]
    assert _examples(pending, 2) == [16, 18, 20]
    assert _examples(pending, 0) == [50, 15, 16, 17, 18, 19, 20]
    assert _examples(pending, 7) == []


def test_examples_are_kept_for_a_day() -> None:
    """Examples of a quarter are dropped when a quarter closes a whole day later, not before."""
    pending = _held([Ticket(1)], [Ticket(2, quarter=FIRST + KEPT_QUARTERS - 1)])
    pending.add(_entries([Ticket(3, quarter=FIRST + KEPT_QUARTERS)]))
    for quarter, kept in ((FIRST, [1]), (FIRST + KEPT_QUARTERS - 1, [1, 2]), (FIRST + KEPT_QUARTERS, [2, 3])):
        pending.close(quarter)
        assert _examples(pending, 0, end=quarter + 1) == kept


def test_examples_reach_back_only_as_far_as_needed() -> None:
    """The latest quarters are read until there are enough examples; open ones count with closed ones."""
    pending = _held([Ticket(1), Ticket(2, quarter=FIRST + 1)], [Ticket(3, quarter=FIRST + 2), Ticket(4, (9,))])
    pending.close(FIRST)
    pending.close(FIRST + 1)
    assert _examples(pending, 0) == [1, 2, 3]
    pending.add(_entries([Ticket(5, quarter=FIRST + 2, ms=1), Ticket(6, quarter=FIRST + 3)]))
    assert _examples(pending, 0) == [3, 5, 6]
    pending.add(_entries([Ticket(7, quarter=FIRST + 3), Ticket(8, quarter=FIRST + 3)]))
    assert _examples(pending, 0) == [6, 7, 8]


@given(tickets, st.integers(0, 5), st.sampled_from([0, 1, 2, 5, 6]), st.integers(0, 4), st.integers(1, 5))
@settings(deadline=None)
def test_examples_are_the_latest_of_their_series_in_the_window(
    some: list[Ticket], closed: int, row: int, start: int, length: int
) -> None:
    """Whatever has closed: only tickets of the series and the window, in order, ending with its latest ones."""
    pending = _held(some)
    for quarter in range(FIRST, FIRST + closed):
        pending.close(quarter)
    first, end = FIRST + start, FIRST + start + length
    mine = [ticket for ticket in some if row in ticket.rows and first <= ticket.quarter < end]
    found = _examples(pending, row, first, end)
    assert found == [key for key in _sorted(mine) if key in found]
    assert found[-EXAMPLES:] == _sorted(mine)[-EXAMPLES:]


@given(tickets, st.integers(0, 5), st.integers(0, 2))
@settings(deadline=None)
def test_examples_do_not_depend_on_other_series(some: list[Ticket], closed: int, start: int) -> None:
    """A shard carried with others shows the same examples as one carried alone."""
    alone = [ticket for ticket in some if ticket.rows[0] == 0]
    for row in (0, 1, 2):
        both = []
        for held in (_held(some), _held(alone)):
            for quarter in range(FIRST, FIRST + closed):
                held.close(quarter)
            both.append(_examples(held, row, FIRST + start, FIRST + start + 3))
        assert both[0] == both[1]


def test_examples_follow_what_comes_and_goes() -> None:
    """Tickets added, removed, closed and loaded after examples were asked for count from then on."""
    pending = _held([Ticket(1, (0, 1)), Ticket(2, (0, 2))], [Ticket(3, (0, 1))])
    assert _examples(pending, 1) == [1, 3]
    pending.add(_entries([Ticket(4, (0, 1)), Ticket(5, (0, 1, 1))]))
    assert _examples(pending, 1) == [1, 3, 4, 5]
    pending.remove(1)
    assert _examples(pending, 1) == [3, 4, 5]
    pending.load(_held([Ticket(6, (0, 1))]).state({0: 0, 1: 1}), 0)
    assert _examples(pending, 1) == [3, 4, 5, 6]
    pending.close(FIRST)
    assert _examples(pending, 1) == [4, 5, 6]


def test_times_outside_the_window_are_never_shown() -> None:
    """A window that starts or ends inside a quarter cuts that quarter's tickets by their own times."""
    pending = _held([Ticket(key, ms=key * 1_000) for key in range(1, 6)])
    start, end = FIRST * QUARTER_MS + 2_000, FIRST * QUARTER_MS + 4_000
    assert _keys(pending.of_series(0, start, end)) == [2, 3]


@given(tickets, st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_a_state_in_two_parts_goes_on_identically(some: list[Ticket], closed: int) -> None:
    """Two shards saved apart and loaded in the other order, renumbered, close and show the same tickets."""
    whole = _held(some[::2], some[1::2])
    for quarter in range(FIRST, FIRST + closed):
        whole.close(quarter)
    shards = ({0: 0, 1: 1, 2: 2, 3: 3, 4: 4}, {5: 0, 6: 1})
    offsets = (12, 10)
    loaded = PendingTickets()
    for place, first in reversed(list(zip(shards, offsets, strict=True))):
        loaded.load(whole.state(place), first)
    row_of = {row: first + at for place, first in zip(shards, offsets, strict=True) for row, at in place.items()}
    assert len(loaded) == len(whole)
    for row, new in row_of.items():
        assert _examples(loaded, new) == _examples(whole, row)
    for quarter in range(FIRST, FIRST + 5):
        one, other = whole.close(quarter), loaded.close(quarter)
        assert _keys(one) == _keys(other)
        if one is not None and other is not None:
            mapped = [[row_of.get(row, -1) for row in rows] for rows in one.rows.tolist()]
            assert other.rows.tolist() == mapped
    for row, new in row_of.items():
        assert _examples(loaded, new) == _examples(whole, row)


def test_a_state_is_not_touched_by_what_comes_after() -> None:
    """A snapshot keeps its tickets while the original, and one that loaded it, go on."""
    pending = _held([Ticket(1), Ticket(2)], [Ticket(3, quarter=FIRST + 1)])
    pending.close(FIRST)
    state = pending.state({0: 0})
    before = repr(state)
    other = PendingTickets()
    other.load(state, 0)
    for each in (pending, other):
        each.remove(3)
        each.add(_entries([Ticket(4, quarter=FIRST + 1)]))
        each.close(FIRST + 1)
    assert repr(state) == before
