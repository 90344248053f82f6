"""Attempts: counted by record, with the last reason, until they are forgotten."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from tests.warning.service.alerts import NOW
from tests.warning.store.sql.test_retention import enforce
from warning.store.sql.attempts import Attempts
from warning.store.sql.database import Database
from warning.store.sql.tables import attempts


def test_attempts_add_up_by_record(database: Database) -> None:
    """Each record has a count of its own, which starts anew once it was cleared."""
    subject = Attempts(database, lambda: NOW)
    assert subject.count("tickets", 1, 7) == 0
    assert [subject.note("tickets", 1, 7, "crash") for _ in range(3)] == [1, 2, 3]
    others = [("tickets", 1, 8), ("tickets", 2, 7), ("signals", 1, 7)]
    assert [subject.note(*other, "crash") for other in others] == [1, 1, 1]
    subject.clear("tickets", 1, 7)
    assert subject.count("tickets", 1, 7) == 0
    assert [subject.count(*other) for other in others] == [1, 1, 1]
    assert subject.note("tickets", 1, 7, "again") == 1


def test_old_attempts_go(database: Database) -> None:
    """What was noted before the dead letters' limit goes; what came after it stays."""
    times = iter([NOW, NOW + timedelta(days=2)])
    subject = Attempts(database, lambda: next(times))
    subject.note("tickets", 1, 7, "old")
    subject.note("tickets", 1, 8, "new")
    assert enforce(database, dead_letters=NOW + timedelta(days=1)) == {"attempts": 1}
    assert [subject.count("tickets", 1, position) for position in (7, 8)] == [0, 1]


def test_the_last_reason_stays(database: Database) -> None:
    """Of several attempts the last one's reason and time are on record."""
    times = iter([NOW, NOW + timedelta(seconds=5)])
    subject = Attempts(database, lambda: next(times))
    subject.note("tickets", 1, 7, "first")
    subject.note("tickets", 1, 7, "second")
    with database.read() as connection:
        row = connection.execute(select(attempts)).one()
    assert (row.reason, row.at) == ("second", NOW + timedelta(seconds=5))
