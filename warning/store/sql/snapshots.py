"""Snapshots of the engine: compressed, in parts, the newest few."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, func, select

from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.tables import snapshots

_PART = 64 << 20
"""Bytes in a row: a value of a gigabyte is more than either database takes."""
_LEVEL = 1
"""Higher levels take several times as long and save little: most of it is hashes and counts."""


@dataclass(frozen=True, slots=True)
class Packed:
    """A snapshot as it is stored."""

    parts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A stored snapshot: the state after the log record at ``position``."""

    position: int
    era: int
    taken_at: datetime
    payload: bytes


def pack(payload: bytes) -> Packed:
    """Compress a snapshot: to be done before the transaction that stores it, so that no other write waits for it."""
    return Packed(tuple(_parts(zlib.compress(payload, _LEVEL))))


class SqlSnapshots:
    """Where the engine's state is kept between runs."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, connection: Connection, position: int, era: int, payload: bytes | Packed, taken_at: int) -> None:
        """Store the state after a log position, taken at a time (milliseconds); replaces one of the same position."""
        parts = (payload if isinstance(payload, Packed) else pack(payload)).parts
        same = {"era": era, "position": position, "taken_at": moment_of_ms(taken_at)}
        connection.execute(delete(snapshots).where(_is(era, position)))
        for number, part in enumerate(parts):
            connection.execute(snapshots.insert(), same | {"part": number, "payload": part})

    def latest(self, era: int) -> Kept | None:
        """Return the newest snapshot of an era."""
        with self._database.read() as connection:
            position = connection.execute(select(func.max(snapshots.c.position)).where(snapshots.c.era == era)).scalar()
            if position is None:
                return None
            wanted = select(snapshots).where(_is(era, position)).order_by(snapshots.c.part)
            rows = connection.execute(wanted).all()
        return _kept(rows)

    def prune(self, connection: Connection, era: int, keep: int = 2) -> None:
        """Delete all but the newest snapshots of an era, and those of other eras if this one has any."""
        positions = (
            connection.execute(
                select(snapshots.c.position)
                .where(snapshots.c.era == era)
                .distinct()
                .order_by(snapshots.c.position.desc())
            )
            .scalars()
            .all()
        )
        if positions:
            oldest = positions[:keep][-1]
            old = (snapshots.c.era != era) | (snapshots.c.position < oldest)
            connection.execute(delete(snapshots).where(old))


def _is(era: int, position: int) -> ColumnElement[bool]:
    return and_(snapshots.c.era == era, snapshots.c.position == position)


def _kept(rows: Any) -> Kept:
    first = rows[0]
    payload = zlib.decompress(b"".join(row.payload for row in rows))
    return Kept(position=first.position, era=first.era, taken_at=first.taken_at, payload=payload)


def _parts(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), _PART):
        yield data[start : start + _PART]
