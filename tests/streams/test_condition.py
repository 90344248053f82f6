"""How the cluster does, as the API sees it: whatever the database does meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest

from streams import condition, marks
from streams.absences import Absence, Absences, put_absences
from streams.condition import ClusterRuntime
from warning.engine.grid import Grid
from warning.runtime.clock import steady_seconds
from warning.service.health import ready
from warning.store.sql.database import Database

NOW = 1_700_000_000_000
PATIENCE = 10.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database in which a tick was judged."""
    database = Database(tmp_path / "x.db")
    database.migrate()
    with database.write() as connection:
        marks.put_judged(connection, marks.JudgedTick(number=1, watermark=NOW, at=NOW))
    yield database
    database.close()


@pytest.fixture
def runtime(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClusterRuntime]:
    """What looks into it, ten times a second."""
    monkeypatch.setattr(condition, "LOOK_SECONDS", 0.1)
    runtime = ClusterRuntime(database, Grid("UTC"), lambda: NOW, silent_after=timedelta(hours=1))
    runtime.start()
    yield runtime
    runtime.stop()


def rename(database: Database, table: str, name: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def until(true: Callable[[], bool]) -> None:
    end = steady_seconds() + PATIENCE
    while not true():
        assert steady_seconds() < end
        sleep(0.02)


def test_an_error_that_nobody_thought_of_is_shown_and_passes(database: Database, runtime: ClusterRuntime) -> None:
    """A table is away for a moment, as in a restore: it is said, and looked at again."""
    until(lambda: runtime.condition().ready and not runtime.condition().problem)
    rename(database, "meta", "meta_away")
    until(lambda: "OperationalError" in runtime.condition().problem)
    assert "OperationalError" in runtime.condition().problem_zh
    rename(database, "meta_away", "meta")
    until(lambda: not runtime.condition().problem)


def test_shards_that_are_left_out_are_told_of(database: Database, runtime: ClusterRuntime) -> None:
    """How many, since when, and what comes later, in both languages, until they are back."""
    absence = Absence(tick=2, since=NOW, shards=(1, 4), out=True)
    with database.write() as connection:
        put_absences(connection, Absences([absence]))
    until(lambda: "2 of the log's shards are left out since 14 Nov 22:13" in runtime.condition().notice)
    assert "2 个分片自 11-14 22:13 起未参与判定" in runtime.condition().notice_zh
    assert "2 of the log's shards" in ready(runtime.condition()).reason_en
    back = Absence(tick=3, since=NOW + 1, shards=(1, 4), out=False)
    with database.write() as connection:
        put_absences(connection, Absences([absence, back]))
    until(lambda: not runtime.condition().notice)


def test_the_feed_is_waited_for_after_an_error(
    database: Database, runtime: ClusterRuntime, caplog: pytest.LogCaptureFixture
) -> None:
    """Those who wait for the feed are woken after its table was away."""
    rename(database, "feed", "feed_away")
    assert not runtime.wait_for_feed(0, 0.5)
    assert "the feed cannot be looked at; it is tried again" in caplog.messages
    rename(database, "feed_away", "feed")
    with database.write() as connection:
        connection.exec_driver_sql(
            "INSERT INTO feed (sequence, at, kind, subject, change) VALUES (7, 1, 'alert', 'a', 'OPEN-1')"
        )
    assert runtime.wait_for_feed(6, PATIENCE)


def test_a_look_that_does_not_end_does_not_keep_the_process(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frozen database holds the thread; stop returns all the same."""
    monkeypatch.setattr(condition, "STOP_SECONDS", 0.05)
    begun, go_on = threading.Event(), threading.Event()

    class Frozen(ClusterRuntime):
        def look(self) -> None:
            begun.set()
            go_on.wait(PATIENCE)

    runtime = Frozen(database, Grid("UTC"), lambda: NOW, silent_after=timedelta(hours=1))
    runtime.start()
    assert begun.wait(PATIENCE)
    before = steady_seconds()
    runtime.stop()
    assert steady_seconds() - before < PATIENCE / 2
    go_on.set()
