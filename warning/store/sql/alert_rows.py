"""Alerts as rows: what the engine says of them, joined with what people did, and the names they are found by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from warning.domain.alert import Alert, AlertStatus, Transition
from warning.domain.area import SEPARATOR
from warning.domain.handling import Handling
from warning.service.ports import AlertView
from warning.store.sql.bodies import from_body, to_body
from warning.store.sql.statements import chunks, indexed, upsert
from warning.store.sql.tables import alert_bodies, alert_names, alerts, aliases, feed, handlings

ALERT, HANDLING = "alert", "handling"
"""Kinds of feed events."""
AREA, WITHIN, CATEGORY, DEPARTMENT, CHANNEL, FLAG = "area", "within", "category", "department", "channel", "flag"
"""Kinds of names that alerts are found by."""


def store_alerts(connection: Connection, said: Iterable[Alert], at: datetime) -> None:
    """Store the latest version of each alert; tell the feed of those that are new, grew in history, or were merged.

    A merged alert's row goes away; its id leads to the alert that goes on, which takes its handling over if nobody has
    touched that one itself.
    """
    latest: dict[str, Alert] = {}
    for alert in said:
        latest[alert.id] = alert
    merged = {alias: alert.id for alert in latest.values() for alias in alert.aliases}
    going_on = [alert for alert in latest.values() if alert.id not in merged]
    if not going_on:
        return
    known = read_alerts(connection, [alert.id for alert in going_on])
    gone = _merge(connection, merged)
    handled = read_handlings(connection, [alert.id for alert in going_on])
    untouched = Handling(alert_id="")
    views = [AlertView(alert=alert, handling=handled.get(alert.id, untouched)) for alert in going_on]
    upsert(connection, alerts, [_alert_row(view) for view in views])
    upsert(connection, alert_bodies, [{"alert_id": alert.id, "body": to_body(alert)} for alert in going_on])
    _store_names(connection, going_on)
    changed = [alert for alert in going_on if alert.id not in known or _news(known[alert.id], alert)]
    tell(connection, [(ALERT, alert.id, alert.history[-1].rule) for alert in changed], at)
    tell(connection, [(ALERT, alias, MERGED) for alias in gone], at)


MERGED = "MERGE-1"
"""The rule of the alert policy by which an alert goes into an older one."""
LOST = "ERA-1"
"""The rule that closes an alert which no engine follows any more, because history began a new era."""
EXPIRED = "EXPIRE-1"
"""The rule by which an alert is deleted once it is older than is kept: only the feed tells of it."""


def close_lost(connection: Connection, followed: frozenset[str], at: datetime) -> None:
    """Close the alerts that are open but not followed: their evidence was judged by baselines that are no more."""
    still_open = connection.execute(select(alerts.c.id).where(alerts.c.closed_at.is_(None))).scalars()
    lost = read_alerts(connection, [identity for identity in still_open if identity not in followed]).values()
    store_alerts(connection, [_closed(alert, at) for alert in lost], at)


def _closed(alert: Alert, at: datetime) -> Alert:
    line = Transition(
        rule=LOST,
        at=at,
        severity=alert.severity,
        status=AlertStatus.CLOSED,
        observed=alert.observed,
        expected=alert.expected,
    )
    history = (*alert.history, line)
    return replace(alert, status=AlertStatus.CLOSED, closed_at=at, updated_at=at, history=history)


def _alert_row(view: AlertView) -> dict[str, Any]:
    """Return what an alert is searched by."""
    alert = view.alert
    return {
        "id": alert.id,
        "raised_at": alert.raised_at,
        "updated_at": alert.updated_at,
        "closed_at": alert.closed_at,
        "severity": alert.severity,
    } | handled_columns(view)


def handled_columns(view: AlertView) -> dict[str, Any]:
    """Return the columns of an alert's row that follow from its handling."""
    return {
        "status": view.status.value,
        "disposition": "" if view.handling.disposition is None else view.handling.disposition.value,
        "needs_review": view.needs_review,
        "assignee": view.handling.assignee,
    }


def tell(connection: Connection, changes: Sequence[tuple[str, str, str]], at: datetime) -> None:
    """Add (kind, subject, change) to the live feed."""
    if changes:
        rows = [{"at": at, "kind": kind, "subject": subject, "change": change} for kind, subject, change in changes]
        connection.execute(feed.insert(), rows)


def read_alerts(connection: Connection, ids: Sequence[str]) -> dict[str, Alert]:
    """Return those alerts that there are, in the order of their ids."""
    found: dict[str, Alert] = {}
    for part in chunks(ids):
        wanted = select(alert_bodies).where(alert_bodies.c.alert_id.in_(part)).order_by(alert_bodies.c.alert_id)
        found |= {row.alert_id: from_body(row.body, Alert) for row in connection.execute(wanted)}
    return found


def read_handlings(connection: Connection, ids: Sequence[str]) -> dict[str, Handling]:
    """Return the handlings of those alerts that were touched."""
    found: dict[str, Handling] = {}
    for part in chunks(ids):
        wanted = select(handlings.c.alert_id, handlings.c.body).where(handlings.c.alert_id.in_(part))
        found |= {row.alert_id: from_body(row.body, Handling) for row in connection.execute(wanted)}
    return found


def put_handling(connection: Connection, handling: Handling) -> None:
    """Store how an alert is handled."""
    row = {
        "alert_id": handling.alert_id,
        "version": handling.version,
        "snoozed_until": handling.snoozed_until,
        "body": to_body(handling),
    }
    upsert(connection, handlings, [row])


def _news(before: Alert, after: Alert) -> bool:
    return len(after.history) > len(before.history)


def _merge(connection: Connection, merged: Mapping[str, str]) -> list[str]:
    """Let ids lead to the alerts they were merged into; returns those that were not known to be."""
    if not merged:
        return []
    known = {row.alias: row.alert_id for row in _known_aliases(connection, list(merged))}
    fresh = {alias: into for alias, into in merged.items() if known.get(alias) != into}
    upsert(connection, aliases, [{"alias": alias, "alert_id": into} for alias, into in fresh.items()])
    for part in chunks(list(fresh)):
        connection.execute(delete(alerts).where(alerts.c.id.in_(part)))
        connection.execute(update(handlings).where(handlings.c.alert_id.in_(part)).values(snoozed_until=None))
    _take_handlings_over(connection, fresh)
    return list(fresh)


def _known_aliases(connection: Connection, ids: Sequence[str]) -> Iterator[Any]:
    for part in chunks(ids):
        yield from connection.execute(select(aliases).where(aliases.c.alias.in_(part)))


def _take_handlings_over(connection: Connection, merged: Mapping[str, str]) -> None:
    """Give an untouched alert the handling of the one merged into it that was touched most."""
    touched = read_handlings(connection, [*merged, *merged.values()])
    for handling in sorted(touched.values(), key=lambda handling: (-handling.version, handling.alert_id)):
        into = merged.get(handling.alert_id)
        if into is not None and into not in touched:
            touched[into] = replace(handling, alert_id=into)
            put_handling(connection, touched[into])


def _store_names(connection: Connection, changed: Sequence[Alert]) -> None:
    for part in chunks([alert.id for alert in changed]):
        connection.execute(delete(alert_names).where(alert_names.c.alert_id.in_(part)))
    rows = {(kind, indexed(name), alert.id): None for alert in changed for kind, name in _names(alert)}
    upsert(connection, alert_names, [{"kind": kind, "name": name, "alert_id": of} for kind, name, of in rows])


def _names(alert: Alert) -> Iterator[tuple[str, str]]:
    for area in alert.areas:
        yield AREA, area
        yield from ((WITHIN, above) for above in lineage(area)[:-1])
    yield from ((CATEGORY, name) for name in alert.categories)
    yield from ((DEPARTMENT, name) for name in alert.departments)
    yield from ((CHANNEL, name) for name in alert.channels)
    yield from ((FLAG, flag.code.value) for flag in alert.flags)


def lineage(area: str) -> list[str]:
    """Return the areas that contain an area, from the root down to itself."""
    parts = area.split(SEPARATOR)
    return [SEPARATOR.join(parts[: depth + 1]) for depth in range(len(parts))]
