"""The version of a database's tables, and the way to this program's."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from warning.store.sql.errors import StoreVersionError

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(connection: Connection, where: str) -> None:
    """Bring the tables to this program's version, in the connection's transaction.

    Raises StoreVersionError, and changes nothing, for a database that a newer program wrote, or another one.
    """
    config = _config()
    config.attributes["connection"] = connection
    if check(connection, where) != head():
        command.upgrade(config, "head")


def check(connection: Connection, where: str) -> str | None:
    """Return the version of the tables (None: there are none); raises StoreVersionError for one not known."""
    version = MigrationContext.configure(connection).get_current_revision()
    if version is not None:
        require_known(version, where)
    if version is None and set(inspect(connection).get_table_names()) - {"alembic_version"}:
        raise StoreVersionError.foreign(where)
    return version


def require_known(version: str, where: str) -> None:
    """Raise StoreVersionError for a version that this program does not know."""
    if version not in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}:
        raise StoreVersionError.newer(where, version)


def head() -> str | None:
    """Return this program's version of the tables."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
