"""Parquet. A row's number is the record's, from 1. The wanted columns are read whole: some 200 bytes a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from warning.domain.errors import InvalidInputError
from warning.domain.reject import RejectReason
from warning.intake.raw import CHUNK_ROWS, Flaw, RawChunk, Table
from warning.intake.readers.cells import text_series, without_damage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from warning.intake.layout import Layout

AS_TEXT = (pl.String, pl.Categorical, pl.Enum, pl.Decimal, pl.Null)


def read_parquet(path: Path, layout: Layout) -> Table:
    """Open a Parquet file; raises InvalidInputError if it is damaged."""
    try:
        header = tuple(pl.read_parquet_schema(path))
    except (PolarsError, OSError) as error:
        raise _damaged(layout, error) from error
    return Table(header, _chunks(path, layout, header))


def _chunks(path: Path, layout: Layout, header: tuple[str, ...]) -> Iterator[RawChunk]:
    positions = layout.positions(header)
    try:
        frame = pl.read_parquet(path, columns=[header[index] for index in positions.values()])
    except (PolarsError, OSError) as error:
        raise _damaged(layout, error) from error
    size = path.stat().st_size
    for start in range(0, len(frame), CHUNK_ROWS):
        part = frame.slice(start, CHUNK_ROWS)
        flaws: list[Flaw] = []
        columns = {name: _texts(part[header[index]], name, flaws) for name, index in positions.items()}
        rows = np.arange(start + 1, start + len(part) + 1, dtype=np.int64)
        yield RawChunk(rows, columns, flaws, [], size * (start + len(part)) // len(frame))


def _texts(cells: pl.Series, name: str, flaws: list[Flaw]) -> pl.Series:
    """Write a typed column as text; a type that no field can have is a flaw of every cell."""
    kind = cells.dtype
    if isinstance(kind, pl.Datetime):
        return _moments(cells, kind).alias(name)
    if kind == pl.Date:
        return cells.dt.strftime("%Y-%m-%d 00:00:00").alias(name)
    if kind.is_float():
        return text_series(name, cells.to_list(), flaws)
    if kind.is_integer() or isinstance(kind, AS_TEXT):
        return without_damage(cells.cast(pl.String).alias(name), name, flaws)
    filled = cells.is_not_null().arg_true().to_list()
    flaws += [Flaw(index, name, RejectReason.BAD_TYPE, f"{kind}") for index in filled]
    return pl.repeat(None, len(cells), dtype=pl.String, eager=True).alias(name)


def _moments(cells: pl.Series, kind: pl.Datetime) -> pl.Series:
    milliseconds = cells.dt.cast_time_unit("ms")
    if kind.time_zone is None:
        return milliseconds.dt.strftime("%Y-%m-%d %H:%M:%S%.3f")
    return milliseconds.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%d %H:%M:%S%.3f+00:00")


def _damaged(layout: Layout, error: Exception) -> InvalidInputError:
    problem = f"is no readable Parquet file ({str(error).splitlines()[0][:120]})"
    return InvalidInputError(layout.where, problem, "Write it again; it may have been cut off in transfer.")
