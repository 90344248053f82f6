"""Name fields (category, department, channel) of a chunk, and its areas."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from warning.domain.reject import RejectReason
from warning.intake.columns import Dictionary
from warning.intake.names import (
    JOINER,
    MAX_NAME,
    clean_name,
    encode_together,
    is_formula,
    is_nothing,
    relabel,
    text_of_formula,
)
from warning.intake.redact import redact_text

if TYPE_CHECKING:
    from warning.intake.areas import AreaReader
    from warning.intake.mapping import NameField
    from warning.intake.work import Work


class Label(NamedTuple):
    """A cleaned name, or why there is none."""

    name: str
    refused: RejectReason | None = None


def read_names(work: Work, field_name: str, field: NameField | None, *, required: bool = False) -> Dictionary:
    """Return the names of a field; where one cannot be, a required field refuses the row, another is left empty."""
    if field is None or field.fixed is not None:
        name = "" if field is None or field.fixed is None else clean_name(field.fixed)
        return Dictionary(np.zeros(len(work), dtype=np.int32), [name])
    codes, cells = encode_together([work.column(column) for column in field.sources()], len(work))
    labels = [_label(parts) for parts in cells]
    for reason in {label.refused for label in labels if label.refused is not None}:
        rows = np.array([label.refused is reason for label in labels], dtype=np.bool_)[codes]
        if required:
            work.refusals.mark(rows, field_name, reason)
        elif reason is not RejectReason.MISSING_REQUIRED:
            work.repairs.mark(rows, field_name, reason.value)
    return relabel(codes, [label.name for label in labels])


def coalesced(first: Dictionary, second: Dictionary) -> Dictionary:
    """Return the first name of each row, or the second where the first is empty."""
    empty = np.array([not name for name in first.values], dtype=np.bool_)[first.codes]
    codes = np.where(empty, second.codes + len(first.values), first.codes)
    return relabel(codes, first.values + second.values)


def read_areas(work: Work, reader: AreaReader, columns: list[str]) -> Dictionary:
    """Return the area path of each row, with the mapping's repairs counted by rule."""
    codes, cells = encode_together([work.column(column) for column in columns], len(work))
    places = [reader.read(parts) for parts in cells]
    for rule in sorted({rule for place in places for rule in place.rules}):
        rows = np.array([rule in place.rules for place in places], dtype=np.bool_)[codes]
        work.repairs.mark(rows, "area", rule)
    for reason in {place.refused for place in places if place.refused is not None}:
        rows = np.array([place.refused is reason for place in places], dtype=np.bool_)[codes]
        work.refusals.mark(rows, "area", reason)
    return relabel(codes, [place.path for place in places])


def _label(cells: tuple[str, ...]) -> Label:
    names: list[str] = []
    for cell in cells:
        value = cell
        if is_formula(cell):
            inner = text_of_formula(cell)
            if inner is None:
                return Label("", RejectReason.FORMULA_CELL)
            value = inner
        name = clean_name(value)
        if not is_nothing(name):
            names.append(name)
    label = redact_text(JOINER.join(names))
    if len(label) > MAX_NAME:
        return Label("", RejectReason.TOO_LONG_NAME)
    return Label(label, None if label else RejectReason.MISSING_REQUIRED)
