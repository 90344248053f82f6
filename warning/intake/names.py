"""Names of categories, departments, channels and areas: one spelling each; and dictionary encoding."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from warning.domain.area import SEPARATOR
from warning.intake.columns import CodeArray, Dictionary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.intake.columns import IntArray

MAX_NAME = 200
"""Longest name of a category, department, channel or area, and longest ticket id: beyond it, it is a text."""

JOINER = " / "

_FORMULA = re.compile(r"=|[+@-]\s*[A-Za-z_]+\s*[(|!]")
_TEXT_FORMULA = re.compile(r'="([^"=+@-][^"]*)"')
_NULLS = ("", "nan", "NaN", "NAN", "null", "NULL")
_SPREADSHEET_ERRORS = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")
_NOTHING = frozenset((*_NULLS, *_SPREADSHEET_ERRORS))


def clean_name(cell: str) -> str:
    """Write a name in NFKC, trimmed, inner white space collapsed, without control characters."""
    if cell.isascii() and cell.isprintable() and "  " not in cell:
        return cell.strip()
    text = unicodedata.normalize("NFKC", cell)
    printable = "".join(" " if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} else char for char in text)
    return " ".join(printable.split())


def area_name(cell: str) -> str:
    """Clean a name of an area, which may not contain the path's separator."""
    return clean_name(cell).replace(SEPARATOR, "-")


def is_formula(cell: str) -> bool:
    """Whether a spreadsheet would execute the cell."""
    return _FORMULA.match(cell.lstrip()) is not None


def text_of_formula(cell: str) -> str | None:
    """Return the text of ``="00123"``, the formula that exports write to keep leading zeros; None if it is another."""
    found = _TEXT_FORMULA.fullmatch(cell.strip())
    return found.group(1) if found else None


def is_nothing(name: str) -> bool:
    """Whether a cleaned name only says that there is none: empty, a null's spelling, or a failed formula's error."""
    return name in _NOTHING


def encode(cells: pl.Series) -> Dictionary:
    """Dictionary-encode a String series; null is ""."""
    filled = cells.fill_null("")
    values = filled.unique(maintain_order=True)
    codes = filled.cast(pl.Enum(values)).to_physical().to_numpy().astype(np.int32)
    return Dictionary(codes, values.to_list())


def encode_together(columns: Sequence[pl.Series], rows: int) -> tuple[IntArray, list[tuple[str, ...]]]:
    """Dictionary-encode rows of several columns: codes (rows,) into a list of distinct tuples of cells."""
    combined = np.zeros(rows, dtype=np.int64)
    distinct: list[tuple[str, ...]] = [()]
    for cells in columns:
        column = encode(cells)
        pairs, combined = np.unique(combined * len(column.values) + column.codes, return_inverse=True)
        heads, tails = np.divmod(pairs, max(len(column.values), 1))
        distinct = [
            (*distinct[head], column.values[tail]) for head, tail in zip(heads.tolist(), tails.tolist(), strict=True)
        ]
    return combined, distinct


def relabel(codes: IntArray | CodeArray, labels: Sequence[str]) -> Dictionary:
    """Give each code its label, merging codes whose labels are the same."""
    position: dict[str, int] = {}
    merged = np.array([position.setdefault(label, len(position)) for label in labels], dtype=np.int32)
    return Dictionary(merged[codes] if len(labels) else codes.astype(np.int32), list(position))
