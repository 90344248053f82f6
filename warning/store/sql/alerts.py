"""Alerts as people work with them: found, opened, acted upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, update

from warning.domain.control import Control
from warning.domain.errors import UnknownNameError
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Handling, HandlingEntry
from warning.domain.signal import Signal
from warning.service.ports import AlertQuery, AlertView, ConflictError, FeedEvent, Page, ReviewQueue
from warning.store.sql.alert_rows import HANDLING, handled_columns, put_handling, read_alerts, read_handlings, tell
from warning.store.sql.alert_search import conditions, cursor_of, order
from warning.store.sql.bodies import from_body, to_body
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.moments import milliseconds
from warning.store.sql.statements import LARGEST, bounds, chunks, indexed
from warning.store.sql.tables import alerts, aliases, feed, handling_entries, handlings, points, signals


class SqlAlerts:
    """Implements :class:`warning.service.ports.AlertStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._log = SqlLog(database)

    def find(self, query: AlertQuery) -> Page[AlertView]:
        wanted = select(alerts).where(*conditions(query)).order_by(*order(query)).limit(query.limit + 1)
        with self._database.read() as connection:
            rows = connection.execute(wanted).all()
            views = _views(connection, [row.id for row in rows[: query.limit]])
        more = len(rows) > query.limit
        return Page(tuple(views), cursor_of(query, rows[query.limit - 1]) if more else None)

    def get(self, alert_id: str) -> AlertView | None:
        with self._database.read() as connection:
            return _view(connection, alert_id)

    def signals(self, alert_id: str) -> list[Signal]:
        with self._database.read() as connection:
            view = _view(connection, alert_id)
            found = [] if view is None else _signals(connection, view.alert.signal_ids)
        return sorted(found, key=lambda signal: (signal.raised_at, signal.id))

    def course(self, alert_id: str) -> list[EvidencePoint]:
        with self._database.read() as connection:
            view = _view(connection, alert_id)
            lead = [] if view is None else _signals(connection, [view.alert.lead_signal_id])
            return [point for signal in lead for point in _course(connection, signal)]

    def entries(self, alert_id: str) -> list[HandlingEntry]:
        """Return the handling history, oldest first, with that of the alerts that were merged into it."""
        with self._database.read() as connection:
            owner = _owner(connection, alert_id)
            merged = connection.execute(select(aliases.c.alias).where(aliases.c.alert_id == owner)).scalars()
            ids = [owner, *merged]
            column = handling_entries.c
            rows = [
                row
                for part in chunks(ids)
                for row in connection.execute(select(column.at, column.body).where(column.alert_id.in_(part)))
            ]
        entries = [from_body(row.body, HandlingEntry) for row in rows]
        return sorted(entries, key=lambda entry: (entry.at, entry.version, entry.alert_id))

    def act(self, handling: Handling, entry: HandlingEntry, controls: Sequence[Control]) -> None:
        """Store one act, its control records and its line of the live feed, together or not at all.

        Raises ConflictError when the stored version is not ``handling.version - 1``, or the alert was merged into
        another meanwhile; UnknownNameError when it is gone.
        """
        with self._database.write() as connection:
            view = _view(connection, handling.alert_id)
            if view is None:
                raise UnknownNameError("alert", handling.alert_id, [])
            present = view.handling
            if (present.alert_id, present.version) != (handling.alert_id, handling.version - 1):
                raise ConflictError(present, handling.version - 1)
            put_handling(connection, handling)
            connection.execute(handling_entries.insert(), [_entry_row(entry)])
            columns = handled_columns(replace(view, handling=handling))
            connection.execute(update(alerts).where(alerts.c.id == handling.alert_id).values(columns))
            self._log.append(connection, controls, milliseconds(entry.at))
            tell(connection, [(HANDLING, handling.alert_id, entry.rule)], entry.at)

    def snoozed_before(self, moment: datetime) -> list[Handling]:
        wanted = select(handlings.c.body).where(handlings.c.snoozed_until <= moment).order_by(handlings.c.snoozed_until)
        with self._database.read() as connection:
            return [from_body(body, Handling) for body in connection.execute(wanted).scalars()]

    def feed_after(self, sequence: int, limit: int) -> list[FeedEvent]:
        wanted = select(feed).where(feed.c.sequence > min(sequence, LARGEST)).order_by(feed.c.sequence).limit(limit)
        with self._database.read() as connection:
            return [FeedEvent(**row) for row in connection.execute(wanted).mappings()]

    def feed_bounds(self) -> tuple[int, int]:
        with self._database.read() as connection:
            return bounds(connection, feed.c.sequence)

    def review_queue(self) -> ReviewQueue:
        """Return how many alerts wait for a disposition, and since when."""
        wanted = select(func.count(), func.min(alerts.c.raised_at)).where(alerts.c.needs_review)
        with self._database.read() as connection:
            size, oldest = connection.execute(wanted).one()
        return ReviewQueue(size, oldest)


def _views(connection: Connection, ids: Sequence[str]) -> list[AlertView]:
    """Return those alerts that there are, in the order asked for."""
    found, handled = read_alerts(connection, ids), read_handlings(connection, ids)
    return [
        AlertView(alert=found[identity], handling=handled.get(identity, Handling(alert_id=identity)))
        for identity in ids
        if identity in found
    ]


def _view(connection: Connection, alert_id: str) -> AlertView | None:
    return next(iter(_views(connection, [_owner(connection, alert_id)])), None)


def _owner(connection: Connection, alert_id: str) -> str:
    """Return the id of the alert that goes on, which is this one unless it was merged."""
    into = connection.execute(select(aliases.c.alert_id).where(aliases.c.alias == alert_id)).scalar()
    return alert_id if into is None else into


def _signals(connection: Connection, ids: Sequence[str]) -> list[Signal]:
    return [
        replace(from_body(row.body, Signal), raised_at=datetime.fromisoformat(row.raised_at))
        for part in chunks(ids)
        for row in connection.execute(select(signals).where(signals.c.id.in_(part)))
    ]


def _course(connection: Connection, lead: Signal) -> list[EvidencePoint]:
    wanted = (
        select(points.c.body)
        .where(points.c.series == indexed(str(lead.series)), points.c.length == lead.length.value)
        .order_by(points.c.start)
    )
    return [from_body(body, EvidencePoint) for body in connection.execute(wanted).scalars()]


def _entry_row(entry: HandlingEntry) -> dict[str, Any]:
    return {"alert_id": entry.alert_id, "version": entry.version, "at": entry.at, "body": to_body(entry)}
