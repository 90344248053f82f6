"""Which columns of a file are read, and how its header is recognised."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warning.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Mapping as Dictionary
    from collections.abc import Sequence

HEADER_ROWS = 10
"""A header stands within the first ten rows: exports put a title, a date and a unit above it, not more."""


def header_key(name: str) -> str:
    """Spell a column name the way names are compared: NFKC, without case, runs of space or underscore as one."""
    text = unicodedata.normalize("NFKC", name).replace("_", " ").replace("\ufeff", "")
    return " ".join(text.split()).casefold()


@dataclass(frozen=True, slots=True)
class Layout:
    """What a reader needs to know of a mapping.

    names : every spelling of a column (as ``header_key`` writes it) -> the mapping's name for it
    wanted : the columns to read, by the mapping's names; every other cell is dropped at reading
    required : the columns without which the file is refused
    times : the columns that hold times (a bare number in a spreadsheet cell there is a serial date)
    headerless : the columns in file order when the file has no header
    """

    names: Dictionary[str, str]
    wanted: frozenset[str]
    required: frozenset[str] = frozenset()
    times: frozenset[str] = frozenset()
    headerless: tuple[str, ...] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    where: str = field(default="input")

    def known(self, cells: Sequence[str]) -> int:
        """Count the cells that are names of columns."""
        return sum(header_key(cell) in self.names for cell in cells)

    def header_index(self, rows: Sequence[Sequence[str]]) -> int:
        """Find the header among the first rows: the one with most known names, else the first that is no title."""
        counts = [self.known(row) for row in rows[:HEADER_ROWS]]
        if max(counts, default=0) == 0:
            counts = [sum(bool(cell.strip()) for cell in row) for row in rows[:HEADER_ROWS]]
            counts = [2 * count >= max(counts) for count in counts]
        return counts.index(max(counts)) if counts else 0

    def positions(self, header: Sequence[str]) -> dict[str, int]:
        """Say where each wanted column stands; raises InvalidInputError if one is missing or stands twice."""
        found = [self.names.get(header_key(cell)) for cell in header]
        self._refuse_missing(header, {name for name in found if name})
        counts = Counter(name for name in found if name in self.wanted)
        for name, count in counts.items():
            if count > 1:
                raise InvalidInputError(
                    self.where, f"column {name!r} stands {count} times", "Rename or remove all but one of them."
                )
        return {name: index for index, name in enumerate(found) if name is not None and name in self.wanted}

    def _refuse_missing(self, header: Sequence[str], found: set[str]) -> None:
        missing = sorted(self.required - found)
        if missing:
            # A row without one known name may be data of a file that has no header: it is not repeated.
            names = ", ".join(cell.strip()[:40] for cell in header[:12] if cell.strip())
            seen = f"the header reads: {names}" if found else f"none of its {len(header)} columns is in the mapping"
            raise InvalidInputError(
                self.where,
                f"required columns are missing: {', '.join(missing)}; {seen}",
                "Choose the mapping that fits the file, or add the file's spelling to the mapping (`also`).",
            )
