"""A table of named numeric columns that grows by rows without copying everything at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIRST_CAPACITY = 16


class RowTable:
    """Columns of shape (rows, ...) that grow together; ``table[name]`` is a view of the live rows.

    A view taken before :meth:`add` may be stale after it: take it again.

    Parameters
    ----------
    columns : name -> (dtype, shape of one row, value of a new row)
    """

    def __init__(self, columns: Mapping[str, tuple[DTypeLike, tuple[int, ...], Any]]) -> None:
        self._fill = {name: fill for name, (_, _, fill) in columns.items()}
        self._data: dict[str, NDArray[Any]] = {
            name: np.full((_FIRST_CAPACITY, *shape), fill, dtype) for name, (dtype, shape, fill) in columns.items()
        }
        self.rows = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._data[name][: self.rows]

    @property
    def nbytes(self) -> int:
        """Bytes held, spare capacity included."""
        return sum(data.nbytes for data in self._data.values())

    def add(self, count: int) -> None:
        """Add rows filled with each column's value of a new row."""
        capacity = len(next(iter(self._data.values())))
        if self.rows + count > capacity:
            capacity = max(2 * capacity, self.rows + count)
            for name, data in self._data.items():
                grown = np.full((capacity, *data.shape[1:]), self._fill[name], data.dtype)
                grown[: self.rows] = data[: self.rows]
                self._data[name] = grown
        self.rows += count

    def state(self, rows: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
        """Return a copy of the given rows of every column."""
        return {name: self[name][rows] for name in self._data}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the rows of a state."""
        first = self.rows
        self.add(len(next(iter(state[name] for name in self._data))))
        for name in self._data:
            self[name][first:] = state[name]
