"""What an intake worker learns from the database beside its work, and what ends it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.intake import beside as module
from streams.intake.beside import DatabaseSide
from streams.intake.sources import RememberedSources
from tests.streams.intake.parts import NOW, Registered
from tests.streams.workers import until
from warning.bootstrap.folder import remember
from warning.service.errors import BadInputError
from warning.settings import Settings
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
        until(lambda: ended, "it ends")
        assert isinstance(ended[0], BadInputError)
        assert "service.tick_minutes" in str(ended[0])
        assert not side.usable
    finally:
        asyncio.run(side.stop())
