"""Cells that the reader found damaged: what each means for the fields that read it."""

from __future__ import annotations

from collections import defaultdict
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

READABLE = frozenset({RejectReason.UNDECODABLE_TEXT, RejectReason.UNREADABLE_ROW})
"""Damage that leaves a text worth keeping: it has a replacement character in it."""


def settle_flaws(chunk: RawChunk, sources: Mapping[str, tuple[str, ...]]) -> Work:
    """Begin work on a chunk: refuse rows with damage in an essential field, empty damaged cells of the others."""
    work = Work.on(chunk)
    readers = {column: [name for name, read in sources.items() if column in read] for column in chunk.columns}
    repaired: dict[tuple[str, str], list[int]] = defaultdict(list)
    emptied: dict[str, list[int]] = defaultdict(list)
    for cell in chunk.mended:
        for name in readers[cell.column][:1]:
            repaired[name, cell.rule].append(cell.index)
    for flaw in chunk.flaws:
        fields = readers[flaw.column]
        essential = _essential(flaw, fields)
        if essential is not None:
            work.refusals.mark_one(flaw.index, essential, flaw.reason, flaw.value)
        elif fields:
            repaired[fields[0], flaw.reason.value].append(flaw.index)
            if fields != ["text"] or flaw.reason not in READABLE:
                emptied[flaw.column].append(flaw.index)
    for (name, rule), rows in repaired.items():
        work.repairs.mark(np.isin(np.arange(len(chunk)), rows), name, rule)
    columns = {name: chunk.columns[name].scatter(rows, None) for name, rows in emptied.items()}
    return replace(work, chunk=replace(chunk, columns=chunk.columns | columns))


def _essential(flaw: Flaw, fields: list[str]) -> str | None:
    """Name the field for whose sake the row is refused; a cell that is too long is no ticket's, whatever reads it."""
    if flaw.reason is RejectReason.FIELD_TOO_LONG and fields:
        return fields[0]
    return next((name for name in ESSENTIAL if name in fields), None)
