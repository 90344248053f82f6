"""What the database of the live service takes: to accept and commit tickets, to read the log, to find alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.engine import records_of
from benchmarks.process import Figures, timed
from warning.domain.alert import Alert, AlertStatus, Headline, Transition
from warning.domain.signal import EvidenceState
from warning.domain.ticket import LifeEvent
from warning.engine.records import OUTCOME_ORDER, Output
from warning.intake.columns import TicketColumns
from warning.service.ports import AlertQuery
from warning.store.sql.alert_rows import store_alerts
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.outputs import SqlOutputs

_RECORD, _AT_ONCE = 500, 20
"""Tickets in a record, records in a transaction."""
_START = datetime(2026, 1, 1, tzinfo=UTC)
_ACCEPTED = len(OUTCOME_ORDER) - 1
QUERIES = {
    "no filter": AlertQuery(),
    "by severity": AlertQuery(sort="-severity", severity_min=50),
    "status": AlertQuery(status=frozenset({AlertStatus.CLOSED})),
    "an area": AlertQuery(area="City/District 3"),
    "the whole city": AlertQuery(area="City"),
    "a rare category": AlertQuery(category="Category 49"),
    "all together": AlertQuery(area="City/District 3", department="Department 7", severity_min=50, needs_review=True),
}


def tickets(csv: str, mapping: str) -> Figures:
    """Append a city's tickets in records of 500, twenty a transaction; commit what became of them; read all."""
    parts = [record for record in records_of(csv, mapping) if isinstance(record, TicketColumns)]
    whole = TicketColumns.joined(parts)
    records = [whole.take(np.arange(at, min(at + _RECORD, len(whole)))) for at in range(0, len(whole), _RECORD)]
    with _database() as database:
        log, appends, commits = SqlLog(database), [], []
        for first in range(0, len(records), _AT_ONCE):
            batch = records[first : first + _AT_ONCE]
            appends.append(timed(partial(_append, database, batch))["seconds"])
            commits.append(timed(partial(_commit, database, batch, first))["seconds"])
        read = timed(lambda: sum(len(record) for _, record in log.read() if isinstance(record, TicketColumns)))
        with database.read() as connection:
            size = connection.exec_driver_sql("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
            size_bytes = size.scalar_one()
    return {
        "append_ms": 1e3 * sum(appends) * 1e4 / len(whole),
        "commit_ms": 1e3 * sum(commits) * 1e4 / len(whole),
        "read_seconds": read["seconds"] * 1e6 / len(whole),
        "bytes": size_bytes / len(whole),
    }


def pages(count: int) -> Figures:
    """Find pages of 50 among many alerts; the median of several tries, milliseconds."""
    with _database() as database:
        with database.write() as connection:
            store_alerts(connection, made_up_alerts(count), _START)
        found = SqlAlerts(database)
        return {
            name: 1e3 * median(timed(partial(found.find, query))["seconds"] for _ in range(21))
            for name, query in QUERIES.items()
        }


@contextmanager
def _database() -> Iterator[Database]:
    with TemporaryDirectory(prefix="early-warning-bench-") as folder:
        database = Database(Path(folder) / "store.db")
        database.migrate()
        yield database
        database.close()


def _append(database: Database, records: Sequence[TicketColumns]) -> None:
    with database.write() as connection:
        SqlLog(database).append(connection, records, 0)


def _commit(database: Database, records: Sequence[TicketColumns], before: int) -> None:
    accepted = [
        Output(outcomes=np.full(np.count_nonzero(record.kind == LifeEvent.CREATED), _ACCEPTED, np.uint8))
        for record in records
    ]
    steps = list(zip(range(before + 1, before + 1 + len(records)), records, accepted, strict=True))
    with database.write() as connection:
        SqlOutputs().commit(connection, steps, 0)


def made_up_alerts(count: int) -> list[Alert]:
    """Make up alerts, one every seven minutes."""
    random = np.random.default_rng(311)
    return [_alert(number, *random.integers(0, 1000, 3).tolist()) for number in range(count)]


def _alert(number: int, place: int, subject: int, size: int) -> Alert:
    at = _START + timedelta(minutes=7 * number)
    severity = 20 + size % 80
    status = AlertStatus.CLOSED if number % 5 else AlertStatus.OPEN
    line = Transition(rule="OPEN-1", at=at, severity=severity, status=status, observed=size, expected=size / 10)
    return Alert(
        id=f"{number:016x}",
        jurisdiction="City",
        raised_at=at,
        updated_at=at + timedelta(minutes=place),
        closed_at=at + timedelta(days=1) if number % 5 else None,
        state=EvidenceState.FINAL,
        kind="surge",
        detectors=("surge",),
        window_start=at,
        window_end=at + timedelta(hours=1),
        areas=(f"City/District {place % 20}", f"City/District {place % 20}/Street {place % 7}"),
        categories=(f"Category {min(subject % 50, subject % 70)}",),
        departments=(f"Department {subject % 30}",),
        channels=("app",) if size % 2 else ("phone",),
        severity=severity,
        p_value=1e-9,
        recurrence_interval_days=4200.5,
        observed=size,
        expected=size / 10,
        upper_bound=size / 4,
        flags=(),
        status=status,
        headline=Headline(zh="噪音: 一小时内 120 件, 预计 3 件", en="Noise: 120 tickets in an hour, 3 expected"),
        lead_signal_id=f"{number:016x}-0",
        signal_ids=tuple(f"{number:016x}-{i}" for i in range(5)),
        parts=tuple((f"City/District {i}", size, size / 10) for i in range(8)),
        examples=(),
        history=(line,) * 4,
    )
