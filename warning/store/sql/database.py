"""A database: many readers, one writer at a time, and errors that say what to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from warning.store.sql import schema
from warning.store.sql.claim import Claim
from warning.store.sql.errors import StoreDamagedError, StoreUnwritableError
from warning.store.sql.place import Place
from warning.store.sql.postgres import PostgresPlace
from warning.store.sql.sqlite import SqlitePlace


class Database:
    """One SQLite file, by its path or as ``sqlite:///PATH``, or one PostgreSQL database, by its URL. Thread-safe.

    After something failed the same object works again as soon as the disk or the server does.
    """

    def __init__(self, place: Path | str, password: str = "") -> None:
        self.place = _place(place, password)
        self._writer = threading.Lock()
        self._thread = threading.local()
        self._claim: Claim | None = None
        self.refusal: StoreUnwritableError | None = None
        """Why the latest write failed; None when it did not."""

    @property
    def path(self) -> Path:
        """The SQLite file; a mistake (TypeError) for a database on a server."""
        return self.place.path

    @property
    def where(self) -> str:
        """The database as people are shown it, without a password."""
        return self.place.where

    def migrate(self) -> None:
        """Make the tables, or bring them to this program's version; several processes may do so at the same time.

        Raises StoreVersionError for a database that a newer program wrote, or an older one that still runs on it,
        StoreDamagedError for a file that is none,
        UnwritableOutputError for a place that nothing can be written to, StoreUnwritableError for a full disk.
        """
        self.place.prepare()
        try:
            with self.write(alone=False) as connection:
                self.place.begin_migration(connection)
                version = schema.check(connection, self.where)
                if version != schema.head():
                    fresh = version is None or self._claim is not None
                    with nullcontext() if fresh else self.place.migrating(connection, version or ""):
                        schema.upgrade(connection, self.where)
        except DatabaseError as error:
            if self.place.is_damage(error):
                raise StoreDamagedError(self.where, str(error.orig)) from error
            raise

    def claim(self) -> None:
        """Hold a SQLite database for this process as the one service on it, until :meth:`close`.

        Raises StoreInUseError naming the process that holds it. Tools that touch accounts only need no claim. Of a
        PostgreSQL database, which the processes of a cluster share, nothing is held.
        """
        if self._claim is None:
            self._claim = self.place.claim()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database, whatever is written meanwhile.

        Raises StoreAwayError where a server does not answer.
        """
        try:
            with self.place.reading.connect() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError) as error:
            refusal = self.place.refusal(error, reading=True)
            if refusal is None:
                raise
            raise refusal from error

    @contextmanager
    def write(self, *, alone: bool = True) -> Iterator[Connection]:
        """Give a connection that may write: all of the block is stored durably, or nothing of it.

        alone : no other such block runs meanwhile, in any process, so that numbers are seen in the order given; where
            that does not matter, PostgreSQL lets the others write too

        Raises StoreUnwritableError where the database refuses, StoreAwayError where a server does not answer. A block
        inside another is a mistake (RuntimeError): it would wait for itself.
        """
        with self._turn(alone=alone or not self.place.side_by_side):
            try:
                with self.place.writing.connect() as connection, self._given_up(connection), connection.begin():
                    self.place.begin(connection, alone=alone)
                    yield connection
                self.refusal = None
            except (DBAPIError, PoolTimeoutError) as error:
                refusal = self.place.refusal(error)
                if refusal is None:
                    raise
                self.refusal = refusal
                raise refusal from error

    @contextmanager
    def _turn(self, *, alone: bool) -> Iterator[None]:
        """Wait for this process' other writers."""
        if getattr(self._thread, "writes", False):
            raise RuntimeError("a write inside a write: pass the connection on instead")
        with self._writer if alone else nullcontext():
            self._thread.writes = True
            try:
                yield
            finally:
                self._thread.writes = False

    @contextmanager
    def _given_up(self, connection: Connection) -> Iterator[None]:
        """Let no one use a connection again that met an error of the disk."""
        try:
            yield
        except DBAPIError as error:
            if self.place.refusal(error) is not None:
                connection.invalidate(error)
            raise

    def close(self) -> None:
        """Close all connections and let the claim go; the object can be used again."""
        self.place.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None


def _place(place: Path | str, password: str) -> Place:
    if isinstance(place, Path) or "://" not in place:
        return SqlitePlace(Path(place))
    try:
        url = make_url(place)
    except (ArgumentError, ValueError):
        raise ValueError("the database's URL cannot be read") from None  # it may hold a password
    if url.get_backend_name() == "postgresql" and url.database:
        return PostgresPlace(url, password)
    if url.get_backend_name() == "sqlite" and url.database:
        return SqlitePlace(Path(url.database))
    msg = f"this version stores in SQLite files and PostgreSQL databases only, not in {url.render_as_string()}"
    raise ValueError(msg)
