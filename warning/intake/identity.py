"""Ids, keys and digests of tickets: 64-bit XXH3 hashes, the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from xxhash import xxh3_64_intdigest

from warning.intake.names import clean_name, is_formula, text_of_formula

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from warning.intake.columns import HashArray, IntArray

SEPARATOR = "\x1f"
"""ASCII unit separator: it is a control character, and those are cleaned out of every field that is hashed."""

_NEEDS_CARE = r"^[=+@-]|[^!-~]"
_EMPTY = ("", "nan", "NaN", "NAN", "null", "NULL")


def key_of(source: str, ticket_id: str) -> int:
    """Hash (source, ticket id): what makes two rows tell of one ticket."""
    return xxh3_64_intdigest(f"{source}{SEPARATOR}{ticket_id}".encode())


def keys_of(source: str, ticket_ids: pl.Series) -> HashArray:
    """Hash each ticket id as ``key_of`` does."""
    head = f"{source}{SEPARATOR}"
    return _hashes((head + ticket_ids).cast(pl.Binary).to_list(), len(ticket_ids))


def digests_of(columns: Sequence[pl.Series]) -> HashArray:
    """Hash each row's content, column by column in the given order."""
    frame = pl.DataFrame([column.alias(str(index)) for index, column in enumerate(columns)])
    joined = frame.select(pl.concat_str(pl.all(), separator=SEPARATOR, ignore_nulls=False).fill_null("")).to_series()
    return _hashes(joined.cast(pl.Binary).to_list(), len(joined))


def clean_ids(columns: Sequence[pl.Series]) -> pl.Series:
    """Write ids as text, several columns joined by a dash; empty cells are "", a formula stays as it is."""
    cells = [column.fill_null("").str.strip_chars() for column in columns]
    ids = (
        cells[0] if len(cells) == 1 else pl.DataFrame(cells).select(pl.concat_str(pl.all(), separator="-")).to_series()
    )
    ids = ids.set(ids.is_in(_EMPTY), "")
    rare = ids.str.contains(_NEEDS_CARE).arg_true()
    return ids.scatter(rare, [_clean_id(value) for value in ids.gather(rare).to_list()]) if len(rare) else ids


def digest_ids(digests: IntArray | HashArray) -> list[str]:
    """Name tickets that have no id after their content, so that the same row read twice is one ticket."""
    return [f"row-{digest:016x}" for digest in digests.tolist()]


def _clean_id(value: str) -> str:
    text = text_of_formula(value)
    if text is None and is_formula(value):
        return value
    return clean_name(value if text is None else text)


def _hashes(encoded: Iterable[bytes], count: int) -> HashArray:
    return np.fromiter(map(xxh3_64_intdigest, encoded), dtype=np.uint64, count=count)
