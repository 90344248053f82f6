"""What is too old goes: in small transactions, so that nothing waits long for it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Table, and_, delete, func, or_, select, tuple_

from warning.domain.alert import Alert, AlertStatus
from warning.domain.bucket import DAY_MS
from warning.store.sql import meta
from warning.store.sql.alert_rows import ALERT, EXPIRED, read_alerts, tell
from warning.store.sql.database import Database
from warning.store.sql.moments import milliseconds
from warning.store.sql.statements import LARGEST, chunks
from warning.store.sql.tables import (
    alerts,
    aliases,
    attempts,
    dead_letters,
    feed,
    handling_entries,
    handlings,
    history,
    loads,
    log,
    one_time_tokens,
    points,
    quarantine,
    sessions,
    signals,
    snapshots,
    tickets,
)

_AT_ONCE = 500
"""Rows deleted by one transaction: a few milliseconds."""
_ABANDONED = timedelta(days=1)
"""A load of history that has not ended after so long was broken off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Everything of before these moments goes.

    now : ends originals, which carry their own end
    wall : ends sessions and sign-in links, which go by the wall clock also where the service's clock is a fast one
    alerts : ends alerts that nobody has to do anything about any more
    unfinished_alerts : ends the other alerts whose episodes are over
    """

    now: datetime
    wall: datetime
    log: datetime
    tickets: datetime
    history: datetime
    alerts: datetime
    unfinished_alerts: datetime
    feed: datetime
    dead_letters: datetime


class SqlRetention:
    """Deletes what is too old."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enforce(self, limits: Limits) -> dict[str, int]:
        """Delete everything beyond its limit; returns how many rows went, by table.

        Log records go only where the older of the kept snapshots covers them, or a cluster has them in its topic, and
        never the newest. Of the feed stays what a cluster has not published yet. An alert goes when its episode ended
        before the limit and people are done with it (closed, no review due), with its signals, its handling and the ids
        merged into it, and the feed says so: who has a copy of it deletes that too. Of originals in quarantine no byte
        is left in the database, nor in SQLite's log (while a backup reads, in the log until the next time).
        """
        gone = {"log": self._log(limits.log)}
        gone["tickets"] = self._sweep(tickets, tickets.c.received_ms < milliseconds(limits.tickets))
        gone["alerts"] = self._alerts(limits)
        gone["signals"] = self._signals(limits.alerts)
        gone["points"] = self._sweep(points, points.c.start < limits.alerts)
        gone["feed"] = self._feed(limits.feed)
        gone["quarantine"] = self._sweep(quarantine, quarantine.c.until <= limits.now)
        gone["dead_letters"] = self._sweep(dead_letters, dead_letters.c.at < limits.dead_letters)  # their originals too
        gone["attempts"] = self._sweep(attempts, attempts.c.at < limits.dead_letters)
        gone["history"] = self._sweep(history, history.c.day_ms <= milliseconds(limits.history) - DAY_MS)
        gone["loads"] = self._loads(limits.now)
        gone["sessions"] = self._sweep(sessions, sessions.c.expires_at <= limits.wall)
        gone["one_time_tokens"] = self._sweep(one_time_tokens, one_time_tokens.c.expires_at <= limits.wall)
        self._database.place.scrub(frozenset(table for table, count in gone.items() if count))
        return gone

    def _log(self, limit: datetime) -> int:
        with self._database.read() as connection:
            relayed = meta.get_number(connection, meta.RELAYED)
        covered = select(func.min(snapshots.c.position)).scalar_subquery()
        elsewhere = or_(log.c.position <= covered, log.c.position <= relayed)
        newest = select(func.max(log.c.position)).scalar_subquery()
        old = log.c.appended_ms < milliseconds(limit)
        return self._sweep(log, old, elsewhere, log.c.position < newest)

    def _feed(self, limit: datetime) -> int:
        with self._database.read() as connection:
            published = meta.get_number(connection, meta.PUBLISHED, LARGEST)
        return self._sweep(feed, feed.c.at < limit, feed.c.sequence <= published)

    def _loads(self, now: datetime) -> int:
        """Forget the loads that were broken off, and those of whose history nothing is left."""
        broken_off = and_(loads.c.until_ms == 0, loads.c.loaded_at < now - _ABANDONED)
        empty = ~select(history.c.id).where(history.c.load_id == loads.c.id).exists()
        return self._sweep(loads, or_(broken_off, and_(loads.c.until_ms > 0, empty)))

    def _alerts(self, limits: Limits) -> int:
        done = and_(alerts.c.status == AlertStatus.CLOSED.value, ~alerts.c.needs_review)
        over = or_(and_(alerts.c.closed_at < limits.alerts, done), alerts.c.closed_at < limits.unfinished_alerts)
        gone = 0
        while True:
            with self._database.write() as connection:
                wanted = select(alerts.c.id).where(over).limit(_AT_ONCE)
                ended = read_alerts(connection, connection.execute(wanted).scalars().all())
                _delete_alerts(connection, ended.values())
                tell(connection, [(ALERT, identity, EXPIRED) for identity in ended], limits.now)
            gone += len(ended)
            if len(ended) < _AT_ONCE:
                return gone

    def _signals(self, limit: datetime) -> int:
        """Delete old signals of no alert: those of an alert were given after it was raised, and go with it."""
        with self._database.read() as connection:
            wanted = select(alerts.c.id).where(alerts.c.raised_at < limit)
            holding = read_alerts(connection, connection.execute(wanted).scalars().all())
            held = {identity for alert in holding.values() for identity in alert.signal_ids}
            old = connection.execute(select(signals.c.id).where(signals.c.updated_at < limit)).scalars()
            loose = [identity for identity in old if identity not in held]
        for part in chunks(loose, _AT_ONCE):
            with self._database.write() as connection:
                connection.execute(delete(signals).where(signals.c.id.in_(part)))
        return len(loose)

    def _sweep(self, table: Table, *conditions: ColumnElement[bool]) -> int:
        """Delete the rows for which all conditions hold, some at a time."""
        keys: list[Column[Any]] = list(table.primary_key)
        some = select(*keys).where(*conditions).limit(_AT_ONCE)
        gone = 0
        while True:
            with self._database.write() as connection, self._thorough(connection, table):
                found = connection.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount
            gone += found
            if found < _AT_ONCE:
                return gone

    def _thorough(self, connection: Connection, table: Table) -> AbstractContextManager[None]:
        """Overwrite what is deleted where it may be personal; elsewhere that would only cost time."""
        return self._database.place.overwriting(connection) if table in {quarantine, dead_letters} else nullcontext()


def _delete_alerts(connection: Connection, ended: Collection[Alert]) -> None:
    """Delete some alerts with all that is theirs alone."""
    ids = [alert.id for alert in ended]
    merged = [alias for alert in ended for alias in alert.aliases]
    for part in chunks([identity for alert in ended for identity in alert.signal_ids]):
        connection.execute(delete(signals).where(signals.c.id.in_(part)))
    for part in chunks([*ids, *merged]):
        connection.execute(delete(handlings).where(handlings.c.alert_id.in_(part)))
        connection.execute(delete(handling_entries).where(handling_entries.c.alert_id.in_(part)))
        connection.execute(delete(aliases).where(or_(aliases.c.alias.in_(part), aliases.c.alert_id.in_(part))))
        connection.execute(delete(alerts).where(alerts.c.id.in_(part)))
