"""Migrations: from nothing they give exactly the tables, and a database of another program is left alone."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from tests.warning.store.sql.processes import get, put
from warning.store.sql import schema
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreDamagedError, StoreVersionError
from warning.store.sql.tables import metadata


def statements(path: Path) -> dict[str, str]:
    """Everything a database consists of, by name, but for Alembic's own table and spaces."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: "".join(sql.split()) for name, sql in rows if name != "alembic_version"}


def test_migrations_give_the_tables(database: Database) -> None:
    """Migrating from nothing gives the tables, as far as Alembic can tell."""
    with database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrations_give_the_tables_to_the_letter(sqlite: Database, tmp_path: Path) -> None:
    """Migrating from nothing gives, statement for statement, what the tables say; only SQLite keeps its statements."""
    engine = create_engine(f"sqlite:///{tmp_path / 'meta.db'}")
    metadata.create_all(engine)
    engine.dispose()
    assert statements(sqlite.path) == statements(tmp_path / "meta.db")


def test_migrating_again_changes_nothing(database: Database) -> None:
    """A database at the program's version is left as it is."""
    put(database, "a", 1)
    database.migrate()
    assert get(database, "a") == "1"
    with database.read() as connection:
        assert schema.check(connection, "") == schema.head() is not None


def test_a_newer_database_is_refused(database: Database) -> None:
    """A database that a newer program wrote is refused in both languages, with what to do, and not touched."""
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreVersionError, match=r"newer version.*9999.*[Rr]estore|[Ii]nstall") as error:
        database.migrate()
    assert "更新版本" in error.value.zh


def test_a_running_services_tables_stay_as_they_are(sqlite: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command of a newer program does not migrate under a running service, and says to stop it first."""
    present = schema.head()
    monkeypatch.setattr(schema, "head", lambda: "9998")
    upgrades: list[str] = []
    monkeypatch.setattr(command, "upgrade", lambda _, revision: upgrades.append(revision))
    sqlite.claim()
    beside = Database(sqlite.path)
    with pytest.raises(StoreVersionError, match=rf"schema {present}.*Stop the service first") as error:
        beside.migrate()
    assert f"process {os.getpid()}" in str(error.value)
    assert "请先停止" in error.value.zh
    assert upgrades == []
    sqlite.close()
    beside.migrate()
    sqlite.claim()
    sqlite.migrate()
    assert upgrades == ["head", "head"]
    beside.close()


def test_a_foreign_database_is_refused(tmp_path: Path) -> None:
    """A database with tables of its own is refused and keeps them."""
    path = tmp_path / "other.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE photos (id INTEGER)")
    with pytest.raises(StoreVersionError, match="not a database of this program"):
        Database(path).migrate()
    assert set(statements(path)) == {"photos"}


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """A file of something else is refused in both languages, with what to do, and not touched."""
    path = tmp_path / "text.db"
    path.write_text("not a database" * 999)
    with pytest.raises(StoreDamagedError, match="Restore a backup") as error:
        Database(path).migrate()
    assert "恢复备份" in error.value.zh
    assert path.read_text() == "not a database" * 999


def test_a_migration_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the process dies or an error comes half way, no table is there, and the next start begins again."""
    database = Database(tmp_path / "a.db")
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", _half_way)
        with pytest.raises(KeyError):
            database.migrate()
    assert statements(database.path) == {}
    database.migrate()
    assert "log" in statements(database.path)
    database.close()


def _half_way(config: Config, revision: str) -> None:
    connection = config.attributes["connection"]
    connection.exec_driver_sql("CREATE TABLE log (position INTEGER)")
    raise KeyError


def test_the_file_is_private(sqlite: Database) -> None:
    """Only the owner can read the database, which holds accounts, and what lies beside it."""
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in sqlite.path.parent.iterdir()}
    assert set(modes.values()) == {0o600}


def test_the_first_version_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database of the first version keeps what it has and gets the tables that came later."""
    database = Database(tmp_path / "a.db")
    upgrade = command.upgrade
    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        database.migrate()
    assert "stage_snapshots" not in statements(database.path)
    put(database, "a", 1)
    database.migrate()
    assert (get(database, "a"), "stage_snapshots" in statements(database.path)) == ("1", True)
    database.close()
