"""The log: what is appended is read back in order, and nothing counts before its transaction is over."""

from __future__ import annotations

import pytest

from tests.warning.engine.tickets import START, city, columns, log, tick
from tests.warning.store.sql.steps import appended
from tests.warning.store.sql.test_payloads import plain
from warning.engine.records import Record
from warning.intake.columns import TicketColumns
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.moments import milliseconds


@pytest.fixture(name="records", scope="module")
def _records() -> list[Record]:
    return log(city(days=2.0), batch=20)


def same(a: Record, b: Record) -> bool:
    if isinstance(a, TicketColumns) and isinstance(b, TicketColumns):
        return plain(a) == plain(b)
    return a == b


def test_records_are_read_in_order(database: Database, records: list[Record]) -> None:
    """Records come back as they were, at growing positions, from any position on and as many as asked for."""
    positions = appended(database, records[:100]) + appended(database, records[100:])
    assert len(records) > 300  # more than one fetch
    read = list(SqlLog(database).read())
    assert [position for position, _ in read] == positions == sorted(set(positions))
    assert all(same(a, b) for (_, a), b in zip(read, records, strict=True))
    assert [position for position, _ in SqlLog(database).read(positions[9], 3)] == positions[10:13]
    assert list(SqlLog(database).read(positions[-1])) == []


def test_an_empty_log(database: Database) -> None:
    """An empty log says so, and appending nothing changes nothing."""
    subject = SqlLog(database)
    assert appended(database, []) == []
    assert (subject.newest(), subject.bounds(), subject.last_tick()) == (0, (0, 0), None)
    assert (subject.heard(), list(subject.read())) == ({}, [])


def test_bounds(database: Database, records: list[Record]) -> None:
    """The log knows its ends, its first tick and its last."""
    positions = appended(database, records)
    subject = SqlLog(database)
    assert subject.bounds() == (positions[0], positions[-1])
    assert subject.newest() == positions[-1]
    assert (subject.last_tick(), subject.first_tick()) == (records[-1], records[0])


def test_what_is_rolled_back_was_never_there(database: Database) -> None:
    """A transaction that fails leaves no record and no source heard; SQLite gives its positions again."""
    first = appended(database, [tick(1, START)])
    with pytest.raises(KeyError):
        _append_and_fail(database)
    assert SqlLog(database).heard() == {}
    (second,) = appended(database, [tick(2, START)])
    assert second == first[0] + 1 or (second > first[0] and "postgresql" in database.where)


def test_sources_are_heard(database: Database) -> None:
    """Of each source the last time it sent and the largest event time stay known; an older event moves neither back."""
    rows = city(0.2)
    appended(database, [columns(rows, source="a"), columns(rows[:3], source="b")], at=START + 1)
    appended(database, [columns(rows[:1], source="a")], at=START + 9)
    heard = SqlLog(database).heard()
    assert [milliseconds(heard[name].received_at) - START for name in ("a", "b")] == [9, 1]
    assert [milliseconds(heard[name].event_at) for name in ("a", "b")] == [rows[-1].time, rows[2].time]


def _append_and_fail(database: Database) -> None:
    with database.write() as connection:
        SqlLog(database).append(connection, [columns(city(0.1))], START)
        raise KeyError
