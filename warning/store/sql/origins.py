"""Refused items whose originals stand in a topic: what is filed of them, and where they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, select

from warning.domain.reject import Reject
from warning.store.sql.bodies import from_body, to_body
from warning.store.sql.database import Database
from warning.store.sql.statements import LARGEST, chunks
from warning.store.sql.tables import dead_letters, origins, quarantine_reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A record of a topic, and until when it may be read."""

    topic: str
    partition: int
    offset: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Filed:
    """A refused item; ``ticket_key`` is a hash of the id that it gave itself, if it did."""

    at: datetime
    source: str
    reject: Reject
    ticket_key: int | None
    origin: Origin


class _Same(NamedTuple):
    """What makes two refusals one."""

    topic: str
    partition: int
    position: int
    ticket_key: int | None
    reject: Reject


def _bare(reject: Reject) -> Reject:
    return replace(reject, advice_zh="", advice_en="")


class SqlOrigins:
    """Where originals stand."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def file(self, connection: Connection, items: Sequence[Filed]) -> list[int]:
        """Keep refused items and where their originals are; returns their ids."""
        ids: list[int] = []
        for item in items:
            row = {
                "at": item.at,
                "source": item.source,
                "ticket_key": item.ticket_key,
                "reason": item.reject.reason.value,
                "body": to_body(item.reject),
            }
            key = connection.execute(dead_letters.insert(), row).inserted_primary_key
            ids += [] if key is None else [key[0]]
        places = [
            {
                "letter_id": letter,
                "topic": item.origin.topic,
                "partition": item.origin.partition,
                "position": item.origin.offset,
                "until": item.origin.until,
            }
            for letter, item in zip(ids, items, strict=True)
        ]
        if places:
            connection.execute(origins.insert(), places)
        return ids

    def unfiled(self, connection: Connection, items: Sequence[Filed]) -> list[Filed]:
        """Return those of which no letter is filed yet, each once: a refusal may be sent again.

        The same is what says the same of the same row of the same record, but for the advice's words. The place alone
        does not tell: in a topic that was made anew another record stands there.
        """
        known = set[_Same]()
        for some in chunks(items):
            positions = {item.origin.offset for item in some}
            wanted = (
                select(origins, dead_letters.c.ticket_key, dead_letters.c.body)
                .join(dead_letters, dead_letters.c.id == origins.c.letter_id)
                .where(origins.c.topic.in_({item.origin.topic for item in some}), origins.c.position.in_(positions))
            )
            for row in connection.execute(wanted):
                reject = from_body(row.body, Reject)
                known.add(_Same(row.topic, row.partition, row.position, row.ticket_key, _bare(reject)))
        found: list[Filed] = []
        for item in items:
            place = item.origin
            same = _Same(place.topic, place.partition, place.offset, item.ticket_key, _bare(item.reject))
            if same not in known:
                known.add(same)
                found.append(item)
        return found

    def find(self, letter_id: int, at: datetime) -> Origin | None:
        """Return where a letter's original stands; None where nobody knows, or it has had its time."""
        wanted = select(origins).where(origins.c.letter_id == min(letter_id, LARGEST), origins.c.until > at)
        with self._database.read() as connection:
            row = connection.execute(wanted).one_or_none()
        if row is None:
            return None
        return Origin(topic=row.topic, partition=row.partition, offset=row.position, until=row.until)

    def note_read(self, letter_id: int, *, reader: str, at: datetime) -> None:
        """Write down who is given an original, before it is given."""
        with self._database.write() as connection:
            connection.execute(quarantine_reads.insert(), {"letter_id": letter_id, "reader": reader, "at": at})
