"""The log in the database: append, and read in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, select

from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns
from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.payloads import TICK, from_payload, kind_of, to_payload
from warning.store.sql.statements import bounds, insert
from warning.store.sql.tables import freshness, log

_READ_AT_ONCE = 256
"""Records fetched by one statement: a few megabytes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """When a source was last heard, and the largest event time it told of."""

    received_at: datetime
    event_at: datetime


class SqlLog:
    """The truth: what is in it was accepted, and everything else can be derived from it again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def append(self, connection: Connection, records: Sequence[Record], appended_at: int) -> list[int]:
        """Add records at a time (milliseconds); returns their positions. They count once the transaction is over.

        When each source was heard is noted too.
        """
        rows = [_row(record, appended_at) for record in records]
        given = [connection.execute(log.insert(), row).inserted_primary_key for row in rows]
        _note_sources(connection, rows)
        return [key[0] for key in given if key is not None]

    def read(
        self, after: int = 0, limit: int | None = None, *, at_once: int = _READ_AT_ONCE
    ) -> Iterator[tuple[int, Record]]:
        """Yield the records after a position, with their positions: at most ``limit``, else up to the newest.

        ``at_once`` are fetched by one statement.
        """
        left = limit
        while left is None or left > 0:
            batch = self._batch(after, at_once if left is None else min(left, at_once))
            for position, kind, payload in batch:
                yield position, from_payload(kind, payload)
            if not batch:
                return
            after = batch[-1][0]
            left = None if left is None else left - len(batch)

    def newest(self) -> int:
        """Return the newest position; 0 for an empty log (retention always keeps the newest record)."""
        return self.bounds()[1]

    def bounds(self) -> tuple[int, int]:
        """Return the oldest and newest positions that are kept; (0, 0) for an empty log."""
        with self._database.read() as connection:
            return bounds(connection, log.c.position)

    def last_tick(self) -> Tick | None:
        """Return the newest tick that is kept."""
        return self._tick(log.c.position.desc())

    def first_tick(self) -> Tick | None:
        """Return the oldest tick that is kept."""
        return self._tick(log.c.position.asc())

    def heard(self) -> dict[str, Heard]:
        """Return each source that sent tickets."""
        with self._database.read() as connection:
            rows = connection.execute(select(freshness).order_by(freshness.c.source)).all()
        return {row.source: Heard(moment_of_ms(row.received_ms), moment_of_ms(row.event_ms)) for row in rows}

    def _tick(self, order: ColumnElement[int]) -> Tick | None:
        wanted = select(log.c.payload).where(log.c.kind == TICK).order_by(order).limit(1)
        with self._database.read() as connection:
            payload = connection.execute(wanted).scalar()
        tick = None if payload is None else from_payload(TICK, payload)
        return tick if isinstance(tick, Tick) else None

    def _batch(self, after: int, limit: int) -> Sequence[Any]:
        wanted = (
            select(log.c.position, log.c.kind, log.c.payload)
            .where(log.c.position > after)
            .order_by(log.c.position)
            .limit(limit)
        )
        with self._database.read() as connection:
            return connection.execute(wanted).all()


def _row(record: Record, appended_at: int) -> dict[str, Any]:
    source, rows, first, last = _extent(record)
    return {
        "appended_ms": appended_at,
        "kind": kind_of(record),
        "source": source,
        "rows": rows,
        "first_ms": first,
        "last_ms": last,
        "payload": to_payload(record),
    }


def _extent(record: Record) -> tuple[str, int, int, int]:
    """Return (source, rows, first time, last time)."""
    if isinstance(record, TicketColumns):
        times = record.time
        bounds = (int(times.min()), int(times.max())) if len(times) else (0, 0)
        return record.source, len(record), *bounds
    if isinstance(record, Tick):
        return "", 0, record.watermark, record.watermark
    return record.source or "", 0, record.effective_from, record.effective_from


def _note_sources(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    heard: dict[str, tuple[int, int]] = {}
    for row in rows:
        if row["rows"]:
            _, event = heard.get(row["source"], (0, row["last_ms"]))
            heard[row["source"]] = row["appended_ms"], max(event, row["last_ms"])
    note_sources(connection, heard)


def note_sources(connection: Connection, heard: Mapping[str, tuple[int, int]]) -> None:
    """Note of each source when it was heard, and the largest event time it told of then (milliseconds)."""
    if not heard:
        return
    statement = insert(connection, freshness)
    new, old = statement.excluded, freshness.c
    later = {
        "received_ms": case((new.received_ms > old.received_ms, new.received_ms), else_=old.received_ms),
        "event_ms": case((new.event_ms > old.event_ms, new.event_ms), else_=old.event_ms),
    }
    rows = [
        {"source": source, "received_ms": received, "event_ms": event}
        for source, (received, event) in sorted(heard.items())
    ]
    connection.execute(statement.on_conflict_do_update(index_elements=["source"], set_=later), rows)
