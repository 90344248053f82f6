"""Cells with times -> milliseconds of the epoch, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warning.intake.mapping import EPOCH_MILLISECONDS, EPOCH_SECONDS, EXCEL_SERIAL, NUMERIC_FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from warning.intake.columns import IntArray

BoolArray = NDArray[np.bool_]

ISO_FORMATS = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M%#z")
"""Tried after the mapping's own formats, on the cells that none of them read. A date alone is no time: rows without
a time of day would all count at midnight, so a mapping has to ask for it."""

ZONE_DIRECTIVES = ("%z", "%:z", "%#z", "%::z")
EXCEL_EPOCH_MS = -2_209_161_600_000
"""1899-12-30 00:00, from which spreadsheets count days."""
EXCEL_RANGE = (1.0, 120_000.0)
"""Serial days that can be dates at all: 1900 to 2228."""
NOTHING = ("", "nan", "NaN", "NAN", "NaT", "null", "NULL", "None", "N/A", "#N/A", "-", "--", "/")
"""How exports write that there is no time."""
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Times:
    """Times of n cells.

    ms : int64 (n,), 0 where there is none
    missing, bad, nonexistent : bool (n,), why there is none: an empty cell, an unreadable one, a local time that
        the zone's clocks skipped
    ambiguous : bool (n,), local times that the clocks showed twice; the first is taken
    """

    ms: IntArray
    missing: BoolArray
    bad: BoolArray
    nonexistent: BoolArray
    ambiguous: BoolArray

    @property
    def known(self) -> BoolArray:
        """Where there is a time."""
        return ~(self.missing | self.bad | self.nonexistent)


def no_times(rows: int) -> Times:
    """Return the times of a field that the source does not have."""
    nowhere = np.zeros(rows, dtype=np.bool_)
    return Times(np.zeros(rows, dtype=np.int64), ~nowhere, nowhere, nowhere, nowhere)


def parse_times(cells: pl.Series, formats: Sequence[str], zone: str) -> Times:
    """Read times with the first format that fits each cell; a zone in the cell wins over ``zone``."""
    texts = cells.str.strip_chars()
    texts = texts.set(texts.is_in(NOTHING), None)
    ms = pl.repeat(None, len(texts), dtype=pl.Int64, eager=True)
    nonexistent = np.zeros(len(texts), dtype=np.bool_)
    ambiguous = np.zeros(len(texts), dtype=np.bool_)
    for parsed in _attempts(texts, formats, zone):
        ms = ms.fill_null(parsed.ms)
        nonexistent |= parsed.nonexistent
        ambiguous |= parsed.ambiguous
    missing = texts.is_null().to_numpy()
    bad = ms.is_null().to_numpy() & ~missing & ~nonexistent
    return Times(ms.fill_null(0).to_numpy().copy(), missing, bad, nonexistent, ambiguous)


@dataclass(frozen=True, slots=True)
class _Parsed:
    """What one format made of all cells; null where it did not fit."""

    ms: pl.Series
    nonexistent: BoolArray
    ambiguous: BoolArray


def _attempts(texts: pl.Series, formats: Sequence[str], zone: str) -> Iterator[_Parsed]:
    rest = texts
    for number, pattern in enumerate((*formats, *ISO_FORMATS)):
        if rest.null_count() == len(rest):
            return
        if number == len(formats):
            rest = _iso_spelling(rest)
        parsed = _parse(rest, pattern, zone)
        yield parsed
        rest = rest.set(parsed.ms.is_not_null() | pl.Series(parsed.nonexistent), None)


def _parse(texts: pl.Series, pattern: str, zone: str) -> _Parsed:
    nowhere = np.zeros(len(texts), dtype=np.bool_)
    if pattern == EXCEL_SERIAL:
        return _localised(_serial_days(texts), zone)
    if pattern in NUMERIC_FORMATS:
        return _Parsed(_epoch(texts, pattern), nowhere, nowhere)
    if any(directive in pattern for directive in ZONE_DIRECTIVES):
        utc = texts.str.strptime(pl.Datetime("ms", "UTC"), pattern, strict=False)
        return _Parsed(utc.dt.timestamp("ms"), nowhere, nowhere)
    return _localised(texts.str.strptime(pl.Datetime("ms"), pattern, strict=False), zone)


def _localised(naive: pl.Series, zone: str) -> _Parsed:
    first = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    last = naive.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    ms = first.dt.timestamp("ms")
    nonexistent = (naive.is_not_null() & first.is_null()).to_numpy()
    ambiguous = (ms != last.dt.timestamp("ms")).fill_null(value=False).to_numpy()
    return _Parsed(ms, nonexistent, ambiguous)


def _serial_days(texts: pl.Series) -> pl.Series:
    days = texts.cast(pl.Float64, strict=False)
    days = days.set(~days.is_between(*EXCEL_RANGE).fill_null(value=False), None)
    return ((days * DAY_MS).round() + EXCEL_EPOCH_MS).cast(pl.Int64).cast(pl.Datetime("ms"))


def _epoch(texts: pl.Series, pattern: str) -> pl.Series:
    scale = {EPOCH_SECONDS: 1000.0, EPOCH_MILLISECONDS: 1.0}[pattern]
    numbers = texts.cast(pl.Float64, strict=False) * scale
    numbers = numbers.set((~numbers.is_finite() | (numbers.abs() > 1e15)).fill_null(value=True), None)
    return numbers.round().cast(pl.Int64)


def _iso_spelling(texts: pl.Series) -> pl.Series:
    """Write the T of ISO 8601 as a space and its zone's names as an offset, so that few formats read them all."""
    spaced = texts.str.replace(r"^(\d{4}-\d{2}-\d{2})[Tt]", "${1} ")
    return spaced.str.replace(r"\s*(?:[Zz]|UTC|GMT)$", "+00:00").str.replace(r"\s+([+-]\d{2}:?\d{2})$", "${1}")
