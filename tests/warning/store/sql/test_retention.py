"""Retention: what is beyond its limit goes with all that is its own, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.warning import samples
from tests.warning.engine.tickets import START, Row, columns, engine, tick
from tests.warning.service.alerts import NOW
from tests.warning.service.contracts import act_on
from tests.warning.store.sql.steps import appended, originals_read, said
from warning.domain.alert import Disposition
from warning.domain.handling import Act
from warning.service.ports import AlertQuery, Session
from warning.store.sql import meta, retention
from warning.store.sql.accounts import SqlAccounts
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import Refused, SqlDeadLetters
from warning.store.sql.log import SqlLog
from warning.store.sql.moments import milliseconds
from warning.store.sql.outputs import SqlOutputs
from warning.store.sql.retention import Limits, SqlRetention
from warning.store.sql.snapshots import SqlSnapshots
from warning.store.sql.sqlite import SqlitePlace
from warning.store.sql.tables import metadata
from warning.store.sql.tickets import SqlTickets

LONG_AGO = NOW - timedelta(days=9999)
LIMITS = Limits(
    now=LONG_AGO,
    wall=LONG_AGO,
    log=LONG_AGO,
    tickets=LONG_AGO,
    history=LONG_AGO,
    alerts=LONG_AGO,
    unfinished_alerts=LONG_AGO,
    feed=LONG_AGO,
    dead_letters=LONG_AGO,
)
LIMIT = NOW - timedelta(days=30)
BEFORE, AFTER = LIMIT - timedelta(hours=1), LIMIT + timedelta(hours=1)


def enforce(database: Database, **limits: datetime) -> dict[str, int]:
    gone = SqlRetention(database).enforce(replace(LIMITS, **limits))
    return {table: count for table, count in gone.items() if count}


def sizes(database: Database) -> dict[str, int]:
    """How many rows each table has, of those that have any."""
    with database.read() as connection:
        counts = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }
    return {name: count for name, count in counts.items() if count}


def test_nothing_goes_before_its_time(database: Database) -> None:
    """With limits in the past everything stays."""
    said(database, alerts=[samples.alert()], signals=[samples.signal()], points=samples.course())
    before = sizes(database)
    assert enforce(database) == {}
    assert sizes(database) == before


def test_the_log_goes_where_snapshots_cover_it(database: Database) -> None:
    """Old records go up to the older snapshot; without one, or beyond it, or the newest of all, none does."""
    ticks = [tick(number, START) for number in range(1, 11)]
    positions = appended(database, ticks, milliseconds(BEFORE))
    assert enforce(database, log=LIMIT) == {}
    with database.write() as connection:
        for position in (positions[3], positions[6]):
            SqlSnapshots(database).save(connection, position, 0, b"", 0)
    assert enforce(database, log=BEFORE) == {}
    assert enforce(database, log=LIMIT) == {"log": 4}
    assert SqlLog(database).bounds() == (positions[4], positions[-1])
    with database.write() as connection:
        SqlSnapshots(database).prune(connection, 0, keep=1)
        SqlSnapshots(database).save(connection, positions[-1], 1, b"", 0)
        SqlSnapshots(database).prune(connection, 1)
    assert enforce(database, log=LIMIT) == {"log": 5}
    assert SqlLog(database).newest() == positions[-1]


def test_the_log_goes_where_a_cluster_has_it_elsewhere(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was relayed goes when it is old, some at a time; what was not stays, and positions are not given again."""
    monkeypatch.setattr(retention, "_AT_ONCE", 3)
    positions = appended(database, [tick(number, START) for number in range(1, 11)], milliseconds(BEFORE))
    with database.write() as connection:
        meta.put(connection, meta.RELAYED, positions[7])
    assert enforce(database, log=BEFORE) == {}
    assert enforce(database, log=LIMIT) == {"log": 8}
    assert SqlLog(database).bounds() == (positions[8], positions[9])
    with database.write() as connection:
        meta.put(connection, meta.RELAYED, positions[9])
    assert enforce(database, log=LIMIT) == {"log": 1}
    (after,) = appended(database, [tick(11, START)], milliseconds(AFTER))
    assert after > positions[9]


def test_an_ended_alert_goes_with_all_that_is_its_own(database: Database) -> None:
    """An alert that ended before the limit goes with signals, handling, names and aliases; an open one stays whole."""
    ended = samples.alert("ended", closed_at=BEFORE, raised_at=BEFORE, signal_ids=("s1",), aliases=("merged",))
    still = samples.alert("open", raised_at=BEFORE, signal_ids=("s2",), lead_signal_id="s2")
    recent = samples.alert("recent", raised_at=BEFORE, closed_at=AFTER, signal_ids=("s3",), lead_signal_id="s3")
    said(database, alerts=[samples.alert("merged")])
    act_on(SqlAlerts(database), "merged", Act.ACKNOWLEDGE)
    signals = [samples.signal(f"s{number}", updated_at=BEFORE) for number in range(5)]
    said(database, alerts=[ended, still, recent], signals=[*signals, samples.signal("s5", updated_at=AFTER)])
    act_on(SqlAlerts(database), "ended", Act.CLOSE)
    act_on(SqlAlerts(database), "ended", Act.REVIEW, disposition=Disposition.CONFIRMED)
    act_on(SqlAlerts(database), "open", Act.ACKNOWLEDGE)
    assert enforce(database, alerts=LIMIT) == {"alerts": 1, "signals": 2}
    store = SqlAlerts(database)
    assert {view.alert.id for view in store.find(AlertQuery()).items} == {"open", "recent"}
    assert [signal.id for i in ("open", "recent") for signal in store.signals(i)] == ["s2", "s3"]
    assert (store.get("merged"), store.get("ended"), store.entries("merged")) == (None, None, [])
    left = sizes(database)
    assert (left["signals"], left["handlings"], left["handling_entries"], left.get("aliases")) == (3, 1, 1, None)
    assert [(told.subject, told.change) for told in store.feed_after(0, 100)][-1] == ("ended", "EXPIRE-1")


@pytest.mark.parametrize(
    ("acts", "goes"),
    [
        ([], False),
        ([(Act.CLOSE, {})], False),
        ([(Act.REVIEW, {"disposition": Disposition.NEEDS_MORE_DATA}), (Act.CLOSE, {})], False),
        ([(Act.REVIEW, {"disposition": Disposition.CONFIRMED}), (Act.CLOSE, {}), (Act.REOPEN, {})], False),
        ([(Act.REVIEW, {"disposition": Disposition.CONFIRMED}), (Act.ASSIGN, {"assignee": "wang"})], False),
        ([(Act.REVIEW, {"disposition": Disposition.CONFIRMED}), (Act.CLOSE, {})], True),
    ],
)
def test_what_people_work_on_stays(database: Database, acts: list[tuple[Act, dict[str, Any]]], goes: bool) -> None:
    """An alert that waits for a review or is not closed outlives its episode's limit, but not the limit of all."""
    said(database, alerts=[samples.alert("ended", closed_at=BEFORE, raised_at=BEFORE)])
    for act, more in acts:
        act_on(SqlAlerts(database), "ended", act, **more)
    assert enforce(database, alerts=LIMIT, unfinished_alerts=BEFORE) == ({"alerts": 1} if goes else {})
    assert enforce(database, alerts=LIMIT, unfinished_alerts=LIMIT) == ({} if goes else {"alerts": 1})


def test_points_and_feed_go_by_their_age(database: Database) -> None:
    """Points of before the limit and old lines of the feed go; sequence numbers are not given again."""
    course = samples.course()
    said(database, alerts=[samples.alert()], points=course)
    newest = SqlAlerts(database).feed_bounds()[1]
    assert enforce(database, alerts=course[10].start) == {"points": 10}
    assert enforce(database, feed=NOW + timedelta(seconds=1)) == {"feed": 1}
    assert SqlAlerts(database).feed_bounds() == (0, 0)
    said(database, alerts=[samples.alert("next")])
    assert SqlAlerts(database).feed_bounds() == (newest + 1, newest + 1)


def test_news_that_a_cluster_has_not_published_stay(database: Database) -> None:
    """However old it is, what other systems have not been told of yet they are told of."""
    said(database, alerts=[samples.alert("told"), samples.alert("untold")])
    oldest, newest = SqlAlerts(database).feed_bounds()
    with database.write() as connection:
        meta.put(connection, meta.PUBLISHED, oldest)
    assert enforce(database, feed=NOW + timedelta(seconds=1)) == {"feed": 1}
    assert SqlAlerts(database).feed_bounds() == (newest, newest)


def test_tickets_go_in_many_small_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, all that is too old goes, a few at a time; what is newer stays."""
    monkeypatch.setattr(retention, "_AT_ONCE", 7)
    subject = engine()
    for at, ids in ((BEFORE, range(30)), (AFTER, range(30, 33))):
        record = columns([Row(time=START, id=f"T{number}") for number in ids])
        (position,) = appended(database, [record], milliseconds(at))
        with database.write() as connection:
            SqlOutputs().commit(connection, [(position, record, subject.apply(record))], milliseconds(at))
    assert enforce(database, tickets=LIMIT) == {"tickets": 30}
    known = SqlTickets(database)
    assert [known.status("desk", name) is None for name in ("T29", "T30")] == [True, False]


def test_originals_go_before_their_letters(database: Database) -> None:
    """An original goes when its time is over, its letter later; who read it stays on record."""
    letters = SqlDeadLetters(database)
    item = Refused(source="desk", ticket_id="T1", reject=samples.reject(), original=b"raw")
    with database.write() as connection:
        (letter,) = letters.add(connection, [item], BEFORE, LIMIT)
    letters.original(letter, reader="admin", at=BEFORE)
    assert enforce(database, now=LIMIT) == {"quarantine": 1}
    assert [found.original_until for found in letters.get([letter])] == [None]
    assert enforce(database, dead_letters=LIMIT) == {"dead_letters": 1}
    assert len(originals_read(database)) == 1


@pytest.fixture(name="stored")
def _stored(database: Database, request: pytest.FixtureRequest) -> Callable[[], bytes]:
    """Everything in a database's files, but for PostgreSQL's write-ahead log, which is the server's own."""
    if isinstance(database.place, SqlitePlace):
        return lambda: _bytes(database.path)
    server = request.getfixturevalue("postgres")
    name = request.getfixturevalue("postgres_name")
    return lambda: bytes(server.files(name))


def _bytes(path: Path) -> bytes:
    return path.read_bytes() + path.with_name(f"{path.name}-wal").read_bytes()


@pytest.mark.parametrize("limit", ["now", "dead_letters"])
def test_no_byte_of_an_original_stays(database: Database, stored: Callable[[], bytes], limit: str) -> None:
    """Small originals and large ones, gone by themselves or with their letters, leave nothing in file or log."""
    letters = SqlDeadLetters(database)
    items = [
        Refused(source="desk", ticket_id="T1", reject=samples.reject(), original=b"13812345678 " * length)
        for length in (1, 40, 2_000)
    ]
    with database.write() as connection:
        letters.add(connection, items * 20, BEFORE, LIMIT)
    assert b"13812345678" in stored()
    enforce(database, **{limit: LIMIT})
    assert b"13812345678" not in stored()


def test_a_reader_holds_up_the_log_only(sqlite: Database) -> None:
    """While somebody reads an older state the log cannot be emptied: retention goes on, and empties it next time."""
    letters = SqlDeadLetters(sqlite)
    item = Refused(source="desk", ticket_id="T1", reject=samples.reject(), original=b"13812345678")
    with sqlite.write() as connection:
        letters.add(connection, [item], BEFORE, LIMIT)
    with sqlite.read() as reader:
        reader.execute(select(func.count()).select_from(metadata.tables["log"]))
        assert enforce(sqlite, now=LIMIT) == {"quarantine": 1}
    enforce(sqlite)
    assert b"13812345678" not in _bytes(sqlite.path)


def test_sessions_and_tokens_end(database: Database) -> None:
    """Sessions and one-time tokens that ran out go."""
    accounts = SqlAccounts(database)
    for name, end in (("old", BEFORE), ("new", AFTER)):
        times: dict[str, Any] = {"created_at": BEFORE, "expires_at": end}
        accounts.save_session(Session(token_hash=name, user="wang", csrf="", **times))
        accounts.save_one_time_token(name, "wang", end)
    assert enforce(database, now=LIMIT) == {}
    assert enforce(database, wall=LIMIT) == {"sessions": 1, "one_time_tokens": 1}
    assert accounts.session("new") is not None


def test_the_applied_position_stays(database: Database) -> None:
    """Nothing that a restart needs is deleted."""
    position = said(database)
    later = NOW + timedelta(days=9)
    enforce(database, **dict.fromkeys(asdict(LIMITS), later))
    with database.read() as connection:
        assert meta.get_number(connection, meta.APPLIED) == position
