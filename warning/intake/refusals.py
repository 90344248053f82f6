"""Which rows of a chunk are refused, by the first reason found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from warning.domain.reject import Reject, RejectReason
from warning.intake.advice import ADVICE
from warning.intake.redact import redact_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from warning.intake.columns import IntArray
    from warning.intake.times import BoolArray

MAX_VALUE = 80
"""Longest cell text shown in a rejection: enough to recognise it."""
_LOOKED_AT = 64 * MAX_VALUE
"""A number cut here cannot be shown: of what comes before it more is left, however much of it is redacted."""


def shown(value: str) -> str:
    """Redact a cell and cut it to a readable length."""
    text = redact_text(value[:_LOOKED_AT])
    printable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text.strip())
    return printable if len(printable) <= MAX_VALUE else printable[: MAX_VALUE - 1] + "…"


def make_reject(source: str, row: int, field: str, reason: RejectReason, value: str = "") -> Reject:
    """Build a rejection with its advice in both languages."""
    zh, en = ADVICE[reason]
    return Reject(source=source, row=row, field=field, reason=reason, advice_zh=zh, advice_en=en, value=shown(value))


class Refusals:
    """Marks rows of a chunk of n rows as refused; the first mark of a row stays."""

    def __init__(self, rows: int) -> None:
        self._cause = np.zeros(rows, dtype=np.int64)
        self._causes: list[tuple[str, RejectReason]] = []
        self._values: dict[int, str] = {}

    def mark(self, rows: BoolArray, field: str, reason: RejectReason) -> None:
        """Refuse the rows of a mask."""
        fresh = rows & (self._cause == 0)
        if fresh.any():
            self._causes.append((field, reason))
            self._cause[fresh] = len(self._causes)

    def mark_one(self, index: int, field: str, reason: RejectReason, value: str) -> None:
        """Refuse one row, with the value to show."""
        if self._cause[index] == 0:
            self._causes.append((field, reason))
            self._cause[index] = len(self._causes)
            self._values[index] = value

    @property
    def kept(self) -> BoolArray:
        """Rows without a mark."""
        kept: BoolArray = self._cause == 0
        return kept

    def rejects(self, source: str, rows: IntArray, value_of: Callable[[str, int], str]) -> list[Reject]:
        """Return a rejection per marked row; ``value_of(field, index)`` finds the cell to show."""
        found: list[Reject] = []
        for index in np.flatnonzero(self._cause).tolist():
            field, reason = self._causes[self._cause[index] - 1]
            value = self._values.get(index)
            found.append(
                make_reject(source, int(rows[index]), field, reason, value_of(field, index) if value is None else value)
            )
        return found
