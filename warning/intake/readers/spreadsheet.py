"""Spreadsheets (XLSX, XLS, ODS). A row's number is the sheet's own; formula cells are read as their stored results."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import numpy as np
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from warning.domain.errors import InvalidInputError
from warning.intake.layout import HEADER_ROWS
from warning.intake.raw import CHUNK_ROWS, Flaw, Mended, RawChunk, Table
from warning.intake.readers.cells import text_series

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from warning.intake.layout import Layout

MAX_UNPACKED = 1 << 31
"""Bytes that a workbook may unpack to: a full sheet of a million rows is below 1 GB, a zip bomb is not."""

Row = list[object]
Range = tuple[tuple[int, int], tuple[int, int]]


def read_spreadsheet(path: Path, layout: Layout) -> Table:
    """Open a workbook and choose its sheet that fits; raises InvalidInputError if it is damaged or none fits."""
    _refuse_bomb(path, layout)
    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = workbook.sheet_names
        sheets = [(workbook.get_sheet_by_name(name)) for name in names]
        rows = [sheet.to_python(skip_empty_area=False) for sheet in sheets]
    except (CalamineError, OSError, ValueError) as error:
        problem = f"is no readable spreadsheet ({str(error)[:120]})"
        raise InvalidInputError(layout.where, problem, "Open it in a spreadsheet program and save it again.") from error
    best = max(range(len(sheets)), key=lambda index: _fit(rows[index], layout), default=None)
    if best is None or not rows[best]:
        raise InvalidInputError(layout.where, "has no sheet with rows", "Export it again.")
    cells: list[Row] = [list(row) for row in rows[best]]
    header, skipped = _header(cells, layout)
    return Table(header, _chunks(cells, _merged(sheets[best]), layout, header, skipped, path.stat().st_size))


def _refuse_bomb(path: Path, layout: Layout) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError):
        return
    if size > MAX_UNPACKED:
        raise InvalidInputError(layout.where, f"unpacks to {size >> 20} MiB", "Split it, or export it as CSV.")


def _fit(rows: Sequence[Sequence[object]], layout: Layout) -> tuple[int, int]:
    known = max((layout.known(_texts(row)) for row in rows[:HEADER_ROWS]), default=0)
    return known, len(rows)


def _header(rows: Sequence[Row], layout: Layout) -> tuple[tuple[str, ...], int]:
    if layout.headerless is not None:
        return layout.headerless, 0
    index = layout.header_index([_texts(row) for row in rows[:HEADER_ROWS]])
    return tuple(_texts(rows[index])), index + 1


def _texts(row: Sequence[object]) -> list[str]:
    return [str(cell).strip() for cell in row]


def _merged(sheet: CalamineSheet) -> list[Range]:
    try:
        return list(sheet.merged_cell_ranges or [])
    except CalamineError:
        return []


def _chunks(
    rows: list[Row], merged: list[Range], layout: Layout, header: Sequence[str], skipped: int, size: int
) -> Iterator[RawChunk]:
    positions = layout.positions(header)
    filled = _fill_merged(rows, merged, skipped, {index: name for name, index in positions.items()})
    numbers = [index for index in range(skipped, len(rows)) if any(cell not in {"", None} for cell in rows[index])]
    for start in range(0, len(numbers), CHUNK_ROWS):
        part = numbers[start : start + CHUNK_ROWS]
        flaws: list[Flaw] = []
        columns = {
            name: text_series(
                name,
                [rows[index][position] if position < len(rows[index]) else None for index in part],
                flaws,
                serial_dates=name in layout.times,
            )
            for name, position in positions.items()
        }
        mended = [
            Mended(place, name, "merged_cells") for place, index in enumerate(part) for name in filled.get(index, ())
        ]
        offset = size * (start + len(part)) // len(numbers)
        yield RawChunk(np.array(part, dtype=np.int64) + 1, columns, flaws, [], offset, mended)


def _fill_merged(rows: list[Row], merged: list[Range], skipped: int, names: dict[int, str]) -> dict[int, list[str]]:
    """Write a merged range's value into each of its rows; return the columns filled in each row."""
    filled: dict[int, list[str]] = {}
    for (top, left), (bottom, _) in merged:
        if top < skipped or left not in names or top >= len(rows):
            continue
        for index in range(top + 1, min(bottom + 1, len(rows))):
            rows[index][left] = rows[top][left]
            filled.setdefault(index, []).append(names[left])
    return filled
