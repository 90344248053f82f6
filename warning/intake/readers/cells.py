"""Cells of any type -> text, with the damage found on the way."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, cast

import polars as pl

from warning.domain.reject import RejectReason
from warning.intake.raw import Flaw
from warning.intake.readers.records import FIELD_LIMIT
from warning.intake.readers.sniff import UNDECODABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
DAMAGE = {UNDECODABLE: RejectReason.UNDECODABLE_TEXT, "\0": RejectReason.UNREADABLE_ROW}

EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet's dates carry no zone
EXCEL_DAYS = 120_000
"""Serial dates up to the year 2228; a larger number is no date."""


class WrongTypeError(TypeError):
    """A cell holds what is neither text, number nor time."""


def text_series(name: str, values: Sequence[object], flaws: list[Flaw], *, serial_dates: bool = False) -> pl.Series:
    """Write values as a String series; lists, objects, booleans and the like become flaws.

    ``serial_dates`` reads bare numbers as a spreadsheet's dates.
    """
    if set(map(type, values)) <= {str, NoneType}:
        return _checked(name, cast("Sequence[str | None]", values), flaws)
    texts: list[str | None] = []
    for index, value in enumerate(values):
        try:
            texts.append(text_of(value, serial_dates=serial_dates))
        except WrongTypeError:
            flaws.append(Flaw(index, name, RejectReason.BAD_TYPE, repr(value)[:200]))
            texts.append(None)
    return _checked(name, texts, flaws)


def _checked(name: str, texts: Sequence[str | None], flaws: list[Flaw]) -> pl.Series:
    """Look for damage, unless a look at all the text together shows that there can be none: few rows cost little."""
    cells = pl.Series(name, texts, dtype=pl.String)
    together = "".join(filter(None, texts))
    if len(together) <= FIELD_LIMIT and not any(mark in together for mark in DAMAGE):
        return cells
    return without_damage(cells, name, flaws)


def text_of(value: object, *, serial_dates: bool = False) -> str | None:
    """Write one value as text, None for nothing; raises WrongTypeError for what no field can be."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        raise WrongTypeError
    if isinstance(value, int | float | Decimal):
        return (
            _number(float(value), serial_dates=serial_dates)
            if not isinstance(value, int)
            else _whole(value, serial_dates)
        )
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo is not None else value
        return moment.isoformat(sep=" ", timespec="milliseconds")
    if isinstance(value, date):
        return f"{value.isoformat()} 00:00:00"
    raise WrongTypeError


def without_damage(cells: pl.Series, name: str, flaws: list[Flaw]) -> pl.Series:
    """Note cells with NUL or undecodable bytes, and write a replacement character there; note cells too long."""
    long = (cells.str.len_chars() > FIELD_LIMIT).fill_null(value=False).arg_true().to_list()
    flaws += [Flaw(index, name, RejectReason.FIELD_TOO_LONG, cells[index][:200]) for index in long]
    damaged = cells.str.contains(f"[{UNDECODABLE}\\x00]").fill_null(value=False).arg_true().to_list()
    if not damaged:
        return cells
    found: list[str] = [cells[index] for index in damaged]
    for index, cell in zip(damaged, found, strict=True):
        reason = next(reason for mark, reason in DAMAGE.items() if mark in cell)
        flaws.append(Flaw(index, name, reason, cell))
    clean = [cell.replace(UNDECODABLE, REPLACEMENT).replace("\0", REPLACEMENT) for cell in found]
    return cells.scatter(damaged, clean)


def _whole(value: int, serial_dates: bool) -> str:
    return _number(float(value), serial_dates=True) or "" if serial_dates else str(value)


def _number(value: float, *, serial_dates: bool) -> str | None:
    if math.isnan(value):
        return None
    if math.isinf(value):
        raise WrongTypeError
    if serial_dates and 1 <= value <= EXCEL_DAYS:
        moment = EXCEL_EPOCH + timedelta(days=value)
        return (moment + timedelta(microseconds=500)).isoformat(sep=" ", timespec="milliseconds")
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
