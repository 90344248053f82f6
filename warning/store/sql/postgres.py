"""All that is particular to PostgreSQL: how it is opened, begins to write and fails.

Rows are visible in the order of their numbers: writers that give numbers are alone (:data:`_WRITING`), and the lock
goes only when what they wrote can be seen. A connection that is lost while it commits leaves open whether it did:
whoever writes again must find out, by a position stored in the same transaction or because the write says the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from warning.service.errors import BadInputError
from warning.store.sql import schema
from warning.store.sql.claim import Claim
from warning.store.sql.errors import StoreAwayError, StoreUnwritableError, StoreVersionError
from warning.store.sql.postgres_causes import AWAY, cause_of, first_line, is_damage

_LOCKS = 20_260_302
"""The first number of every advisory lock of ours."""
_WRITING = 1

_PAUSE_MS = 8_000
"""A process that pauses so long amid a write is broken off, before those that wait for it give up."""
_LOCK_MS = 12_000
_STATEMENT_MS = 60_000
_READER_PAUSE_MS = 600_000
"""History is read in one transaction, while an engine learns from it."""
_MIGRATION_MS = 600_000

_SETTINGS = {
    "idle_in_transaction_session_timeout": _READER_PAUSE_MS,
    "lock_timeout": _LOCK_MS,
    "statement_timeout": _STATEMENT_MS,
    "synchronous_commit": "on",
    "client_encoding": "UTF8",
}

_WAIT_SECONDS = 10.0
_CONNECTIONS = 16
"""Of one process at most: PostgreSQL has a hundred for all, and a read takes a millisecond."""


class PostgresPlace:
    """A database on a server, by its URL; the password comes apart, and is never shown."""

    side_by_side = True

    def __init__(self, url: URL, password: str = "") -> None:
        password = password or url.password or ""
        self._url = url.set(drivername="postgresql+psycopg", password=password or None)
        self.where = url._replace(drivername="postgresql", password=None).render_as_string()  # set() takes nothing away
        self._scrubbed = False
        self._engine = _open_engine(self._url)
        self.reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self.writing = self._engine.execution_options(isolation_level="READ COMMITTED")

    @property
    def url(self) -> URL:
        """The URL, with its password."""
        return self._url

    @property
    def path(self) -> Path:
        msg = f"{self.where} is no file"
        raise TypeError(msg)

    def prepare(self) -> None:
        """Make nothing: a database is made by whoever owns the server."""

    def begin(self, connection: Connection, *, alone: bool) -> None:
        pause = f"set_config('idle_in_transaction_session_timeout', '{_PAUSE_MS}', true)"
        lock = f", pg_advisory_xact_lock({_LOCKS}, {_WRITING})" if alone else ""
        connection.exec_driver_sql(f"SELECT {pause}{lock}")

    def begin_migration(self, connection: Connection) -> None:
        """Wait as long as another process migrates; raises BadInputError for a database that cannot hold every text."""
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar()
        if encoding != "UTF8":
            raise BadInputError(
                self.where,
                f"is encoded in {encoding}",
                "Make it anew: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0.",
                f"{self.where}: 编码为 {encoding}。请以 ENCODING 'UTF8' TEMPLATE template0 重建。",
            )
        for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = {_MIGRATION_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCKS}, {_WRITING})")

    @contextmanager
    def migrating(self, connection: Connection, version: str) -> Iterator[None]:
        """Leave the tables alone under processes of an older program, whose sessions tell by their name.

        Raises StoreVersionError where there are such.
        """
        if _others(connection):
            raise StoreVersionError.running(self.where, version, 0)
        yield

    def refusal(self, error: Exception, *, reading: bool = False) -> StoreUnwritableError | None:
        if isinstance(error, PoolTimeoutError):
            return StoreAwayError(
                self.where, "this process has all its connections in use", "本进程的数据库连接已全部占用"
            )
        if not isinstance(error, DBAPIError):
            return None
        cause = cause_of(error)
        if cause is None:
            return None
        kind = StoreAwayError if reading or cause.code in AWAY else StoreUnwritableError
        return kind(self.where, cause.english, cause.chinese)

    def is_damage(self, error: DBAPIError) -> bool:
        return is_damage(error)

    def claim(self) -> Claim | None:
        """Take nothing: several processes share a database here, and positions say who is ahead."""
        return None

    def lock(self, connection: Connection, name: str) -> None:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCKS + 1}, hashtext(:name))"), {"name": name})

    def overwriting(self, connection: Connection) -> AbstractContextManager[None]:
        """Do nothing yet: :meth:`scrub` does, all at once."""
        return nullcontext()

    def scrub(self, deleted: frozenset[str]) -> bool:
        """Write the table of originals anew, without what was deleted from it.

        Its old file goes with the next checkpoint; the server's write-ahead log holds what it wrote until it uses
        those files again. False while somebody reads the table for long.
        """
        if not deleted & {"quarantine", "dead_letters"}:
            return True
        try:
            with self._engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                connection.exec_driver_sql("VACUUM (FULL) quarantine")
        except DBAPIError as error:
            if self.refusal(error) is None:
                raise
            return False
        self._scrubbed = True
        return True

    def close(self) -> None:
        self._engine.dispose()


def _open_engine(url: URL) -> Engine:
    options = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
    try:
        engine = create_engine(
            url,
            pool_size=4,
            max_overflow=_CONNECTIONS - 4,
            pool_timeout=_WAIT_SECONDS,
            pool_use_lifo=True,
            pool_pre_ping=True,
            hide_parameters=True,  # an error's text goes into the log, and a row may tell of a person
            connect_args={
                "connect_timeout": 2,
                "application_name": _name(),
                "options": options,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 3,
                "tcp_user_timeout": 15_000,  # a server that vanished without a word is noticed
            },
        )
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"package {error.name}",
            "is not installed",
            "PostgreSQL needs the extra `cluster`: pip install 'early-warning[service,cluster]'.",
            f"{error.name}: 未安装。PostgreSQL 需要扩展 cluster: pip install 'early-warning[service,cluster]'。",
        ) from error
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "handle_error", _hide_rows)
    return engine


def _name() -> str:
    """Return what the server's list of sessions shows: the program, and the version of the tables it knows."""
    return f"early-warning/{schema.head()}"


def _others(connection: Connection) -> int:
    """Count this database's sessions of programs like this one that know other tables."""
    wanted = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name LIKE 'early-warning/%' AND application_name <> :name"
    )
    return int(connection.execute(wanted, {"name": _name()}).scalar_one())


def _prepare(connection: Any, _: object) -> None:
    """Let a text with a zero byte, which only a forged query has, be a text that no row has, not an error."""
    from psycopg.types.string import StrDumperUnknown  # noqa: PLC0415  of an extra

    class WithoutZero(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)

    connection.adapters.register_dumper(str, WithoutZero)


def _hide_rows(context: ExceptionContext) -> None:
    """Keep the first line of an error: the others may quote a row."""
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None and error.args and isinstance(error.args[0], str):
            error.args = (first_line(error.args[0]), *error.args[1:])
