"""Snapshots of the stages of a cluster: each scope's newest two, only forward, and never one that was damaged."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import xxhash
from sqlalchemy import Connection, delete, select

from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.snapshots import Kept, Packed
from warning.store.sql.tables import stage_snapshots as table

KEPT = 2
"""The newest may turn out damaged; then the log is read from the one before."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """Where the newest snapshot of a scope is."""

    era: int
    position: int
    taken_at: datetime


class StageSnapshots:
    """States of stages by scope (a partition of a topic, the jurisdiction), era and position (the next offset)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, scope: str, era: int, position: int, payload: Packed, taken_at_ms: int) -> bool:
        """Store a state, unless the scope has one of this position, a later one or a newer era.

        Then it returns False and changes nothing: whoever has the scope now is ahead. Older states but one go, and
        those of older eras.
        """
        with self._database.write(alone=False) as connection:
            self._database.place.lock(connection, f"snapshot {scope}")
            newest = _newest(connection, scope)
            if newest is not None and newest >= (era, position):
                return False
            _insert(connection, (scope, era, position), payload, moment_of_ms(taken_at_ms))
            _prune(connection, scope, era)
        return True

    def candidates(self, scope: str, era: int) -> Iterator[Kept]:
        """Yield the states of a scope and era, newest first; one that was damaged is passed over, and told of."""
        wanted = (
            select(table.c.position)
            .where(table.c.scope == scope, table.c.era == era)
            .distinct()
            .order_by(table.c.position.desc())
        )
        with self._database.read() as connection:
            positions = connection.execute(wanted).scalars().all()
        for position in positions:
            kept = self._load(scope, era, position)
            if kept is not None:
                yield kept

    def positions(self, prefix: str = "") -> dict[str, Newest]:
        """Return, of each scope whose name begins so, where its newest state is."""
        wanted = (
            select(table.c.scope, table.c.era, table.c.position, table.c.taken_at)
            .where(table.c.part == 0, table.c.scope.startswith(prefix, autoescape=True))
            .order_by(table.c.scope, table.c.era, table.c.position)
        )
        with self._database.read() as connection:
            return {
                row.scope: Newest(era=row.era, position=row.position, taken_at=row.taken_at)
                for row in connection.execute(wanted)
            }

    def _load(self, scope: str, era: int, position: int) -> Kept | None:
        wanted = (
            select(table)
            .where(table.c.scope == scope, table.c.era == era, table.c.position == position)
            .order_by(table.c.part)
        )
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        if not rows:  # it was the oldest, and went meanwhile
            return None
        data = b"".join(row.payload for row in rows)
        if _digest(data) != rows[0].digest:
            _LOG.warning("a snapshot is damaged", extra={"scope": scope, "era": era, "position": position})
            return None
        return Kept(position=position, era=era, taken_at=rows[0].taken_at, payload=zlib.decompress(data))


def _newest(connection: Connection, scope: str) -> tuple[int, int] | None:
    wanted = (
        select(table.c.era, table.c.position)
        .where(table.c.scope == scope)
        .order_by(table.c.era.desc(), table.c.position.desc())
        .limit(1)
    )
    row = connection.execute(wanted).one_or_none()
    return None if row is None else (row.era, row.position)


def _insert(connection: Connection, which: tuple[str, int, int], payload: Packed, taken_at: datetime) -> None:
    scope, era, position = which
    same: dict[str, Any] = {"scope": scope, "era": era, "position": position, "taken_at": taken_at}
    same["digest"] = _digest(*payload.parts)
    for number, part in enumerate(payload.parts):
        connection.execute(table.insert(), same | {"part": number, "payload": part})


def _prune(connection: Connection, scope: str, era: int) -> None:
    mine = (table.c.scope == scope, table.c.era == era)
    kept: Sequence[int] = (
        connection.execute(
            select(table.c.position).where(*mine).distinct().order_by(table.c.position.desc()).limit(KEPT)
        )
        .scalars()
        .all()
    )
    old = (table.c.era != era) | (table.c.position < min(kept))
    connection.execute(delete(table).where(table.c.scope == scope, old))


def _digest(*parts: bytes) -> str:
    digest = xxhash.xxh3_128()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()
