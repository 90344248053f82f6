"""Ways to put into a database what an engine would say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from tests.warning.engine.tickets import START, tick
from tests.warning.service.alerts import NOW
from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.domain.signal import Signal
from warning.engine.records import Output, Record
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.moments import milliseconds
from warning.store.sql.outputs import SqlOutputs
from warning.store.sql.tables import quarantine_reads

AT = milliseconds(NOW)


def appended(database: Database, records: Sequence[Record], at: int = AT) -> list[int]:
    with database.write() as connection:
        return SqlLog(database).append(connection, records, at)


def originals_read(database: Database) -> list[tuple[int, str, datetime]]:
    """List the audit: which letter's original was read, by whom, when; oldest first."""
    column = quarantine_reads.c
    with database.read() as connection:
        wanted = select(column.letter_id, column.reader, column.at).order_by(column.id)
        return [(row.letter_id, row.reader, row.at) for row in connection.execute(wanted)]


def said(
    database: Database,
    *,
    alerts: Sequence[Alert] = (),
    signals: Sequence[Signal] = (),
    points: Sequence[EvidencePoint] = (),
) -> int:
    """Append a tick, and commit an answer to it; returns its position."""
    record = tick(1, START)
    (position,) = appended(database, [record])
    output = Output(alerts=list(alerts), signals=list(signals), points=list(points))
    with database.write() as connection:
        SqlOutputs().commit(connection, [(position, record, output)], AT)
    return position
