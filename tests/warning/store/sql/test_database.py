"""A database under what happens to databases: errors, crashes, full disks, readers beside a writer, two services."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.warning.disks import CRAMPED, Cramp
from tests.warning.store.sql.steps import said
from warning.service.errors import UnwritableOutputError
from warning.service.ports import StoreBusyError
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreInUseError, StoreUnwritableError
from warning.store.sql.log import SqlLog
from warning.store.sql.tables import meta as meta_table

PRELUDE = """
import os, signal, sys
from pathlib import Path
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreUnwritableError

def put(database, key, value):
    with database.write() as connection:
        meta.put(connection, key, value)

def get(database, key):
    with database.read() as connection:
        return meta.get(connection, key)

database = Database(Path(sys.argv[1]))
"""


def run(code: str, *arguments: object, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own that has a database."""
    command = [sys.executable, "-c", before + PRELUDE + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def put(database: Database, key: str, value: str | int) -> None:
    with database.write() as connection:
        meta.put(connection, key, value)


def get(database: Database, key: str) -> str | None:
    with database.read() as connection:
        return meta.get(connection, key)


def test_a_write_is_whole_or_not_at_all(database: Database) -> None:
    """What a block wrote before it failed is not there, and the next block can write."""
    with pytest.raises(KeyError):
        _write_and_fail(database)
    assert get(database, "a") is None
    put(database, "a", 2)
    assert get(database, "a") == "2"


def _write_and_fail(database: Database) -> None:
    with database.write() as connection:
        meta.put(connection, "a", 1)
        raise KeyError


def test_a_mistake_of_ours_is_not_the_disks(database: Database) -> None:
    """An error that no disk is to blame for comes through as it is."""
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(meta_table.insert(), {"key": "a", "value": None})


def test_what_refers_to_nothing_is_refused(database: Database) -> None:
    """Foreign keys are enforced."""
    statement = "INSERT INTO quarantine (letter_id, until, original) VALUES (7, 0, x'00')"
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.exec_driver_sql(statement)


def test_a_killed_writer_leaves_what_was_committed(database: Database) -> None:
    """A process killed inside a transaction loses that one and no other, and the database opens at once."""
    code = """
put(database, "committed", 1)
with database.write() as connection:
    meta.put(connection, "open", 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, database.path).returncode == -signal.SIGKILL
    assert (get(database, "committed"), get(database, "open")) == ("1", None)
    put(database, "after", 1)


def test_readers_see_one_state_and_do_not_wait(database: Database) -> None:
    """While writes go on, a reader sees one state to the end, sees a later one next time, and is never turned away."""
    put(database, "n", 0)
    stop, seen = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            put(database, "n", seen[0] + 1)
            seen[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        last = 0
        for _ in range(200):
            with database.read() as connection:
                first = meta.get_number(connection, "n")
                assert meta.get_number(connection, "n") == first
            assert first >= last
            last = first
    finally:
        stop.set()
        writer.join()
    assert get(database, "n") == str(seen[0])


def test_writers_take_turns(database: Database) -> None:
    """Threads that write at the same time wait for each other; no write is lost."""

    def count() -> None:
        for _ in range(25):
            with database.write() as connection:
                meta.put(connection, "n", meta.get_number(connection, "n") + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert get(database, "n") == "100"


def test_another_process_may_write_too(database: Database) -> None:
    """A tool of accounts writes to the database of a running service, which has claimed it."""
    database.claim()
    assert run('put(database, "a", 1)', database.path).returncode == 0
    assert get(database, "a") == "1"


def test_two_services_cannot_run_on_one_database(database: Database) -> None:
    """A second claim is refused, naming the process that holds the first, until that one lets go or dies."""
    database.claim()
    database.claim()
    other = Database(database.path)
    with pytest.raises(StoreInUseError, match=str(os.getpid())) as error:
        other.claim()
    assert str(os.getpid()) in error.value.zh
    assert "StoreInUseError" in run("database.claim()", database.path).stderr
    database.close()
    other.claim()
    other.close()
    assert run("database.claim(); os.kill(os.getpid(), signal.SIGKILL)", database.path).returncode == -signal.SIGKILL
    database.claim()


def test_a_database_that_cannot_grow_says_so_and_recovers(database: Database) -> None:
    """A write beyond the room there is fails whole, with when to try again; once there is room it works."""
    put(database, "small", 1)
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with database.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnwritableError, match="disk is full") as error:
        put(database, "large", "x" * 1_000_000)
    assert isinstance(error.value, StoreBusyError)
    assert error.value.retry_after > 0
    assert "磁盘已满" in error.value.zh
    assert (get(database, "small"), get(database, "large")) == ("1", None)
    put(database, "large", "x" * 1_000_000)
    assert get(database, "large") == "x" * 1_000_000


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


def test_a_read_only_database_says_so_and_recovers(database: Database) -> None:
    """A write that meets a database that may only be read says so; the next one tries on a connection of its own."""
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreUnwritableError, match="read-only"):
        put(database, "a", 1)
    put(database, "a", 2)
    assert get(database, "a") == "2"


def test_a_write_inside_a_write_is_a_mistake(database: Database) -> None:
    """A block that would wait for itself fails at once, and the database goes on."""
    with pytest.raises(RuntimeError, match="inside"), database.write():
        put(database, "a", 1)
    put(database, "a", 2)
    assert get(database, "a") == "2"


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """A write to a database that is not there, or no file, says that it cannot be opened."""
    with pytest.raises(StoreUnwritableError, match="cannot be opened"):
        put(Database(tmp_path), "a", 1)


def test_a_place_that_is_no_place(tmp_path: Path) -> None:
    """A database below a file cannot be made, and the error says where."""
    (tmp_path / "file").touch()
    with pytest.raises(UnwritableOutputError, match="part of the path is a file"):
        Database(tmp_path / "file" / "a.db").migrate()


def test_places_by_url(tmp_path: Path) -> None:
    """A place may be a SQLite URL; another kind of database is refused without showing its password."""
    assert Database(f"sqlite:///{tmp_path}/a.db").path == tmp_path / "a.db"
    with pytest.raises(ValueError, match="SQLite") as error:
        Database("postgresql://me:secret@host/name")
    assert "secret" not in str(error.value)


def test_a_log_outlives_a_reopening(database: Database) -> None:
    """What was said is there when the database is opened by another object."""
    position = said(database)
    database.close()
    again = Database(database.path)
    again.migrate()
    assert SqlLog(again).newest() == position
    with again.read() as connection:
        assert connection.execute(select(func.count()).select_from(meta_table)).scalar() == 1
    again.close()


def test_a_refusal_is_remembered_until_a_write_succeeds(database: Database) -> None:
    """What refused the latest write stands on the database, for whoever has nothing to write now."""
    with database.write() as connection:
        connection.exec_driver_sql("PRAGMA query_only = ON")
    with pytest.raises(StoreUnwritableError):
        put(database, "a", 1)
    assert database.refusal is not None
    assert "read-only" in str(database.refusal)
    put(database, "a", 2)
    assert database.refusal is None
