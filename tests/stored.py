"""What a database holds of what the engine said, as domain objects."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, select

from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.domain.signal import Signal
from warning.store.sql.bodies import from_body
from warning.store.sql.tables import alert_bodies, points, signals


def alerts_in(connection: Connection) -> dict[str, Alert]:
    bodies = connection.execute(select(alert_bodies.c.body)).scalars()
    return {alert.id: alert for alert in (from_body(body, Alert) for body in bodies)}


def signals_in(connection: Connection) -> dict[str, Signal]:
    """When each was first raised stands beside its latest version."""
    rows = connection.execute(select(signals.c.raised_at, signals.c.body)).all()
    found = [replace(from_body(row.body, Signal), raised_at=datetime.fromisoformat(row.raised_at)) for row in rows]
    return {signal.id: signal for signal in found}


def points_in(connection: Connection) -> dict[tuple[str, str, str], EvidencePoint]:
    bodies = connection.execute(select(points.c.body)).scalars()
    found = [from_body(body, EvidencePoint) for body in bodies]
    return {(str(point.series), point.length.value, point.start.isoformat()): point for point in found}
