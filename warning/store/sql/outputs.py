"""What the engine said, stored: one transaction for the outputs of some log records and the position they reach."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from sqlalchemy import Connection, select

from warning.domain.evidence import EvidencePoint
from warning.domain.signal import Signal
from warning.domain.ticket import LifeEvent
from warning.engine.records import OUTCOME_ORDER, Output, Record
from warning.intake.columns import TicketColumns
from warning.store.sql import meta
from warning.store.sql.alert_rows import store_alerts
from warning.store.sql.bodies import to_body
from warning.store.sql.errors import OvertakenError
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.statements import chunks, indexed, upsert
from warning.store.sql.tables import log, points, signals
from warning.store.sql.ticket_outcomes import TicketRow, store_tickets

Step: TypeAlias = tuple[int, Record, Output]
"""A log position, the record there, and what the engine answered."""


class SqlOutputs:
    """Where the engine's answers go: signals, alerts, courses, ticket outcomes, the live feed."""

    def commit(self, connection: Connection, steps: Sequence[Step], at: int, *, expected: int | None = None) -> None:
        """Store the answers to some records, in the order of the log, and the position they reach.

        ``at`` (milliseconds) is the time of the feed's rows. Steps up to the position already applied were stored
        before and are passed over; so a replay says nothing twice. Raises OvertakenError, and stores nothing, where the
        position already applied is not the one ``expected`` (if any): another process went on.
        """
        applied = meta.get_number(connection, meta.APPLIED)
        if expected is not None and applied != expected:
            raise OvertakenError(expected, applied)
        fresh = [step for step in steps if step[0] > applied]
        if not fresh:
            return
        self.restate(connection, _joined([output for _, _, output in fresh]), at)
        _store_tickets(connection, fresh, at)
        meta.put(connection, meta.APPLIED, fresh[-1][0])

    def restate(self, connection: Connection, output: Output, at: int) -> None:
        """Store signals, courses and alerts, whatever the position; what is stored already is not told again."""
        _store_signals(connection, output.signals)
        _store_points(connection, output.points)
        store_alerts(connection, output.alerts, moment_of_ms(at))


def _joined(outputs: Sequence[Output]) -> Output:
    return Output(
        signals=[signal for output in outputs for signal in output.signals],
        alerts=[alert for output in outputs for alert in output.alerts],
        points=[point for output in outputs for point in output.points],
    )


def _store_signals(connection: Connection, said: Iterable[Signal]) -> None:
    """Store the latest version of each signal; ``raised_at`` stays the first version's."""
    latest: dict[str, Signal] = {}
    for signal in said:
        latest[signal.id] = signal.following(latest.get(signal.id))
    rows = [
        {
            "id": signal.id,
            "raised_at": signal.raised_at.isoformat(),
            "updated_at": signal.updated_at,
            "body": to_body(signal),
        }
        for signal in latest.values()
    ]
    upsert(connection, signals, rows, keep=["raised_at"])


def _store_points(connection: Connection, said: Iterable[EvidencePoint]) -> None:
    latest = {(str(point.series), point.length.value, point.start): point for point in said}
    rows = [
        {"series": indexed(series), "length": length, "start": start, "body": to_body(point)}
        for (series, length, start), point in latest.items()
    ]
    upsert(connection, points, rows)


def _store_tickets(connection: Connection, steps: Sequence[Step], at: int) -> None:
    """Note what became of each ticket."""
    batches = [
        (position, record, output)
        for position, record, output in steps
        if isinstance(record, TicketColumns) and output.outcomes is not None
    ]
    if not batches:
        return
    received = _appended(connection, [position for position, _, _ in batches])
    store_tickets(
        connection,
        (row for position, batch, output in batches for row in _ticket_rows(batch, output, received.get(position, at))),
    )


def _ticket_rows(batch: TicketColumns, output: Output, received: int) -> Iterator[TicketRow]:
    created = batch.take(np.nonzero(batch.kind == LifeEvent.CREATED)[0])
    codes = [] if output.outcomes is None else output.outcomes.tolist()
    columns = (created.ticket_id.tolist(), created.time.tolist(), created.category.decoded(), created.area.decoded())
    for code, ticket_id, time, category, area in zip(codes, *columns, strict=True):
        said = _OUTCOMES[code]
        yield TicketRow(batch.source, ticket_id, said, said, received, time, category, area)


def _appended(connection: Connection, positions: Sequence[int]) -> dict[int, int]:
    found: dict[int, int] = {}
    for part in chunks(positions):
        wanted = select(log.c.position, log.c.appended_ms).where(log.c.position.in_(part))
        found |= {row.position: row.appended_ms for row in connection.execute(wanted)}
    return found


_OUTCOMES = [outcome.value for outcome in OUTCOME_ORDER]
