"""What is read from topics into the database: from where it was, and from the beginning of a topic made anew."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from sqlalchemy import select

from streams import marks
from streams.alerts.filing import DeadLetterFiling
from streams.alerts.outcomes import OutcomeFiling
from streams.alerts.resuming import resume
from streams.reading import Message
from streams.records import Outcomes, Rejected, encode
from tests.warning import samples
from warning.settings import Settings
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.errors import StoreUnwritableError
from warning.store.sql.tables import origins, tickets

NOW = 1_700_000_000_000


class MemoryTail:
    """A topic in a list; like :class:`streams.tailing.Tail` it goes to the oldest record where it must."""

    def __init__(self, values: Sequence[bytes], oldest: int = 0) -> None:
        self.messages = [
            Message("topic", 0, offset, None, value, (), NOW) for offset, value in enumerate(values, oldest)
        ]
        self.oldest, self.at = oldest, -1

    async def begin(self, offset: int) -> int:
        self.at = offset if self.oldest <= offset <= self.oldest + len(self.messages) else self.oldest
        return self.at

    @property
    def begun(self) -> bool:
        return self.at >= 0

    async def next(self) -> Sequence[Message]:
        found, self.at = [each for each in self.messages if each.offset >= self.at], self.oldest + len(self.messages)
        return found

    async def end(self) -> None:
        self.at = -1


def rejected(offset: int, row: int = 1) -> bytes:
    reject = samples.reject(row)
    return encode(Rejected(source=reject.source, topic="t", partition=0, offset=offset, at=NOW, reject=reject))


def outcomes(offset: int, **other: Any) -> bytes:
    told: dict[str, Any] = {"log": "tickets", "partition": 0, "offset": offset, "source": "desk", "received": NOW}
    columns = {"ticket_id": [f"T{offset}"], "time": [NOW], "category": ["a"], "area": ["b"], "outcome": [3]}
    return encode(Outcomes(**(told | columns | other)))


def mark(database: Database, name: str) -> int:
    with database.read() as connection:
        return meta.get_number(connection, name)


def put(database: Database, name: str, position: int) -> None:
    with database.write() as connection:
        meta.put(connection, name, position)


def file(settings: Settings, database: Database, values: Sequence[bytes], oldest: int = 0) -> list[int]:
    """File letters in one process; returns the positions of all originals that are filed."""
    filing = DeadLetterFiling(settings, database)
    filing._tail = cast("Any", MemoryTail(values, oldest))
    asyncio.run(cast("Any", filing.step()))
    with database.read() as connection:
        return list(connection.execute(select(origins.c.position).order_by(origins.c.letter_id)).scalars())


def count(settings: Settings, database: Database, values: Sequence[bytes]) -> list[str]:
    """Store outcomes in one process; returns the ids of all tickets that are known."""
    filing = OutcomeFiling(settings, database)
    filing._tail = cast("Any", MemoryTail(values))
    asyncio.run(cast("Any", filing.step()))
    with database.read() as connection:
        return sorted(connection.execute(select(tickets.c.ticket_id)).scalars())


def test_letters_of_a_topic_made_anew_are_filed(nowhere: Settings, file_database: Database) -> None:
    """What was stored is beyond its end: its records are new, not known."""
    put(file_database, marks.FILED, 500)
    assert file(nowhere, file_database, [rejected(number) for number in range(3)]) == [0, 1, 2]
    assert mark(file_database, marks.FILED) == 3


def test_letters_go_on_where_retention_left_them(nowhere: Settings, file_database: Database) -> None:
    """What is gone is gone; what is there is filed."""
    assert file(nowhere, file_database, [rejected(number) for number in range(2)], oldest=7) == [0, 1]
    assert mark(file_database, marks.FILED) == 9


def test_a_refusal_that_is_sent_again_is_one_letter(nowhere: Settings, file_database: Database) -> None:
    """In the same poll or a later one, also after an upgrade that gives other advice; another row is another letter."""
    reject = replace(samples.reject(1), advice_en="Other words.")
    again = encode(Rejected(source=reject.source, topic="t", partition=0, offset=4, at=NOW + 9, reject=reject))
    assert file(nowhere, file_database, [rejected(4), rejected(4), rejected(5)]) == [4, 5]
    assert file(nowhere, file_database, [rejected(4), again, rejected(4, row=2)], oldest=3) == [4, 5, 4]


def test_another_record_at_the_same_place_is_another_letter(nowhere: Settings, file_database: Database) -> None:
    """The topic of the originals was made anew: what is refused there now is no repetition."""
    reject = replace(samples.reject(1), value="something else")
    other = encode(Rejected(source=reject.source, topic="t", partition=0, offset=4, at=NOW, reject=reject))
    assert file(nowhere, file_database, [rejected(4), other]) == [4, 4]


def test_outcomes_of_a_topic_made_anew_are_counted_from_its_beginning(
    nowhere: Settings, file_database: Database
) -> None:
    """The mark goes back, so that the next process does not read all of it again."""
    put(file_database, marks.COUNTED, 500)
    assert count(nowhere, file_database, [outcomes(0), outcomes(1)]) == ["T0", "T1"]
    assert mark(file_database, marks.COUNTED) == 2


@pytest.mark.parametrize("bad", [b"\xff nonsense", b"{}", outcomes(1, outcome=[9]), outcomes(1, area=[])])
def test_outcomes_that_cannot_be_read_are_passed_over(
    nowhere: Settings, file_database: Database, bad: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """They are told of with their place, and those around them are stored."""
    with caplog.at_level(logging.ERROR, "streams.alerts.outcomes"):
        assert count(nowhere, file_database, [outcomes(0), bad, outcomes(2)]) == ["T0", "T2"]
    (record,) = caplog.records
    assert record.__dict__["place"] == "topic/0@1"
    assert mark(file_database, marks.COUNTED) == 3


def test_a_mark_that_cannot_be_set_is_set_the_next_time(
    file_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is away just then: the tail is let go, or its records would be taken for known ones."""
    put(file_database, marks.FILED, 500)
    tail = MemoryTail([rejected(0)])
    real = file_database.write

    def away(**_: Any) -> Any:
        raise StoreUnwritableError("the test's store", "it is away", "不可用")

    monkeypatch.setattr(file_database, "write", away)
    with pytest.raises(StoreUnwritableError):
        asyncio.run(resume(tail, file_database, marks.FILED))
    assert not tail.begun
    monkeypatch.setattr(file_database, "write", real)
    asyncio.run(resume(tail, file_database, marks.FILED))
    assert mark(file_database, marks.FILED) == 0
