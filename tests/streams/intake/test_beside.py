"""What an intake worker learns from the database beside its work, and what ends it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.generations import LogMovedError
from streams.intake import beside as module
from streams.intake.beside import DatabaseSide
from streams.intake.inputs import Inputs
from streams.intake.sources import RememberedSources
from tests.cluster.workers import wait_for
from tests.streams.intake.parts import NOW, Registered
from warning.bootstrap.folder import remember
from warning.service.errors import BadInputError
from warning.settings import Settings
from warning.store.sql import meta
from warning.store.sql.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A migrated database; what stops on it may have closed it."""
    opened = Database(tmp_path / "early-warning.db")
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """Why the process would have ended."""
    reasons: list[BaseException] = []
    monkeypatch.setattr(module, "end_process", reasons.append)
    return reasons


def _side(database: Database, settings: Settings | None = None) -> DatabaseSide:
    return DatabaseSide(settings or Settings(), database, RememberedSources(Registered()), lambda: NOW)


def test_another_step_of_the_clock_ends_the_worker(database: Database, ended: list[BaseException]) -> None:
    """A worker whose ticks would be numbered otherwise than those before ends before it writes one."""
    remember(Settings(), database)
    other = Settings.model_validate({"service": {"tick_minutes": 15}})
    side = _side(database, other)
    asyncio.run(side.start())
    try:
        wait_for(lambda: ended, "it ends")
        assert isinstance(ended[0], BadInputError)
        assert "service.tick_minutes" in str(ended[0])
        assert not side.usable
    finally:
        asyncio.run(side.stop())


def test_a_log_that_has_moved_ends_the_worker(database: Database, ended: list[BaseException]) -> None:
    """A worker that lives while the log gets another topic ends within seconds, and says where the log is now."""
    side = _side(database)
    asyncio.run(side.start())
    try:
        wait_for(lambda: side.usable, "the database answers")
        _move(database)
        wait_for(lambda: ended, "it ends")
        assert str(ended[0]).startswith("the log is no longer tickets but tickets.g2")
    finally:
        asyncio.run(side.stop())


def test_partitions_that_come_back_are_not_read_once_the_log_has_moved(
    database: Database, ended: list[BaseException]
) -> None:
    """A worker that was paused meanwhile looks before it polls: at once, not with its next look at the sources."""
    side = _side(database)
    assert side._begin()
    side._usable = True
    inputs = Inputs(Settings(), ["tickets.raw"], lambda: NOW, before_work=side.see_that_the_log_stands)
    asyncio.run(inputs.on_partitions_assigned([]))
    assert (inputs.assigned, ended) == (True, [])
    _move(database)
    asyncio.run(inputs.on_partitions_assigned([]))
    (reason,) = ended
    assert isinstance(reason, LogMovedError)


def test_a_database_that_was_never_there_holds_nothing_up(database: Database, ended: list[BaseException]) -> None:
    """Before the database has answered nothing is known to have moved, and partitions are taken."""
    _move(database)
    asyncio.run(_side(database).see_that_the_log_stands())
    assert not ended


def _move(database: Database) -> None:
    with database.write() as connection:
        meta.put(connection, meta.LOG_TOPIC, "tickets.g2")
