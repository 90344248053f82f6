"""A database under what happens to databases: errors, crashes, readers beside a writer, two writers. Both kinds."""

from __future__ import annotations

import signal
import threading

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.warning.service.alerts import NOW
from tests.warning.store.sql.processes import address, get, put, run
from tests.warning.store.sql.steps import said
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.tables import meta as meta_table
from warning.store.sql.tables import quarantine


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
    with pytest.raises(IntegrityError), database.write() as connection:
        connection.execute(quarantine.insert(), {"letter_id": 7, "until": NOW, "original": b"\0"})


def test_a_killed_writer_leaves_what_was_committed(database: Database) -> None:
    """A process killed inside a transaction loses that one and no other, and the database opens at once."""
    code = """
put(database, "committed", 1)
with database.write() as connection:
    meta.put(connection, "open", 1)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, database).returncode == -signal.SIGKILL
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
    assert run('put(database, "a", 1)', database).returncode == 0
    assert get(database, "a") == "1"


def test_a_write_inside_a_write_is_a_mistake(database: Database) -> None:
    """A block that would wait for itself fails at once, and the database goes on."""
    with pytest.raises(RuntimeError, match="inside"), database.write():
        put(database, "a", 1)
    put(database, "a", 2)
    assert get(database, "a") == "2"


def test_a_log_outlives_a_reopening(database: Database) -> None:
    """What was said is there when the database is opened by another object."""
    position = said(database)
    database.close()
    again = Database(address(database))
    again.migrate()
    assert SqlLog(again).newest() == position
    with again.read() as connection:
        assert connection.execute(select(func.count()).select_from(meta_table)).scalar() == 1
    again.close()
