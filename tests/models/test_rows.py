"""The row table: growth, views, states."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rows import RowTable


def _table() -> RowTable:
    return RowTable(
        {
            "count": (np.int64, (), 7),
            "hours": (np.float64, (3,), np.array([1.0, 2.0, 3.0])),
            "own": (np.bool_, (), True),
        }
    )


def test_new_rows_are_filled() -> None:
    """A new row has each column's value of a new row, in the column's type and shape."""
    table = _table()
    table.add(2)
    assert table["count"].tolist() == [7, 7]
    assert table["hours"].tolist() == [[1.0, 2.0, 3.0]] * 2
    assert table["own"].dtype == np.bool_


@given(st.lists(st.integers(0, 70), max_size=12))
def test_growth_keeps_what_is_there(chunks: list[int]) -> None:
    """However rows are added, the old ones stay and the new ones are filled."""
    table = _table()
    written: list[int] = []
    for chunk in chunks:
        first = table.rows
        table.add(chunk)
        assert table["count"][first:].tolist() == [7] * chunk
        table["count"][first:] = np.arange(first, first + chunk)
        written += range(first, first + chunk)
        assert table["count"].tolist() == written
    assert table.rows == sum(chunks)


def test_growth_is_seldom() -> None:
    """Adding rows one by one copies the columns a few times only, and takes at most about twice the room."""
    table = _table()
    sizes = set()
    for _ in range(10_000):
        table.add(1)
        sizes.add(table.nbytes)
    assert len(sizes) <= 12
    assert table.nbytes <= 2 * 10_000 * (8 + 24 + 1) * 1.7


def test_a_column_is_a_view() -> None:
    """Writing into a column writes into the table, and only live rows are seen."""
    table = _table()
    table.add(3)
    table["count"][1] = 0
    assert table["count"].tolist() == [7, 0, 7]
    table["hours"][:, 2] += 1.0
    assert table["hours"][:, 2].tolist() == [4.0, 4.0, 4.0]


def test_an_unknown_column_is_an_error() -> None:
    """A column that is not there is a KeyError."""
    with pytest.raises(KeyError):
        _table()["nothing"]


def test_state_is_a_copy_in_the_order_asked() -> None:
    """A state holds the given rows, in their order, and neither side sees the other's writing."""
    table = _table()
    table.add(4)
    table["count"][:] = np.arange(4)
    state = table.state(np.array([3, 1]))
    assert state["count"].tolist() == [3, 1]
    state["count"][:] = 9
    table["hours"][:] = 0.0
    assert table["count"].tolist() == [0, 1, 2, 3]
    assert state["hours"].tolist() == [[1.0, 2.0, 3.0]] * 2


def test_load_adds_rows() -> None:
    """Loading adds the state's rows behind those there, also when the table must grow, and copies them."""
    table, other = _table(), _table()
    table.add(40)
    table["count"][:] = np.arange(40)
    other.add(1)
    state = table.state(np.arange(40))
    other.load(state)
    state["count"][:] = 0
    assert other["count"].tolist() == [7, *range(40)]
    assert other.rows == 41


def test_loading_no_rows() -> None:
    """A state of no rows adds none."""
    table = _table()
    table.load(_table().state(np.array([], np.int64)))
    assert table.rows == 0


def test_a_state_that_lacks_a_column_is_refused() -> None:
    """A state without one of the columns is a KeyError, not rows of the value of a new one."""
    table = _table()
    table.add(1)
    state = table.state(np.array([0]))
    del state["hours"]
    with pytest.raises(KeyError):
        _table().load(state)
