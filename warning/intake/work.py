"""A chunk on its way through the normaliser."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warning.intake.refusals import Refusals

if TYPE_CHECKING:
    import polars as pl

    from warning.intake.raw import RawChunk
    from warning.intake.times import BoolArray


class RepairLog:
    """Which rows were repaired, by field and rule; counted at the end, when it is known which rows were kept."""

    def __init__(self) -> None:
        self._marks: list[tuple[str, str, BoolArray]] = []

    def mark(self, rows: BoolArray, field_name: str, rule: str) -> None:
        """Note a repair in the rows of a mask."""
        if rows.any():
            self._marks.append((field_name, rule, rows))

    def counts(self, kept: BoolArray) -> Counter[tuple[str, str]]:
        """Count repairs by (field, rule) in the rows that were kept."""
        counts: Counter[tuple[str, str]] = Counter()
        for field_name, rule, rows in self._marks:
            counts[field_name, rule] += int((rows & kept).sum())
        return +counts


@dataclass(frozen=True, slots=True)
class Work:
    """A chunk with the rows refused and the cells repaired so far."""

    chunk: RawChunk
    refusals: Refusals
    repairs: RepairLog = field(default_factory=RepairLog)

    @classmethod
    def on(cls, chunk: RawChunk) -> Work:
        """Begin work on a chunk."""
        return cls(chunk, Refusals(len(chunk)))

    def column(self, name: str) -> pl.Series:
        """Return a column of the chunk, empty if the input does not have it."""
        return self.chunk.column(name)

    def __len__(self) -> int:
        return len(self.chunk)
