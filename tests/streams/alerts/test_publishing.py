"""What of an alert is published: its latest version, and a tombstone once it was merged or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from streams.alerts.publishing import AlertPublisher
from tests.streams.alerts.reports import oracle, surging
from tests.warning.engine.tickets import log
from tests.warning.store.sql.test_retention import LIMITS
from warning.domain.alert import Alert, AlertStatus
from warning.settings import Settings
from warning.store.sql.alert_rows import store_alerts
from warning.store.sql.database import Database
from warning.store.sql.retention import SqlRetention


@pytest.fixture(scope="module")
def alerts() -> list[Alert]:
    """Two alerts."""
    first, second, *_ = oracle(log(surging()))[0].alerts.values()
    return [first, second]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database with its tables."""
    database = Database(tmp_path / "cluster.db")
    database.migrate()
    yield database
    database.close()


def store(database: Database, *alerts: Alert) -> None:
    with database.write() as connection:
        store_alerts(connection, alerts, alerts[0].updated_at)


def test_the_latest_version_is_published_and_what_was_noted_is_not_again(
    database: Database, alerts: list[Alert]
) -> None:
    """Each changed alert once, as it is now, until that is noted; a later change is published anew."""
    publisher = AlertPublisher(Settings(), database)
    store(database, *alerts)
    store(database, replace(alerts[0], history=(*alerts[0].history, alerts[0].history[-1]), severity=99))
    batch = publisher._next()
    assert batch is not None
    assert {i: msgspec.json.decode(value or b"")["alert"]["severity"] for i, value in batch.records.items()} == {
        alerts[0].id: 99,
        alerts[1].id: alerts[1].severity,
    }
    publisher._note(batch.until)
    publisher._note(batch.until - 1)
    assert publisher._next() is None


def test_a_merged_alert_gets_a_tombstone(database: Database, alerts: list[Alert]) -> None:
    """Its key stands for nothing any more; the alert that goes on tells of it."""
    publisher = AlertPublisher(Settings(), database)
    store(database, *alerts)
    first, second = alerts
    line = replace(first.history[-1], rule="MERGE-1")
    store(database, replace(first, aliases=(second.id,), history=(*first.history, line)))
    batch = publisher._next()
    assert batch is not None
    assert batch.records[second.id] is None
    assert msgspec.json.decode(batch.records[first.id] or b"")["alert"]["aliases"] == [second.id]


def test_an_alert_that_retention_deletes_gets_a_tombstone(database: Database, alerts: list[Alert]) -> None:
    """What is deleted here is deleted in the compacted topic; the deletion and its news are one transaction."""
    publisher = AlertPublisher(Settings(), database)
    kept, gone = alerts
    over = replace(gone, closed_at=gone.raised_at, status=AlertStatus.CLOSED)
    store(database, replace(kept, closed_at=None, status=AlertStatus.OPEN), over)
    before = publisher._next()
    assert before is not None
    publisher._note(before.until)
    limit = gone.raised_at + timedelta(seconds=1)
    SqlRetention(database).enforce(replace(LIMITS, unfinished_alerts=limit, now=limit))
    batch = publisher._next()
    assert batch is not None
    assert batch.records == {gone.id: None}


def test_a_number_that_is_infinite_is_null(database: Database, alerts: list[Alert]) -> None:
    """JSON knows no infinity: other systems get null."""
    publisher = AlertPublisher(Settings(), database)
    store(database, replace(alerts[0], recurrence_interval_days=float("inf")))
    batch = publisher._next()
    assert batch is not None
    assert msgspec.json.decode(batch.records[alerts[0].id] or b"")["alert"]["recurrence_interval_days"] is None
