"""Databases to test on: every test that takes ``database`` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from warning.store.sql.database import Database


@pytest.fixture(name="sqlite")
def _sqlite(tmp_path: Path) -> Iterator[Database]:
    """A file, for what only files do."""
    database = Database(tmp_path / "data" / "test.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture(name="database", params=["sqlite", "postgres_database"])
def _database(request: pytest.FixtureRequest) -> Database:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Database)
    return found
