"""Accounts on the database of a data folder, for the service and for the commands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from warning.runtime.clock import now_ms
from warning.service.accounts import Accounts
from warning.service.errors import BadInputError
from warning.store.sql.accounts import SqlAccounts
from warning.store.sql.database import Database

DATABASE = "early-warning.db"
"""The file in the data folder."""


def wall_now() -> datetime:
    """Return the time by the wall clock."""
    return datetime.fromtimestamp(now_ms() / 1000, UTC)


def build_accounts(database: Database) -> Accounts:
    """Build accounts that go by the wall clock, also where the service's clock is a fast one."""
    return Accounts(SqlAccounts(database), now=wall_now)


def require_database(data: Path) -> None:
    """Raise BadInputError for a folder without a database."""
    if not (data / DATABASE).exists():
        raise BadInputError(
            str(data),
            "holds no database of the service",
            "Start the service on it first, or name the right folder with --data.",
            f"{data}: 没有服务数据库。请先在该目录启动服务,或用 --data 指定正确的目录。",
        )


@contextmanager
def open_accounts(data: Path, *, create: bool = False) -> Iterator[Accounts]:
    """Give the accounts of a data folder, whether or not a service runs on it.

    Raises BadInputError for a folder without a database, unless it may be created.
    """
    if not create:
        require_database(data)
    database = Database(data / DATABASE)
    database.migrate()
    try:
        yield build_accounts(database)
    finally:
        database.close()
