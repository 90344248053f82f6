"""A database: many readers, one writer at a time, and errors that say what to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError

from warning.service.errors import unwritable
from warning.store.sql import schema
from warning.store.sql.claim import Claim
from warning.store.sql.errors import StoreDamagedError, StoreInUseError, StoreUnwritableError, StoreVersionError
from warning.store.sql.sqlite import WRITES, cause_of, is_damage, make_private, open_engine


class Database:
    """One SQLite file, given by its path or as ``sqlite:///PATH``. Thread-safe.

    After a failed write the same object works again as soon as the disk does.
    """

    def __init__(self, place: Path | str) -> None:
        self.path = _path(place)
        self._engine = open_engine(self.path)
        self._writing = self._engine.execution_options(**{WRITES: True})
        self._writer = threading.Lock()
        self._writing_thread = 0
        self._claim: Claim | None = None
        self.refusal: StoreUnwritableError | None = None
        """Why the latest write failed; None when it did not."""

    def migrate(self) -> None:
        """Make the file and its tables, or bring them to this program's version.

        Raises StoreVersionError for a database that a newer program wrote, or an older one that still runs on it as a
        service, StoreDamagedError for a file that is none,
        UnwritableOutputError for a place that nothing can be written to, StoreUnwritableError for a full disk.
        """
        try:
            make_private(self.path)
        except OSError as error:
            raise unwritable(self.path, error) from error
        try:
            with self.write() as connection:
                version = schema.check(connection, str(self.path))
                if version != schema.head():
                    with self._alone_on_it(version):
                        schema.upgrade(connection, str(self.path))
        except DatabaseError as error:
            if is_damage(error):
                raise StoreDamagedError(str(self.path), str(error.orig)) from error
            raise

    def claim(self) -> None:
        """Hold the database for this process as the one service on it, until :meth:`close`.

        Raises StoreInUseError naming the process that holds it. Tools that touch accounts only need no claim.
        """
        if self._claim is None:
            self._claim = Claim(self.path)

    @contextmanager
    def _alone_on_it(self, version: str | None) -> Iterator[None]:
        """Keep services off while tables that there are change: one of an older program would go on as if they had not.

        Raises StoreVersionError where one runs.
        """
        if version is None or self._claim is not None:
            yield
            return
        try:
            claim = Claim(self.path)
        except StoreInUseError as error:
            raise StoreVersionError.running(str(self.path), version, error.pid) from error
        try:
            yield
        finally:
            claim.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database, whatever is written meanwhile."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give the one connection that may write: all of the block is stored durably, or nothing of it.

        Raises StoreUnwritableError where the disk refuses. A block inside another is a mistake (RuntimeError): it would
        wait for itself.
        """
        with self._alone():
            try:
                with self._writing.connect() as connection, _given_up_on_failure(connection), connection.begin():
                    yield connection
                self.refusal = None
            except DBAPIError as error:
                cause = cause_of(error)
                if cause is None:
                    raise
                self.refusal = StoreUnwritableError(str(self.path), *cause)
                raise self.refusal from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait for this process' other writers."""
        if self._writing_thread == threading.get_ident():
            raise RuntimeError("a write inside a write: pass the connection on instead")
        with self._writer:
            self._writing_thread = threading.get_ident()
            try:
                yield
            finally:
                self._writing_thread = 0

    def close(self) -> None:
        """Close all connections and let the claim go; the object can be used again."""
        self._engine.dispose()
        if self._claim is not None:
            self._claim.release()
            self._claim = None


@contextmanager
def _given_up_on_failure(connection: Connection) -> Iterator[None]:
    """Let no one use a connection again that met an error of the disk."""
    try:
        yield
    except DBAPIError as error:
        if cause_of(error) is not None:
            connection.invalidate(error)
        raise


def _path(place: Path | str) -> Path:
    if isinstance(place, str) and "://" in place:
        url = make_url(place)
        if url.get_backend_name() != "sqlite" or not url.database:
            msg = f"this version stores in SQLite files only, not in {url.render_as_string()}"
            raise ValueError(msg)
        place = url.database
    return Path(place)
