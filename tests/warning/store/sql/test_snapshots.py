"""Snapshots: the newest of an era comes back as it was."""

from __future__ import annotations

import random

import pytest

from warning.store.sql import snapshots as module
from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.snapshots import SqlSnapshots, pack
from warning.store.sql.tables import snapshots as table


def save(database: Database, position: int, payload: bytes, *, era: int = 0, keep: int = 2) -> None:
    subject = SqlSnapshots(database)
    with database.write() as connection:
        subject.save(connection, position, era, pack(payload), 1000 + position)
        subject.prune(connection, era, keep)


def positions(database: Database) -> list[tuple[int, int]]:
    with database.read() as connection:
        return [(row.era, row.position) for row in connection.execute(table.select().order_by(*table.primary_key))]


def test_the_newest_comes_back(database: Database) -> None:
    """Of an era the snapshot of the largest position is given, with its time; of an unknown era none."""
    subject = SqlSnapshots(database)
    assert subject.latest(0) is None
    for position in (5, 9, 7):
        save(database, position, b"state %d" % position)
    kept = subject.latest(0)
    assert kept is not None
    assert (kept.position, kept.payload, kept.taken_at) == (9, b"state 9", moment_of_ms(1009))
    assert subject.latest(1) is None


def test_saving_again_replaces(database: Database) -> None:
    """A second snapshot of one position takes the place of the first, also given unpacked."""
    save(database, 5, b"old")
    with database.write() as connection:
        SqlSnapshots(database).save(connection, 5, 0, b"new", 0)
    kept = SqlSnapshots(database).latest(0)
    assert kept is not None
    assert kept.payload == b"new"


def test_older_ones_go(database: Database) -> None:
    """Two of an era are kept, and those of other eras go once the present one has its own."""
    for position in (1, 2, 3):
        save(database, position, b"x")
    assert positions(database) == [(0, 2), (0, 3)]
    with database.write() as connection:
        SqlSnapshots(database).prune(connection, 1)
    assert positions(database) == [(0, 2), (0, 3)]
    save(database, 4, b"x", era=1)
    assert positions(database) == [(1, 4)]


def test_a_large_snapshot_is_stored_in_parts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot larger than a row may be comes back whole, and a smaller one after it leaves no part behind."""
    monkeypatch.setattr(module, "_PART", 100)
    payload = random.Random(1).randbytes(1234)
    save(database, 1, payload)
    kept = SqlSnapshots(database).latest(0)
    assert kept is not None
    assert kept.payload == payload
    save(database, 1, b"small")
    kept = SqlSnapshots(database).latest(0)
    assert kept is not None
    assert kept.payload == b"small"
    assert positions(database) == [(0, 1)]
