"""Refused items: listed without their originals, which are read only while they last, and never unnoticed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.warning import samples
from tests.warning.service.alerts import NOW
from tests.warning.store.sql.steps import originals_read
from warning.domain.errors import InvalidInputError
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.service.ports import DeadLetter
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import Refused, SqlDeadLetters
from warning.store.sql.tickets import SqlTickets

UNTIL = NOW + timedelta(hours=72)


@pytest.fixture(name="letters")
def _letters(database: Database) -> SqlDeadLetters:
    return SqlDeadLetters(database)


def add(database: Database, *items: Refused) -> list[int]:
    with database.write() as connection:
        return SqlDeadLetters(database).add(connection, items, NOW, UNTIL)


def refused(number: int = 1, source: str = "hotline") -> Refused:
    return Refused(source=source, ticket_id=f"T{number}", reject=samples.reject(number), original=b"Li Lei, 138")


def test_pages_hold_every_letter_once_newest_first(database: Database, letters: SqlDeadLetters) -> None:
    """Following the cursors gives every letter once, newest first, of one source and reason if asked."""
    ids = add(database, *(refused(number, "hotline" if number % 2 else "app") for number in range(7)))
    seen: list[DeadLetter] = []
    cursor: str | None = None
    while True:
        page = letters.find(limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [letter.id for letter in seen] == ids[::-1]
    assert seen[0].reject == samples.reject(6)
    assert [letter.id for letter in letters.find(source="app").items] == ids[::-2]
    assert letters.find(reason=RejectReason.BAD_AREA).items == ()
    assert letters.counts() == {("app", RejectReason.BAD_TIME): 4, ("hotline", RejectReason.BAD_TIME): 3}


@pytest.mark.parametrize("cursor", ["", "x", "-1", "²", "9" * 30])
def test_a_forged_cursor_is_refused(letters: SqlDeadLetters, cursor: str) -> None:
    """Whatever is sent as a cursor, the answer is an error that says so."""
    with pytest.raises(InvalidInputError):
        letters.find(cursor=cursor)


def test_every_read_of_an_original_is_noted(database: Database, letters: SqlDeadLetters) -> None:
    """An original is given while the quarantine lasts, and who read it is on record; one that is gone leaves none."""
    (letter,) = add(database, refused())
    assert letters.original(letter, reader="admin", at=NOW) == b"Li Lei, 138"
    assert letters.original(letter, reader="admin", at=UNTIL) is None
    assert letters.original(10**30, reader="admin", at=NOW) is None
    assert originals_read(database) == [(letter, "admin", NOW)]


def test_letters_are_marked_when_replayed(database: Database, letters: SqlDeadLetters) -> None:
    """Letters come by id in the order asked for, those that there are, and know when they were replayed."""
    first, second = add(database, refused(1), refused(2))
    with database.write() as connection:
        letters.mark_replayed(connection, [first], NOW)
    found = letters.get([second, 99, 10**30, first])
    assert [(letter.id, letter.replayed_at) for letter in found] == [(second, None), (first, NOW)]
    assert found[0].original_until == UNTIL


def test_a_refused_ticket_can_be_looked_up(database: Database) -> None:
    """The platform's own id finds a ticket that was refused, with the latest reason; no id finds nothing."""
    add(database, refused(1), Refused(source="hotline", ticket_id="", reject=samples.reject(), original=b""))
    add(database, Refused(source="hotline", ticket_id="T1", reject=samples.reject(5), original=b""))
    status = SqlTickets(database).status("hotline", "T1")
    assert status is not None
    assert (status.outcome, status.times_received, status.reject) == (RowOutcome.REJECTED, 2, samples.reject(5))
    assert SqlTickets(database).status("hotline", "") is None
