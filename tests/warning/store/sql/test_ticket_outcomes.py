"""Outcomes in batches: every receipt counts once, however often its batch is delivered and to whom."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from tests.postgres import PASSWORD
from tests.warning.engine.tickets import START
from warning.domain.outcome import RowOutcome
from warning.engine.records import OUTCOME_ORDER
from warning.service.ports import TicketStatus
from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.ticket_outcomes import OutcomeBatch, TicketOutcomes
from warning.store.sql.tickets import SqlTickets

ACCEPTED, DUPLICATE = OUTCOME_ORDER.index(RowOutcome.ACCEPTED), OUTCOME_ORDER.index(RowOutcome.DUPLICATE)


def batch(offset: int, *ids: str, outcome: int = ACCEPTED, partition: int = 0, log: str = "tickets") -> OutcomeBatch:
    return OutcomeBatch(
        log=log,
        partition=partition,
        offset=offset,
        source="desk",
        received_ms=START + offset,
        ticket_ids=ids,
        times=[START - 1] * len(ids),
        categories=["噪声\t\\N\n"] * len(ids),
        areas=["City/East"] * len(ids),
        outcomes=[outcome] * len(ids),
    )


def status(database: Database, ticket_id: str) -> TicketStatus:
    found = SqlTickets(database).status("desk", ticket_id)
    assert found is not None
    return found


def test_tickets_are_stored_as_they_are(database: Database) -> None:
    """Every column comes back, whatever signs are in it; a ticket that comes again is counted, its last outcome too."""
    subject = TicketOutcomes(database)
    assert subject.store([batch(1, "T1", "T\\2\t", "T1"), batch(2, "T1", outcome=DUPLICATE)]) == 4
    first = status(database, "T1")
    assert (first.outcome, first.last_outcome, first.times_received) == (RowOutcome.ACCEPTED, RowOutcome.DUPLICATE, 3)
    assert (first.received_at, first.created_at) == (moment_of_ms(START + 1), moment_of_ms(START - 1))
    assert (first.category, first.area) == ("噪声\t\\N\n", "City/East")
    assert status(database, "T\\2\t").times_received == 1
    assert subject.store([batch(3, "T1")]) == 1
    assert (status(database, "T1").last_outcome, status(database, "T1").times_received) == (RowOutcome.ACCEPTED, 4)


def test_a_batch_delivered_again_counts_nothing(database: Database) -> None:
    """Of each partition of each log only what is beyond the last stored offset counts."""
    subject = TicketOutcomes(database)
    assert subject.applied("tickets", 0) is None
    batches = [batch(1, "T1"), batch(2, "T1"), batch(1, "T1", partition=1), batch(1, "T1", log="tickets.g2")]
    assert [subject.store(batches[:3]), subject.store(batches), subject.store(batches)] == [3, 1, 0]
    assert status(database, "T1").times_received == 4
    assert [subject.applied("tickets", 0), subject.applied("tickets", 1), subject.applied("tickets", 2)] == [2, 1, None]


def test_an_empty_batch_moves_on(database: Database) -> None:
    """A batch without tickets, as one of life events only is, moves the position; none at all does nothing."""
    subject = TicketOutcomes(database)
    assert subject.store([]) == subject.store([batch(7)]) == 0
    assert subject.applied("tickets", 0) == 7


def test_what_fails_is_not_stored(database: Database) -> None:
    """If a part cannot be stored nothing of it is, nor the position; no row is in the error; the same works later."""
    subject = TicketOutcomes(database)
    name = "Li-Lei".upper()
    broken = replace(batch(2, name), areas=[None])  # type: ignore[list-item]
    with pytest.raises(DBAPIError) as error:
        subject.store([batch(1, "T1"), broken])
    assert name not in str(error.value)
    assert (subject.applied("tickets", 0), SqlTickets(database).status("desk", "T1")) == (None, None)
    assert subject.store([batch(1, "T1"), batch(2, name)]) == 2


def test_two_who_store_the_same(database: Database) -> None:
    """Two workers that hold a partition for a moment store its batches at the same time: each counts once."""
    place = database.where if "postgresql" in database.where else str(database.path)
    other = Database(place, PASSWORD)
    batches = [batch(offset, *(f"T{number}" for number in range(50))) for offset in range(20)]

    def store(subject: TicketOutcomes) -> int:
        return sum(subject.store([each]) for each in batches)

    with ThreadPoolExecutor(2) as pool:
        stored = list(pool.map(store, (TicketOutcomes(database), TicketOutcomes(other))))
    other.close()
    assert sum(stored) == 1000
    assert {status(database, f"T{number}").times_received for number in range(50)} == {20}
