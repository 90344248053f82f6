"""Count files (series, start, count): read strictly, and put on the one grid of buckets that their starts have."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from warning.service.errors import BadInputError
from warning.service.grid import Grid, Start, infer_grid

COLUMNS = ("series", "start", "count")
LARGEST_COUNT = 2**31 - 1
PROBLEMS_SHOWN = 10
_EXAMPLE = "2026-01-31, 2026-01-31 13:00 or 2026-01-31T13:00:00+08:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountTable:
    """A count file on its grid; the arrays have one entry for each row.

    ``series`` are places in ``names`` (in order of appearance), ``bucket`` are numbers of the grid's buckets.
    """

    names: list[str]
    series: NDArray[np.int32]
    bucket: NDArray[np.int64]
    count: NDArray[np.int32]
    start: list[datetime]
    start_text: list[str]
    grid: Grid


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    name: str
    start: Start
    count: int


@dataclass(frozen=True, slots=True)
class _Problem:
    """What is wrong with a row, in both languages, each with what to do."""

    line: int
    field: str
    zh: str
    en: str


def read_counts(where: str, lines: Iterable[str]) -> CountTable:
    """Read CSV lines with a header; raises BadInputError naming row, field, problem and what to do."""
    rows: list[_Row] = []
    problems: list[_Problem] = []
    for read in _rows(where, lines):
        if isinstance(read, _Row):
            rows.append(read)
        else:
            problems.append(read)
    problems += _mixed_zones(rows)
    if problems:
        raise _refusal(where, sorted(problems, key=lambda problem: problem.line))
    if not rows:
        raise BadInputError(
            where,
            "has no rows",
            "Give it rows of series, start, count.",
            f"{where}: 没有数据行。请提供 series,start,count。",
        )
    return _table(where, rows)


def _table(where: str, rows: list[_Row]) -> CountTable:
    grid, off = infer_grid(where, [row.start for row in rows])
    if off:
        line = next(row.line for row in rows if row.start == off)
        raise _refusal(where, [_Problem(line, "start", *_off_grid(off.text, grid.label))])
    buckets = [grid.number(row.start) for row in rows]
    if duplicates := _duplicates(rows, buckets):
        raise _refusal(where, duplicates)
    names = list(dict.fromkeys(row.name for row in rows))
    places = {name: place for place, name in enumerate(names)}
    return CountTable(
        names=names,
        series=np.array([places[row.name] for row in rows], np.int32),
        bucket=np.array(buckets, np.int64),
        count=np.array([row.count for row in rows], np.int32),
        start_text=[row.start.text for row in rows],
        start=[row.start.moment for row in rows],
        grid=grid,
    )


def _off_grid(text: str, label: str) -> tuple[str, str]:
    return (
        f"{text!r} 不在其余各行的 {label} 网格上。请改正或删去。",
        f"{text!r} is not on the grid of {label} that the other rows have. Correct or remove it.",
    )


def _rows(where: str, lines: Iterable[str]) -> Iterator[_Row | _Problem]:
    reader = csv.reader(lines, strict=True)
    try:
        places = _header(where, next(reader, []))
        starts: dict[str, Start | None] = {}
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield _row(reader.line_num, cells, places, starts)
    except csv.Error as error:
        line = reader.line_num
        raise BadInputError(
            f"{where}: row {line}",
            f"is not CSV ({error})",
            "Save it as CSV.",
            f"{where}: 第 {line} 行不是 CSV。请另存为 CSV。",
        ) from error


def _header(where: str, cells: list[str]) -> list[int]:
    names = [cell.strip().lower() for cell in cells]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        named = ", ".join(missing)
        raise BadInputError(
            f"{where}: row 1",
            f"the header lacks {named} (it has: {', '.join(names) or 'nothing'})",
            f"Begin the file with the line {','.join(COLUMNS)}.",
            f"{where}: 第 1 行表头缺少 {named}。首行应为 {','.join(COLUMNS)}。",
        )
    return [names.index(column) for column in COLUMNS]


def _row(line: int, cells: list[str], places: list[int], starts: dict[str, Start | None]) -> _Row | _Problem:
    if len(cells) <= max(places):
        return _Problem(line, COLUMNS[2], "该行列数不足。请补全。", "the row has too few cells. Complete it.")
    name, start_text, count_text = (cells[place].strip() for place in places)
    if not name:
        return _Problem(line, "series", "为空。请写序列名称。", "is empty. Write the name of the series.")
    if start_text not in starts:
        starts[start_text] = _start(start_text)
    start = starts[start_text]
    if start is None:
        return _Problem(
            line,
            "start",
            f"{start_text!r} 不是时间。请写成 {_EXAMPLE}。",
            f"{start_text!r} is not a time. Write it like {_EXAMPLE}.",
        )
    count = _count(count_text)
    if count is None:
        return _Problem(
            line,
            "count",
            f"{count_text!r} 不是非负整数。请改正;没有数据就删去该行。",
            f"{count_text!r} is not a whole number from 0 on. Correct it, or leave the row out if there is no data.",
        )
    return _Row(line, name, start, count)


def _start(text: str) -> Start | None:
    try:
        return Start(datetime.fromisoformat(text), text)
    except ValueError:
        return None


def _count(text: str) -> int | None:
    """Read a whole number; "5.0", as spreadsheets write it, is one too."""
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() and 0 <= value <= LARGEST_COUNT else None


def _duplicates(rows: list[_Row], buckets: list[int]) -> list[_Problem]:
    first: dict[tuple[str, int], int] = {}
    problems: list[_Problem] = []
    for row, bucket in zip(rows, buckets, strict=True):
        before = first.setdefault((row.name, bucket), row.line)
        if before != row.line:
            problems.append(
                _Problem(
                    row.line,
                    "start",
                    f"序列 {row.name!r} 在 {row.start.text!r} 与第 {before} 行重复。请合并;若因夏令时,请写明时区。",
                    f"series {row.name!r} has {row.start.text!r} already in row {before}. "
                    "Add the two up; if a clock change made them, write times with their zone.",
                )
            )
    return problems


def _mixed_zones(rows: list[_Row]) -> list[_Problem]:
    other = next((row for row in rows if row.start.zoned != rows[0].start.zoned), None)
    if other is None:
        return []
    return [
        _Problem(
            other.line,
            "start",
            f"{other.start.text!r} 与首行的写法不同 (有的带时区,有的不带)。请统一。",
            f"{other.start.text!r} differs from the first row: some times carry a zone, some do not. Write all alike.",
        )
    ]


def _refusal(where: str, problems: list[_Problem]) -> BadInputError:
    shown = problems[:PROBLEMS_SHOWN]
    more = len(problems) - len(shown)
    english = [f"row {p.line}, field {p.field}: {p.en}" for p in shown] + ([f"and {more} more rows."] if more else [])
    chinese = [f"第 {p.line} 行,字段 {p.field}: {p.zh}" for p in shown] + ([f"另有 {more} 行。"] if more else [])
    return BadInputError(
        where, "; ".join(english).rstrip("."), "Nothing was written.", f"{where}: {' '.join(chinese)}未写出任何结果。"
    )
