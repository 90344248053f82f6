"""Copies of a PostgreSQL database in one file, and the way back. What is secret never leaves the house.

A file is what ``pg_dump --format=custom`` writes, and one line more with its SHA-256: PostgreSQL's programs read it as
it is, but do not notice every change of its bytes.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

from sqlalchemy import Connection, TableClause, exists, inspect, select

from warning.service.errors import BadInputError, UnwritableOutputError, unwritable
from warning.store.sql import schema
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreDamagedError, StoreVersionError
from warning.store.sql.placing import place
from warning.store.sql.postgres import PostgresPlace
from warning.store.sql.postgres_programs import run

_STAYS_AT_HOME = ("quarantine", "sessions", "one_time_tokens")
_VERSION = "alembic_version"
_SEAL = b"\nearly-warning backup, sha256 of all before this line: "
_BLOCK = 1 << 20
_SEAL_BYTES = len(_SEAL) + hashlib.sha256().digest_size * 2 + 1
_DUMPED_VERSION = re.compile(rf"^COPY \S*{_VERSION} .*;\n(\S+)\n", re.MULTILINE)


def back_up(database: Database, target: Path) -> None:
    """Write one file that holds the database as it is at one moment, while others go on writing.

    It appears whole or not at all, was read through, and holds no original of a refused item, no session, no sign-in
    link. Raises StoreAwayError, StoreVersionError where the database is of another program, UnwritableOutputError.
    """
    server = _server(database)
    with database.read() as connection:
        if schema.check(connection, database.where) is None:
            raise StoreVersionError.foreign(database.where)
    target = target.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.unfinished-", dir=target.parent) as scratch:
            part = Path(scratch) / target.name
            os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
            _dump(server, part, target)
            with part.open("r+b") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                file.write(_SEAL + digest.encode() + b"\n")
            _check(part)
            place(part, target)
    except OSError as error:
        raise unwritable(target, error) from error


def restore(backup: Path, database: Database) -> None:
    """Put a backup into a database that has no rows; all of it is there then, or nothing.

    Raises BadInputError for a file that is no sound backup, StoreVersionError for one of a newer program, or a database
    of another, UnwritableOutputError where the database has rows, StoreAwayError.
    """
    server = _server(database)
    _check(backup)
    with database.write() as connection:
        _clear(connection, database.where)
    how = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    done = run("pg_restore", *how, str(backup), url=server.url)
    if done.problem:
        raise UnwritableOutputError(
            database.where,
            f"the backup could not be put there ({done.problem})",
            "Nothing of it is; correct the cause and do it again.",
            f"{database.where}: 无法恢复备份 ({done.problem})。数据库中没有写入任何内容,请排除原因后重试。",
        )


def _server(database: Database) -> PostgresPlace:
    if not isinstance(database.place, PostgresPlace):
        msg = f"{database.where} is no PostgreSQL database"
        raise TypeError(msg)
    return database.place


def _dump(server: PostgresPlace, part: Path, target: Path) -> None:
    left_out = [f"--exclude-table-data={table}" for table in _STAYS_AT_HOME]
    how = ["--format=custom", "--no-owner", "--no-privileges", "--lock-wait-timeout=60000", f"--file={part}"]
    done = run("pg_dump", *how, *left_out, url=server.url)
    if done.problem:
        raise UnwritableOutputError(
            str(target),
            f"cannot be written ({done.problem})",
            "Free some space or choose another place; pg_dump must be as new as the server.",
            f"{target}: 无法写入 ({done.problem})。请清理空间或另选位置;pg_dump 版本不得低于服务器。",
        )


def _check(backup: Path) -> None:
    """Read a backup to its end; raises BadInputError for one that is not sound, or of a version not known here."""
    if not backup.is_file():
        raise BadInputError(str(backup), "does not exist", "Check the path.", f"{backup}: 不存在。请检查路径。")
    done = run("pg_restore", "--file=/dev/null", str(backup))
    if done.problem:
        raise StoreDamagedError(str(backup), done.problem)
    version = run("pg_restore", "--data-only", f"--table={_VERSION}", "--file=-", str(backup))
    found = _DUMPED_VERSION.search(version.output)
    if found is None:
        raise StoreVersionError.foreign(str(backup))
    schema.require_known(found[1], str(backup))
    if not _sealed(backup):
        raise StoreDamagedError(str(backup), "it is not what early-warning backup wrote, or was changed since")


def _sealed(backup: Path) -> bool:
    """Whether a file ends in the digest of what it holds."""
    left = backup.stat().st_size - _SEAL_BYTES
    if left < 0:
        return False
    digest = hashlib.sha256()
    with backup.open("rb") as file:
        while left:
            block = file.read(min(left, _BLOCK))
            if not block:
                return False
            digest.update(block)
            left -= len(block)
        return file.read() == _SEAL + digest.hexdigest().encode() + b"\n"


def _clear(connection: Connection, where: str) -> None:
    """Drop the tables, which a start of the program made, unless one has rows."""
    schema.check(connection, where)
    tables = inspect(connection).get_table_names()
    full = [name for name in tables if name != _VERSION and _has_rows(connection, name)]
    if full:
        raise UnwritableOutputError(
            where,
            f"has rows already ({', '.join(sorted(full))})",
            "Make an empty database and name it in the setting store.url; the old one then stays as it is.",
            f"{where}: 已有数据 ({', '.join(sorted(full))})。请新建空数据库并写入设置 store.url,原数据库保持不变。",
        )
    for name in tables:
        connection.exec_driver_sql(f"DROP TABLE {connection.dialect.identifier_preparer.quote(name)} CASCADE")


def _has_rows(connection: Connection, table: str) -> bool:
    return bool(connection.execute(select(exists().select_from(TableClause(table)))).scalar())
