"""Small statements that are all over the store, in the words of whichever database it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import xxhash
from sqlalchemy import Column, Connection, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

T = TypeVar("T")
Insert = sqlite.Insert | postgresql.Insert

LARGEST = 2**63 - 1
"""The largest whole number either database knows; no row has an id beyond it."""

PARAMETERS = 500
"""Values in one IN list: well within what either database allows, and enough to make round trips few."""


_INDEXED = 600
"""Bytes of a text in an index: one of PostgreSQL's takes no more than 2,700 in a row."""


def indexed(text: str) -> str:
    """Return a text as it is looked up by: an overlong one as its beginning and a hash."""
    data = text.encode(errors="replace")
    if len(data) <= _INDEXED * 3:
        return text
    return f"{data[:_INDEXED].decode(errors='ignore')}…{xxhash.xxh3_128_hexdigest(data)}"


def insert(connection: Connection, table: Table) -> Any:
    """Return an INSERT that knows ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def upsert(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, keep: Iterable[str] = ()
) -> None:
    """Insert rows; one with the primary key of an older row replaces it, except for the columns to ``keep``."""
    if not rows:
        return
    statement = insert(connection, table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in {*keys, *keep}}
    if changed:
        statement = statement.on_conflict_do_update(index_elements=keys, set_=changed)
    else:
        statement = statement.on_conflict_do_nothing(index_elements=keys)
    connection.execute(statement, rows)


def bounds(connection: Connection, column: Column[int]) -> tuple[int, int]:
    """Return the least and largest of an indexed column; (0, 0) for an empty table.

    Asked for one at a time: SQLite looks up the end of an index for either alone, and reads the whole table for both.
    """
    least, largest = (select(end(column)).scalar_subquery() for end in (func.min, func.max))
    row = connection.execute(select(least, largest)).one()
    return row[0] or 0, row[1] or 0


def chunks(items: Sequence[T], size: int = PARAMETERS) -> Iterator[Sequence[T]]:
    """Yield a sequence in parts."""
    for first in range(0, len(items), size):
        yield items[first : first + size]
