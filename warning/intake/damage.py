"""Cells that the reader found damaged: what each means for the fields that read it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from warning.domain.reject import RejectReason
from warning.intake.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warning.intake.raw import Flaw, RawChunk

ESSENTIAL = ("created_at", "category", "ticket_id")
"""A row is refused when one of these fields is damaged; in the others the cell is emptied and counted."""

READABLE = frozenset({RejectReason.UNDECODABLE_TEXT, RejectReason.FORMULA_CELL})
"""Damage that leaves a text worth keeping: a replacement character in it, or a formula's text."""


def settle_flaws(chunk: RawChunk, sources: Mapping[str, tuple[str, ...]]) -> Work:
    """Begin work on a chunk: refuse rows with damage in an essential field, empty damaged cells of the others."""
    work = Work.on(chunk)
    emptied: dict[str, list[int]] = {}
    for flaw in chunk.flaws:
        readers = [name for name, columns in sources.items() if flaw.column in columns]
        essential = next((name for name in ESSENTIAL if name in readers), None)
        if essential is not None:
            work.refusals.mark_one(flaw.index, essential, flaw.reason, flaw.value)
        elif readers:
            _repair(work, flaw, readers[0])
            if readers != ["text"] or flaw.reason not in READABLE:
                emptied.setdefault(flaw.column, []).append(flaw.index)
    if not emptied:
        return work
    columns = {name: chunk.columns[name].scatter(rows, None) for name, rows in emptied.items()}
    return replace(work, chunk=replace(chunk, columns=chunk.columns | columns))


def _repair(work: Work, flaw: Flaw, field: str) -> None:
    row = np.zeros(len(work), dtype=np.bool_)
    row[flaw.index] = True
    work.repairs.mark(row, field, flaw.reason.value)
