"""A database to test on. PostgreSQL joins here: every test that takes ``database`` then runs on both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from warning.store.sql.database import Database


@pytest.fixture(name="database")
def _database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "data" / "test.db")
    database.migrate()
    yield database
    database.close()
