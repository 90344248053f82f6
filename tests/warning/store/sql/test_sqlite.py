"""What only a SQLite file does: one service on it, a disk that fills up, and places that are none."""

from __future__ import annotations

import os
import signal
import traceback
from pathlib import Path

import pytest

from tests.warning.disks import CRAMPED, Cramp
from tests.warning.store.sql.processes import get, put, run
from warning.service.errors import UnwritableOutputError
from warning.service.ports import StoreBusyError
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreInUseError, StoreUnwritableError


def test_two_services_cannot_run_on_one_database(sqlite: Database) -> None:
    """A second claim is refused, naming the process that holds the first, until that one lets go or dies."""
    sqlite.claim()
    sqlite.claim()
    other = Database(sqlite.path)
    with pytest.raises(StoreInUseError, match=str(os.getpid())) as error:
        other.claim()
    assert str(os.getpid()) in error.value.zh
    assert "StoreInUseError" in run("database.claim()", sqlite.path).stderr
    sqlite.close()
    other.claim()
    other.close()
    assert run("database.claim(); os.kill(os.getpid(), signal.SIGKILL)", sqlite.path).returncode == -signal.SIGKILL
    sqlite.claim()


def test_a_database_that_cannot_grow_says_so_and_recovers(sqlite: Database) -> None:
    """A write beyond the room there is fails whole, with when to try again; once there is room it works."""
    put(sqlite, "small", 1)
    with sqlite.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with sqlite.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnwritableError, match="disk is full") as error:
        put(sqlite, "large", "x" * 1_000_000)
    assert isinstance(error.value, StoreBusyError)
    assert error.value.retry_after > 0
    assert "磁盘已满" in error.value.zh
    assert (get(sqlite, "small"), get(sqlite, "large")) == ("1", None)
    put(sqlite, "large", "x" * 1_000_000)
    assert get(sqlite, "large") == "x" * 1_000_000


@pytest.mark.parametrize("cramp", CRAMPED)
def test_a_full_disk_loses_nothing_that_was_accepted(cramp: Cramp, tmp_path: Path) -> None:
    """On a disk that fills up writes fail whole until someone makes room; what was stored stays, and reads go on."""
    code = """
ballast = Path(sys.argv[1]).with_name("ballast")
ballast.write_bytes(bytes(300_000))
database.migrate()
stored = []
try:
    for number in range(100):
        put(database, f"k{number}", "x" * 50_000)
        stored.append(number)
except StoreUnwritableError as error:
    print("refused", error)
assert 0 < len(stored) < 100
assert [n for n in range(100) if get(database, f"k{n}")] == stored
ballast.unlink()
for number in range(30):
    put(database, "again", number)
assert get(database, "again") == "29"
assert [n for n in range(100) if get(database, f"k{n}")] == stored
"""
    with cramp(tmp_path) as (place, before):
        done = run(code, place / "a.db", before=before)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused" in done.stdout


def test_a_read_only_database_says_so_and_recovers(sqlite: Database) -> None:
    """A write that meets a database that may only be read says so; the next one tries on a connection of its own."""
    with sqlite.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreUnwritableError, match="read-only"):
        put(sqlite, "a", 1)
    put(sqlite, "a", 2)
    assert get(sqlite, "a") == "2"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """A write to a database that is not there, or no file, says that it cannot be opened."""
    with pytest.raises(StoreUnwritableError, match="cannot be opened"):
        put(Database(tmp_path), "a", 1)


def test_a_place_that_is_no_place(tmp_path: Path) -> None:
    """A database below a file cannot be made, and the error says where."""
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableOutputError, match="part of the path is a file"):
        Database(tmp_path / "file" / "a.db").migrate()


@pytest.mark.parametrize("url", ["mysql://me:secret@host/name", "postgresql://me:secret@host:x/name"])
def test_places_by_url(tmp_path: Path, url: str) -> None:
    """A place may be a SQLite URL; another kind of database, or no URL, is refused without showing its password."""
    assert Database(f"sqlite:///{tmp_path}/a.db").path == tmp_path / "a.db"
    with pytest.raises(ValueError, match=r"SQLite|cannot be read") as error:
        Database(url)
    assert "secret" not in "".join(traceback.format_exception(error.value))


def test_a_refusal_is_remembered_until_a_write_succeeds(sqlite: Database) -> None:
    """What refused the latest write stands on the database, for whoever has nothing to write now."""
    with sqlite.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreUnwritableError):
        put(sqlite, "a", 1)
    assert sqlite.refusal is not None
    assert "read-only" in str(sqlite.refusal)
    put(sqlite, "a", 2)
    assert sqlite.refusal is None
