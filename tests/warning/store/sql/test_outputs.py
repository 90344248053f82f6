"""What the engine says is stored once, together with the position it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.warning.engine.tickets import SOURCE, START, Row, city, columns, engine, log
from tests.warning.store.sql.steps import AT, appended, said
from warning.domain.outcome import RowOutcome
from warning.engine.records import Output, Record
from warning.runtime.backtest import Collected
from warning.service.ports import AlertQuery
from warning.store.sql import meta
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.database import Database
from warning.store.sql.errors import OvertakenError
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.outputs import SqlOutputs, Step
from warning.store.sql.tickets import SqlTickets


@pytest.fixture(name="records", scope="module")
def _records() -> list[Record]:
    return log(city(days=4.0))


@pytest.fixture(name="answers", scope="module")
def _answers(records: list[Record]) -> list[Output]:
    subject = engine()
    return [subject.apply(record) for record in records]


def commit(database: Database, steps: Sequence[Step], at: int = AT) -> None:
    with database.write() as connection:
        SqlOutputs().commit(connection, steps, at)


def applied(database: Database) -> int:
    with database.read() as connection:
        return meta.get_number(connection, meta.APPLIED)


@pytest.mark.parametrize("at_once", [1, 7, 10_000])
def test_the_store_holds_what_a_back_test_collects(
    database: Database, records: list[Record], answers: list[Output], at_once: int
) -> None:
    """However the steps are cut into commits, alerts, signals and courses are those of a back-test."""
    steps = list(zip(appended(database, records), records, answers, strict=True))
    for first in range(0, len(steps), at_once):
        commit(database, steps[first : first + at_once])
    collected = Collected()
    for output in answers:
        collected.add(output)
    store = SqlAlerts(database)
    views = store.find(AlertQuery(limit=1000)).items
    assert {view.alert.id: view.alert for view in views} == collected.alerts != {}
    for view in views:
        assert {s.id: s for s in store.signals(view.alert.id)} == {
            i: collected.signals[i] for i in view.alert.signal_ids
        }
        lead = collected.signals[view.alert.lead_signal_id]
        course = [p for p in collected.points.values() if (p.series, p.length) == (lead.series, lead.length)]
        assert store.course(view.alert.id) == sorted(course, key=lambda point: point.start)
    assert applied(database) == steps[-1][0]


def test_a_replay_says_nothing_twice(database: Database, records: list[Record], answers: list[Output]) -> None:
    """Steps that were stored before change nothing: not the feed, not the tickets, not the position."""
    steps = list(zip(appended(database, records), records, answers, strict=True))
    commit(database, steps)
    store, known = SqlAlerts(database), SqlTickets(database)
    before = (store.feed_bounds(), store.find(AlertQuery()), known.status(SOURCE, "B1"), applied(database))
    commit(database, steps[5:])
    assert (store.feed_bounds(), store.find(AlertQuery()), known.status(SOURCE, "B1"), applied(database)) == before


def test_tickets_keep_their_first_outcome_and_tell_the_last(database: Database) -> None:
    """A ticket that comes again is counted; its first outcome, time and place stay."""
    row = Row(time=START, id="T1", category="Noise", area="Testville/North")
    first, again = columns([row, replace(row, id="T2")]), columns([row])
    subject = engine()
    for at, record in ((AT, first), (AT + 1000, again)):
        (position,) = appended(database, [record], at)
        commit(database, [(position, record, subject.apply(record))])
    known = SqlTickets(database)
    status = known.status(SOURCE, "T1")
    assert status is not None
    assert (status.outcome, status.last_outcome) == (RowOutcome.ACCEPTED, RowOutcome.DUPLICATE)
    assert (status.times_received, status.received_at) == (2, moment_of_ms(AT))
    assert (status.created_at, status.category, status.area) == (moment_of_ms(START), "Noise", "Testville/North")
    assert known.status("elsewhere", "T1") is None


def test_a_ticket_twice_in_one_commit(database: Database) -> None:
    """Two rows of one ticket in a batch, and one in the next, are three receipts of one ticket."""
    row = Row(time=START, id="T1")
    records = [columns([row, row]), columns([row])]
    subject = engine()
    steps = [
        (position, record, subject.apply(record))
        for position, record in zip(appended(database, records), records, strict=True)
    ]
    commit(database, steps)
    status = SqlTickets(database).status(SOURCE, "T1")
    assert status is not None
    assert (status.outcome, status.last_outcome, status.times_received) == (
        RowOutcome.ACCEPTED,
        RowOutcome.DUPLICATE,
        3,
    )


def test_nothing_said_still_moves_the_position(database: Database) -> None:
    """A tick without an answer counts as applied."""
    assert applied(database) == 0
    position = said(database)
    assert applied(database) == position > 0


def test_who_was_overtaken_stores_nothing(database: Database, records: list[Record], answers: list[Output]) -> None:
    """Outputs that expect another position than the stored one are refused whole; else they are stored."""
    steps = list(zip(appended(database, records), records, answers, strict=True))
    with database.write() as connection:
        SqlOutputs().commit(connection, steps[:5], AT, expected=0)
    here = applied(database)
    with pytest.raises(OvertakenError) as error, database.write() as connection:
        SqlOutputs().commit(connection, steps[5:], AT, expected=0)
    assert (error.value.expected, error.value.found) == (0, here)
    assert (applied(database), SqlAlerts(database).find(AlertQuery()).items) == (here, ())
    with database.write() as connection:
        SqlOutputs().commit(connection, steps[5:], AT, expected=here)
    assert applied(database) == steps[-1][0]
    assert SqlAlerts(database).find(AlertQuery()).items != ()
