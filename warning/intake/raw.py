"""What readers hand to the normaliser: raw cells as text columns, with the position of each row in its file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warning.domain.reject import RejectReason
    from warning.intake.columns import IntArray

CHUNK_ROWS = 20_000
"""Rows a chunk: large enough that per-chunk costs vanish, small enough that 31 columns of text stay below 50 MB."""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Damage in one cell. The normaliser decides what it means: a refused row, an empty field, or nothing."""

    index: int
    """Position of the row inside its chunk."""
    column: str
    reason: RejectReason
    value: str


@dataclass(frozen=True, slots=True)
class Mended:
    """A cell that the reader itself repaired with certainty, by a named rule."""

    index: int
    column: str
    rule: str


@dataclass(frozen=True, slots=True)
class RawReject:
    """A row that the reader itself could not read."""

    row: int
    reason: RejectReason
    value: str = ""


@dataclass(frozen=True, slots=True)
class RawChunk:
    """Some rows of an input.

    rows : int64 (n,), where each row stands in its input, from 1: the line its record starts on (CSV, NDJSON),
        the sheet's own row number (XLSX), the record's number (Parquet, events)
    columns : the selected columns by their mapping names, String series of n cells, null or "" where empty
    offset : bytes of the input read when the chunk was ready
    """

    rows: IntArray
    columns: dict[str, pl.Series]
    flaws: list[Flaw] = field(default_factory=list)
    rejects: list[RawReject] = field(default_factory=list)
    offset: int = 0
    mended: list[Mended] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> pl.Series:
        """Return a column; one that the input does not have is empty in every row."""
        found = self.columns.get(name)
        return pl.repeat(None, len(self), dtype=pl.String, eager=True) if found is None else found

    def without(self, indices: list[int], rejects: list[RawReject]) -> RawChunk:
        """Replace the rows at some positions by rejections."""
        keep = np.setdiff1d(np.arange(len(self)), indices)
        place = {old: new for new, old in enumerate(keep.tolist())}
        return replace(
            self,
            rows=self.rows[keep],
            columns={name: cells.gather(keep) for name, cells in self.columns.items()},
            flaws=[replace(flaw, index=place[flaw.index]) for flaw in self.flaws if flaw.index in place],
            mended=[replace(cell, index=place[cell.index]) for cell in self.mended if cell.index in place],
            rejects=self.rejects + rejects,
        )

    def head(self, count: int) -> RawChunk:
        """Return the first rows, and the rejections up to there."""
        if count >= len(self):
            return self
        last = int(self.rows[count])
        rejects = [reject for reject in self.rejects if reject.row < last]
        return replace(self, rejects=[]).without(list(range(count, len(self))), rejects)


@dataclass(frozen=True, slots=True)
class Table:
    """An opened input: its header as the file has it, and its rows chunk by chunk."""

    header: tuple[str, ...]
    chunks: Iterator[RawChunk]
