"""Copies of a running SQLite database in one file, and the way back. What is secret stays at home."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from warning.service.errors import BadInputError, UnwritableOutputError, unwritable
from warning.store.sql import schema
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreDamagedError, StoreUnreadableError, StoreVersionError
from warning.store.sql.placing import place
from warning.store.sql.sqlite import cause_of, check_integrity, copy, forget_secrets, open_to_look

ASIDE = ".before-restore"
"""What the name of a database that a restore replaced ends in."""


def back_up(database: Path, target: Path) -> None:
    """Write one file that holds the database as it is at one moment, while others go on writing.

    It appears whole or not at all, was checked, and holds no original of a refused item, no session, no sign-in link.
    Raises BadInputError where there is no database, StoreVersionError where it is of another program,
    UnwritableOutputError.
    """
    _check(database)
    target = target.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.unfinished-", dir=target.parent) as scratch:
            part = Path(scratch) / target.name
            _copied(database, part, target)
            place(part, target)
    except OSError as error:
        raise unwritable(target, error) from error


def restore(backup: Path, database: Path, *, force: bool = False) -> Path | None:
    """Put a backup where a database is to be; returns where an older one was put aside (only with ``force``).

    Raises BadInputError for a file that is no sound backup, StoreVersionError for one of a newer program,
    UnwritableOutputError where a database is already, StoreInUseError where a service runs on it.
    """
    _check(backup)
    database = database.resolve()
    if database.exists() and not force:
        raise UnwritableOutputError(
            str(database),
            "is there already",
            "Give an empty data folder, or --force: the old database is then kept beside it.",
            f"{database}: 已存在。请指定空的数据目录,或加 --force (原数据库会保留在旁边)。",
        )
    try:
        return _restored(backup, database)
    except OSError as error:
        raise unwritable(database, error) from error


def _restored(backup: Path, database: Path) -> Path | None:
    database.parent.mkdir(parents=True, exist_ok=True)
    held = Database(database)
    held.claim()
    try:
        with tempfile.TemporaryDirectory(prefix=f".{database.name}.unfinished-", dir=database.parent) as scratch:
            part = Path(scratch) / database.name
            _copied(backup, part, database)
            aside = _put_aside(database)
            place(part, database)
        return aside
    finally:
        held.close()


def _copied(source: Path, part: Path, target: Path) -> None:
    """Copy a database into a new file; raises UnwritableOutputError naming the target."""
    os.close(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        copy(source, part)
        forget_secrets(part)
    except sqlite3.OperationalError as error:
        raise UnwritableOutputError(
            str(target),
            f"cannot be written ({error})",
            "Free some space or choose another place.",
            f"{target}: 无法写入 ({error})。请清理空间或另选位置。",
        ) from error
    _check(part)


def _check(path: Path) -> None:
    """Raise BadInputError for a file that is not a sound database of a version this program can read."""
    if not path.is_file():
        raise BadInputError(
            str(path), "does not exist", "Check the path or --data.", f"{path}: 不存在。请检查路径或 --data。"
        )
    try:
        with open_to_look(path).connect() as connection:
            problem = check_integrity(connection)
            version = schema.check(connection, str(path))
    except DatabaseError as error:
        if cause_of(error) is not None:
            raise StoreUnreadableError(str(path), str(error.orig)) from error
        problem, version = str(error.orig), None
    if problem:
        raise StoreDamagedError(str(path), problem)
    if version is None:
        raise StoreVersionError.foreign(str(path))


def _put_aside(database: Path) -> Path | None:
    """Move an older database with the files that belong to it; returns where to."""
    if not database.exists():
        return None
    number = 1
    while (aside := database.with_name(f"{database.name}{ASIDE}-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        part = database.with_name(database.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
