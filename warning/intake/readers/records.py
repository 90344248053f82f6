"""Lines of a delimited file -> records, row by row: damage costs the row it is in, never the rows after it."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from warning.domain.reject import RejectReason
from warning.intake.raw import CHUNK_ROWS, RawReject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warning.intake.columns import IntArray

FIELD_LIMIT = 1 << 17
"""Longest cell in characters (128 Ki). A complaint is a few hundred; beyond this it is an attachment or an attack."""

PARSER_LIMIT = 1 << 24
"""How far the csv module looks for a closing quote: far enough to skip a cell of 10 MB whole."""

_DIGITS = re.compile(r"\d+")
_LETTERS = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Records:
    """Records of some lines.

    lines : the line each record starts on; cells : its cells, as many as the header has; rejects : the others
    """

    lines: IntArray
    cells: list[list[str]]
    rejects: list[RawReject] = field(default_factory=list)


class RecordReader:
    """Splits lines into records of ``width`` cells."""

    def __init__(self, delimiter: str, width: int) -> None:
        self.delimiter = delimiter
        self.width = width
        csv.field_size_limit(max(csv.field_size_limit(), PARSER_LIMIT))

    def read(self, blocks: Iterator[list[str]], first_line: int) -> Iterator[Records]:
        """Yield the records of blocks of lines; ``first_line`` is the number of the first one."""
        feed = _Feed(blocks, first_line)
        while lines := feed.peek(CHUNK_ROWS):
            records = self._plain(lines, feed.line)
            if records is None:
                yield self._careful(feed)
            else:
                feed.skip(len(lines))
                yield records

    def _plain(self, lines: list[str], first_line: int) -> Records | None:
        """Read lines that hold one good record each, or nothing; None if any does not."""
        if max(map(len, lines)) > FIELD_LIMIT:
            return None
        try:
            cells = list(csv.reader(lines, delimiter=self.delimiter, strict=True))
        except csv.Error:
            return None
        widths = set(map(len, cells))
        if len(cells) != len(lines) or not widths <= {0, self.width}:
            return None
        numbers = np.arange(first_line, first_line + len(lines), dtype=np.int64)
        if 0 in widths:
            numbers = numbers[np.fromiter(map(bool, cells), dtype=np.bool_, count=len(cells))]
            cells = [row for row in cells if row]
        return Records(numbers, cells)

    def _careful(self, feed: _Feed) -> Records:
        """Read about a chunk record by record; a bad one costs its first line, and reading goes on at its second."""
        starts: list[int] = []
        cells: list[list[str]] = []
        rejects: list[RawReject] = []
        reader = self._reader(feed)
        end = feed.line + CHUNK_ROWS
        while (start := feed.line) < end and feed.mark():
            row, reason = self._next(reader, feed)
            if reason is None and row:
                starts.append(start)
                cells.append(row)
            elif reason is not None:
                rejects.append(RawReject(start, reason, self._shown(row, reason)))
                if reason is not RejectReason.FIELD_TOO_LONG:
                    feed.back()
                reader = self._reader(feed)
        return Records(np.array(starts, dtype=np.int64), cells, rejects)

    def _shown(self, row: list[str], reason: RejectReason) -> str:
        # Never the row itself: it holds cells of every class, and which is which is what could not be read.
        return f"{len(row)} / {self.width}" if reason is RejectReason.WRONG_COLUMN_COUNT else ""

    def _reader(self, feed: _Feed) -> Iterator[list[str]]:
        return csv.reader(feed, delimiter=self.delimiter, strict=True)

    def _next(self, reader: Iterator[list[str]], feed: _Feed) -> tuple[list[str], RejectReason | None]:
        try:
            row = next(reader)
        except csv.Error:
            return [], RejectReason.UNREADABLE_ROW
        if len(row) > self.width and not any(row[self.width :]):
            row = row[: self.width]
        if row and len(row) != self.width:
            return row, RejectReason.WRONG_COLUMN_COUNT
        if feed.used > 1 and self._swallowed(row, feed.used_lines()):
            return row, RejectReason.UNREADABLE_ROW
        if any(len(cell) > FIELD_LIMIT for cell in row):
            return row, RejectReason.FIELD_TOO_LONG
        return row, None

    def _swallowed(self, row: list[str], lines: list[str]) -> bool:
        """Whether an open quote swallowed rows: a later line of the record looks like a row of its own."""
        own = _shape(row[0])
        return any(own and self._looks_like_row(line, own) for line in lines[1:])

    def _looks_like_row(self, line: str, shape: str) -> bool:
        if line.count(self.delimiter) < self.width - 1 or len(line) > FIELD_LIMIT:
            return False
        row = next(csv.reader([line], delimiter=self.delimiter), [])
        return len(row) == self.width > 1 and _shape(row[0]) == shape


def _shape(cell: str) -> str:
    return _LETTERS.sub("a", _DIGITS.sub("9", cell[:100].strip()))


class _Feed:
    """Lines with a position that can go back to the second line of the record under way."""

    def __init__(self, blocks: Iterator[list[str]], first_line: int) -> None:
        self._blocks = blocks
        self._lines: list[str] = []
        self._next = 0
        self._mark = 0
        self.line = first_line

    def peek(self, count: int) -> list[str]:
        """Return up to ``count`` of the lines ahead; none at the end."""
        if self._next >= len(self._lines):
            self._refill()
        return self._lines[self._next : self._next + count]

    def skip(self, count: int) -> None:
        """Go past some of the lines ahead."""
        self._next += count
        self.line += count

    def mark(self) -> bool:
        """Remember where the record that comes next begins; False at the end."""
        if self._next >= len(self._lines):
            self._refill()
        self._mark = self._next
        return self._next < len(self._lines)

    @property
    def used(self) -> int:
        """Lines of the record under way."""
        return self._next - self._mark

    def used_lines(self) -> list[str]:
        """Return the lines of the record under way."""
        return self._lines[self._mark : self._next]

    def back(self) -> None:
        """Go back to the second line of the record under way."""
        self.line -= self._next - self._mark - 1
        self._next = self._mark + 1

    def __iter__(self) -> _Feed:
        return self

    def __next__(self) -> str:
        if self._next >= len(self._lines):
            self._extend()
        line = self._lines[self._next]
        self._next += 1
        self.line += 1
        return line

    def _refill(self) -> None:
        self._lines = next(self._blocks, [])
        self._next = self._mark = 0

    def _extend(self) -> None:
        """Read on inside a record, keeping its first lines."""
        more = next(self._blocks, None)
        if more is None:
            raise StopIteration
        self._lines = self._lines[self._mark :] + more
        self._next -= self._mark
        self._mark = 0
