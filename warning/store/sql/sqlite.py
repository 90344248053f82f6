"""All that is particular to SQLite: how it is opened, begins to write, fails, and is copied while it runs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event
from sqlalchemy.exc import DBAPIError

from warning.service.errors import unwritable
from warning.store.sql.claim import Claim
from warning.store.sql.errors import StoreInUseError, StoreUnwritableError, StoreVersionError

_WRITES = "writes"
"""Execution option of connections that take the write lock when they begin."""

_PRAGMAS = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "busy_timeout = 10000",
    "temp_store = MEMORY",
    "cache_size = -32768",
    "journal_size_limit = 67108864",
)
"""WAL: readers and the writer do not wait for each other. FULL: what is committed survives a loss of power."""

_READERS = 64
"""Connections at most; as many threads as a web server's pool has may read at once."""

_MOMENT_MS = 1_000
"""Writers wait so long at most while the log is emptied."""

_CAUSES: dict[int, tuple[str, str]] = {
    sqlite3.SQLITE_FULL: ("the disk is full", "磁盘已满"),
    sqlite3.SQLITE_IOERR: ("the disk gives an error or is full", "磁盘读写出错或已满"),
    sqlite3.SQLITE_READONLY: ("it is read-only", "数据库只读"),
    sqlite3.SQLITE_CANTOPEN: ("the file cannot be opened", "无法打开文件"),
    sqlite3.SQLITE_BUSY: ("another process is writing", "其他进程正在写入"),
    sqlite3.SQLITE_LOCKED: ("another process is writing", "其他进程正在写入"),
}


class SqlitePlace:
    """A file."""

    side_by_side = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.where = str(path)
        self.reading = _open_engine(path)
        self.writing = self.reading.execution_options(**{_WRITES: True})

    def prepare(self) -> None:
        """Make an empty file that only its owner can read, if there is none: it will hold accounts.

        Raises UnwritableOutputError for a place that nothing can be written to.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise unwritable(self.path, error) from error

    def begin(self, connection: Connection, *, alone: bool) -> None:
        """Do nothing: the connection has the file's one lock already."""

    def begin_migration(self, connection: Connection) -> None:
        """Do nothing: the connection has the file's one lock already."""

    @contextmanager
    def migrating(self, connection: Connection, version: str) -> Iterator[None]:
        """Keep services off while tables that there are change: an older program would go on as if they had not.

        Raises StoreVersionError where one runs.
        """
        try:
            claim = self.claim()
        except StoreInUseError as error:
            raise StoreVersionError.running(self.where, version, error.pid) from error
        try:
            yield
        finally:
            claim.release()

    def refusal(self, error: Exception, *, reading: bool = False) -> StoreUnwritableError | None:
        cause = cause_of(error) if isinstance(error, DBAPIError) and not reading else None
        return None if cause is None else StoreUnwritableError(self.where, *cause)

    def is_damage(self, error: DBAPIError) -> bool:
        return is_damage(error)

    def claim(self) -> Claim:
        """Take the lock; raises StoreInUseError naming the process that holds it."""
        return Claim(self.path)

    def lock(self, connection: Connection, name: str) -> None:
        """Do nothing: the connection has the file's one lock already."""

    def overwriting(self, connection: Connection) -> AbstractContextManager[None]:
        return overwriting(connection)

    def scrub(self, deleted: frozenset[str]) -> bool:
        return empty_log(self.path)

    def close(self) -> None:
        self.reading.dispose()


def _open_engine(path: Path) -> Engine:
    """Return an engine on a file; nothing is opened or made yet."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        pool_size=8,
        max_overflow=_READERS - 8,
        pool_use_lifo=True,
        hide_parameters=True,  # an error's text goes into the log, and a row may tell of a person
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def open_to_look(path: Path) -> Engine:
    """Return an engine that changes nothing about a file, not even how it is journalled."""
    address = f"file:{quote(str(path.resolve()))}?mode=ro"
    return create_engine("sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool)


def cause_of(error: DBAPIError) -> tuple[str, str] | None:
    """Say in both languages why the disk refused; None for an error that is not the disk's."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else _CAUSES.get(code & 0xFF)


def is_damage(error: DBAPIError) -> bool:
    """Whether an error says that the file is damaged, or no database at all."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _prepare(connection: Any, _: object) -> None:
    connection.isolation_level = None  # the driver begins no transactions of its own: _begin does
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")


def copy(source: Path, target: Path) -> None:
    """Copy a database, as it is at one moment, into an empty file; writers of the source do not wait for it."""
    with closing(sqlite3.connect(source, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout = 10000")
        connection.execute("VACUUM INTO ?", (str(target),))


_STAYS_AT_HOME = ("quarantine", "sessions", "one_time_tokens")


def forget_secrets(path: Path) -> None:
    """Delete from a copy the originals of refused items, and what lets somebody in; no byte is left in the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA journal_mode = MEMORY")
        for table in _STAYS_AT_HOME:
            connection.execute(f"DELETE FROM {table}")  # noqa: S608  names of ours


@contextmanager
def overwriting(connection: Connection) -> Iterator[None]:
    """Let what is deleted inside be overwritten with zeros, where otherwise its bytes would stay in free pages."""
    before = connection.exec_driver_sql("PRAGMA secure_delete").scalar()
    connection.exec_driver_sql("PRAGMA secure_delete = ON")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA secure_delete = {before}")


def empty_log(path: Path) -> bool:
    """Bring the write-ahead log into the file and empty it, so that no byte of older pages is left in it.

    False, and to be tried again later, while somebody reads an older state for longer than a moment (a backup).
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA busy_timeout = {_MOMENT_MS}")
        busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def check_integrity(connection: Connection) -> str:
    """Return what is wrong inside a database; empty when nothing is."""
    found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
    return "" if found == "ok" else found
