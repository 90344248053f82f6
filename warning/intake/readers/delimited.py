"""CSV and its relatives. A row's number is the line of the file that its record starts on."""

from __future__ import annotations

import csv
from contextlib import closing
from typing import TYPE_CHECKING

import polars as pl

from warning.domain.errors import InvalidInputError
from warning.intake.layout import HEADER_ROWS
from warning.intake.raw import Flaw, RawChunk, Table
from warning.intake.readers.cells import without_damage
from warning.intake.readers.lines import TextFile
from warning.intake.readers.records import RecordReader, Records

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from warning.intake.layout import Layout

DELIMITERS = (",", ";", "\t", "|")
HEAD_LINES = 50
"""Physical lines looked at for the header: ten rows, some of them with line breaks in a cell."""


def read_delimited(path: Path, layout: Layout) -> Table:
    """Open a delimited file; raises InvalidInputError if it has no header that fits."""
    with closing(TextFile.open(path, layout.encoding)) as file:
        head = next(file.blocks(), [])[:HEAD_LINES]
    if not any(line.strip() for line in head):
        raise InvalidInputError(layout.where, "holds nothing but white space", "Export it again.")
    delimiter = layout.delimiter or _delimiter(head, layout)
    header, skipped = _header(head, delimiter, layout)
    return Table(header, _chunks(path, layout, RecordReader(delimiter, len(header)), header, skipped))


def _header(head: list[str], delimiter: str, layout: Layout) -> tuple[tuple[str, ...], int]:
    """Return the names of the columns and the number of lines before the first row of data."""
    if layout.headerless is not None:
        return layout.headerless, 0
    rows = _first_rows(head, delimiter)
    index = layout.header_index([row for row, _ in rows])
    header, lines = rows[index]
    return tuple(cell.strip().lstrip("\ufeff") for cell in header), lines


def _delimiter(head: list[str], layout: Layout) -> str:
    """Choose the delimiter by which the mapping's columns are found, else the one that gives most columns."""

    def fit(delimiter: str) -> tuple[int, int]:
        rows = [row for row, _ in _first_rows(head, delimiter)]
        if layout.headerless is not None:
            return sum(len(row) == len(layout.headerless) for row in rows), 0
        return max(map(layout.known, rows), default=0), max(map(len, rows), default=0)

    return max(DELIMITERS, key=fit)


def _first_rows(head: list[str], delimiter: str) -> list[tuple[list[str], int]]:
    """Return the first rows that are not blank, each with the number of lines up to its end."""
    reader = csv.reader(head, delimiter=delimiter)
    rows: list[tuple[list[str], int]] = []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                rows.append((row, reader.line_num))
            if len(rows) == HEADER_ROWS:
                break
    except csv.Error:
        pass
    return rows or [([head[0].strip()], 1)]


def _chunks(
    path: Path, layout: Layout, reader: RecordReader, header: Sequence[str], skipped: int
) -> Iterator[RawChunk]:
    positions = layout.positions(header)
    with closing(TextFile.open(path, layout.encoding)) as file:
        for records in reader.read(_without_head(file.blocks(), skipped), skipped + 1):
            yield _chunk(records, positions, file.offset)


def _without_head(blocks: Iterator[list[str]], skipped: int) -> Iterator[list[str]]:
    first = next(blocks, [])
    if len(first) > skipped:
        yield first[skipped:]
    yield from blocks


def _chunk(records: Records, positions: dict[str, int], offset: int) -> RawChunk:
    flaws: list[Flaw] = []
    columns: dict[str, pl.Series] = {}
    for name, position in positions.items():
        cells = pl.Series(name, [row[position] for row in records.cells], dtype=pl.String)
        columns[name] = without_damage(cells, name, flaws)
    return RawChunk(records.lines, columns, flaws, records.rejects, offset)
