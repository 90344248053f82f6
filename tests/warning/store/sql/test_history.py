"""History: loads add up, come out by day in the order of time, and can be taken back."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from tests.warning.engine.tickets import START, Row, city, columns
from tests.warning.service.alerts import NOW
from tests.warning.store.sql.test_retention import enforce
from warning.domain.bucket import DAY_MS
from warning.intake.columns import TicketColumns
from warning.store.sql.database import Database
from warning.store.sql.history import Load, SqlHistory
from warning.store.sql.moments import moment_of_ms

LOAD = Load(files=("a.csv", "b.csv"), mapping="city", rows=7, rejected=1, loaded_at=NOW, until_ms=START)


def load(database: Database, *parts: TicketColumns) -> int:
    history = SqlHistory(database)
    with database.write() as connection:
        load_id = history.begin_load(connection, LOAD)
        for part in parts:
            history.add(connection, load_id, part)
    return load_id


def test_days_come_in_the_order_of_time(database: Database) -> None:
    """Two loads of one source are merged day by day, sorted by time; another source has batches of its own."""
    rows = city(days=3.5)
    load(database, columns(rows[1::2]), columns(rows[:5], source="other"))
    load(database, columns(rows[::2]))
    records = list(SqlHistory(database).history_records())
    days = [(int(record.time[0]) // DAY_MS, record.source) for record in records]
    assert days == sorted(days)
    assert len({day for day, _ in days}) == 4
    mine = TicketColumns.joined([record for record in records if record.source == "desk"])
    assert (np.diff(mine.time) >= 0).all()
    assert sorted(mine.ticket_id.tolist()) == sorted(row.id for row in rows)
    whole = columns(rows)
    order = np.argsort(whole.key)
    for name in ("time", "digest"):
        assert getattr(mine.take(np.argsort(mine.key)), name).tolist() == getattr(whole.take(order), name).tolist()


def test_a_load_can_be_taken_back(database: Database) -> None:
    """Loads are listed as noted, oldest first; one that is taken back leaves nothing."""
    first = load(database, columns([Row(time=START, id="A")]))
    second = load(database, columns([Row(time=START, id="B")]))
    history = SqlHistory(database)
    with database.write() as connection:
        history.end_load(connection, second, rows=9, rejected=0, until_ms=START + 1)
        history.drop_load(connection, first)
    (kept,) = history.loads()
    assert (kept.id, kept.files, kept.rows, kept.until_ms) == (second, LOAD.files, 9, START + 1)
    assert [record.ticket_id.tolist() for record in history.history_records()] == [["B"]]


def test_texts_are_not_kept(database: Database) -> None:
    """Nothing is raised from history, so what its tickets say is not stored, and the rest of them is."""
    load(database, columns([Row(time=START, id="A", text="water in the cellar")]))
    (record,) = SqlHistory(database).history_records()
    assert (record.ticket_id.tolist(), record.text.tolist()) == (["A"], [""])


def test_history_ends_with_its_limit(database: Database) -> None:
    """Days that ended before the limit go; a load of which nothing is left is forgotten, the others stay."""
    first = START // DAY_MS * DAY_MS
    days = [Row(time=first + day * DAY_MS + 7, id=f"T{day}") for day in range(4)]
    load(database, columns(days[:2]))
    kept = load(database, columns(days[1:]))
    assert enforce(database, history=moment_of_ms(first + 2 * DAY_MS - 1)) == {"history": 1}
    assert enforce(database, history=moment_of_ms(first + 2 * DAY_MS)) == {"history": 2, "loads": 1}
    assert [each.id for each in SqlHistory(database).loads()] == [kept]
    assert [record.ticket_id.tolist() for record in SqlHistory(database).history_records()] == [["T2"], ["T3"]]


def test_no_history(database: Database) -> None:
    """Without loads there is nothing, and a load without rows adds nothing."""
    history = SqlHistory(database)
    load(database, columns([]))
    assert list(history.history_records()) == []


def test_a_load_that_was_broken_off_does_not_count(database: Database) -> None:
    """What a load wrote before it was broken off is not history, and goes after a day; one that ended stays."""
    history = SqlHistory(database)
    begun = Load(files=("a.csv",), mapping="city", loaded_at=NOW)
    with database.write() as connection:
        history.add(connection, history.begin_load(connection, begun), columns([Row(time=START, id="A")]))
    assert list(history.history_records()) == []
    load(database, columns([Row(time=START, id="B")]))
    assert enforce(database, now=NOW + timedelta(hours=23)) == {}
    assert enforce(database, now=NOW + timedelta(hours=25)) == {"loads": 1}
    assert [record.ticket_id.tolist() for record in history.history_records()] == [["B"]]
