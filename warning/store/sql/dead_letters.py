"""Refused items, and their originals for as long as the quarantine keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from warning.domain.reject import Reject, RejectReason
from warning.intake.identity import key_of
from warning.service.errors import BadInputError
from warning.service.ports import DeadLetter, Page
from warning.store.sql.bodies import from_body, to_body
from warning.store.sql.database import Database
from warning.store.sql.moments import Moment
from warning.store.sql.statements import LARGEST, chunks
from warning.store.sql.tables import dead_letters, origins, quarantine, quarantine_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An item to keep as a dead letter; of ``ticket_id`` (empty where none could be read) only a hash is kept."""

    source: str
    ticket_id: str
    reject: Reject
    original: bytes


class SqlDeadLetters:
    """Implements :class:`warning.service.ports.DeadLetterStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, connection: Connection, refused: Sequence[Refused], at: datetime, until: datetime) -> list[int]:
        """Keep refused items, and their originals (if they have one) until then; returns their ids."""
        ids = []
        for item in refused:
            key = connection.execute(dead_letters.insert(), _letter_row(item, at)).inserted_primary_key
            ids += [] if key is None else [key[0]]
        originals = [
            {"letter_id": letter, "until": until, "original": item.original}
            for letter, item in zip(ids, refused, strict=True)
            if item.original
        ]
        if originals:
            connection.execute(quarantine.insert(), originals)
        return ids

    def find(
        self, *, source: str = "", reason: RejectReason | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeadLetter]:
        columns = dead_letters.c
        wanted = _letters().order_by(columns.id.desc()).limit(limit + 1)
        if source:
            wanted = wanted.where(columns.source == source)
        if reason is not None:
            wanted = wanted.where(columns.reason == reason.value)
        if cursor is not None:
            wanted = wanted.where(columns.id < _read_cursor(cursor))
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
        page = tuple(_letter(row) for row in rows[:limit])
        return Page(page, str(page[-1].id) if len(rows) > limit else None)

    def get(self, ids: Sequence[int]) -> list[DeadLetter]:
        """Return those letters that there are, in the order asked for."""
        found: dict[int, DeadLetter] = {}
        with self._database.read() as connection:
            for part in chunks([letter for letter in ids if abs(letter) <= LARGEST]):
                rows = connection.execute(_letters().where(dead_letters.c.id.in_(part)))
                found |= {row.id: _letter(row) for row in rows}
        return [found[letter] for letter in ids if letter in found]

    def original(self, letter_id: int, *, reader: str, at: datetime) -> bytes | None:
        wanted = select(quarantine.c.original).where(
            quarantine.c.letter_id == min(letter_id, LARGEST), quarantine.c.until > at
        )
        with self._database.write() as connection:
            original: bytes | None = connection.execute(wanted).scalar()
            if original is not None:
                row = {"letter_id": letter_id, "reader": reader, "at": at}
                connection.execute(quarantine_reads.insert(), row)
        return original

    def mark_replayed(self, connection: Connection, ids: Sequence[int], at: datetime) -> None:
        """Note that letters were sent through intake again and accepted."""
        for part in chunks(ids):
            connection.execute(update(dead_letters).where(dead_letters.c.id.in_(part)).values(replayed_at=at))

    def counts(self) -> dict[tuple[str, RejectReason], int]:
        columns = dead_letters.c
        wanted = select(columns.source, columns.reason, func.count()).group_by(columns.source, columns.reason)
        with self._database.read() as connection:
            return {
                (source, RejectReason(reason)): count
                for source, reason, count in connection.execute(wanted.order_by(columns.source, columns.reason))
            }


def _letters() -> Any:
    until = func.coalesce(quarantine.c.until, origins.c.until, type_=Moment()).label("until")
    return (
        select(dead_letters, until).outerjoin(quarantine).outerjoin(origins, origins.c.letter_id == dead_letters.c.id)
    )


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        at=row.at,
        source=row.source,
        reject=from_body(row.body, Reject),
        replayed_at=row.replayed_at,
        original_until=row.until,
    )


def _letter_row(item: Refused, at: datetime) -> dict[str, Any]:
    return {
        "at": at,
        "source": item.source,
        "ticket_key": ticket_key(item.source, item.ticket_id) if item.ticket_id else None,
        "reason": item.reject.reason.value,
        "body": to_body(item.reject),
    }


def ticket_key(source: str, ticket_id: str) -> int:
    """Hash the id an item gave itself, which nobody has looked through for personal data, to find the item by it."""
    key = key_of(source, ticket_id)
    return key - (key >> 63 << 64)  # as the databases' signed numbers have it


def _read_cursor(cursor: str) -> int:
    if not (cursor.isascii() and cursor.isdigit()) or len(cursor) > 18:
        raise BadInputError(
            "cursor",
            "does not belong to this list",
            "Begin again without a cursor.",
            "cursor: 游标不属于本次查询。请去掉 cursor 从头开始。",
        )
    return int(cursor)
