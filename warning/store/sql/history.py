"""History: tickets loaded from files to teach the baselines, kept because a rebuilt engine begins with them.

Their texts are not kept: history raises nothing, so nobody would ever see them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, select, update

from warning.domain.bucket import DAY_MS
from warning.intake.columns import TicketColumns
from warning.store.sql.database import Database
from warning.store.sql.payloads import TICKETS, from_payload, to_payload
from warning.store.sql.tables import history, loads

_ROWS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One load: what was read, and up to when (milliseconds) it is history."""

    files: tuple[str, ...]
    mapping: str
    loaded_at: datetime
    rows: int = 0
    rejected: int = 0
    until_ms: int = 0
    """0: the load has not ended, and does not count."""
    id: int = 0


class SqlHistory:
    """Loads of history; they add up, and one can be taken back."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_load(self, connection: Connection, load: Load) -> int:
        """Note a load; returns its id, for :meth:`add`."""
        row = {
            "files": "\n".join(load.files),
            "mapping": load.mapping,
            "rows": load.rows,
            "rejected": load.rejected,
            "loaded_at": load.loaded_at,
            "until_ms": load.until_ms,
        }
        key = connection.execute(loads.insert(), row).inserted_primary_key
        return 0 if key is None else int(key[0])

    def add(self, connection: Connection, load_id: int, events: TicketColumns) -> None:
        """Add events of one source to a load, by days and without their texts."""
        events = replace(events, text=np.full(len(events), "", np.object_))
        rows = [
            {"load_id": load_id, "day_ms": day, "source": events.source, "payload": to_payload(part)}
            for day, part in _by_day(events)
        ]
        if rows:
            connection.execute(history.insert(), rows)

    def end_load(self, connection: Connection, load_id: int, *, rows: int, rejected: int, until_ms: int) -> None:
        """Set what is known of a load once it is read."""
        known = {"rows": rows, "rejected": rejected, "until_ms": until_ms}
        connection.execute(update(loads).where(loads.c.id == load_id).values(known))

    def drop_load(self, connection: Connection, load_id: int) -> None:
        """Take a load back."""
        connection.execute(delete(loads).where(loads.c.id == load_id))

    def loads(self) -> list[Load]:
        """Return all loads, oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(select(loads).order_by(loads.c.id)).mappings().all()
        return [Load(**{**row, "files": tuple(row["files"].split("\n"))}) for row in rows]

    def history_records(self) -> Iterator[TicketColumns]:
        """Yield the events of all loads that count, by day (UTC).

        Per day there is one batch a source, sorted by (time, key, kind, digest).
        """
        with self._database.read() as connection:
            wanted = (
                select(history.c.day_ms, history.c.source, history.c.payload)
                .join(loads)
                .where(loads.c.until_ms > 0)
                .order_by(history.c.day_ms, history.c.source, history.c.id)
                .execution_options(yield_per=_ROWS_AT_ONCE)
            )
            for _, rows in groupby(connection.execute(wanted), key=lambda row: (row.day_ms, row.source)):
                yield _merged(list(rows))


def _by_day(events: TicketColumns) -> Iterator[tuple[int, TicketColumns]]:
    days = events.time // DAY_MS
    for day in np.unique(days).tolist():
        yield day * DAY_MS, events.take(np.nonzero(days == day)[0])


def _merged(rows: Sequence[Any]) -> TicketColumns:
    parts = [part for row in rows if isinstance(part := from_payload(TICKETS, row.payload), TicketColumns)]
    events = TicketColumns.joined(parts)
    return events.take(np.lexsort((events.digest, events.kind, events.key, events.time)))
