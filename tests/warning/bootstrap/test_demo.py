"""The demonstration: a past that is loaded once, a clock that goes on, and nothing told before its time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests.warning.runtime.embedded_loop import until
from warning.bootstrap import demo
from warning.bootstrap.demo import FIRST_MORNING, SEED, Demo, Streaming, event_of, incidents, prepare
from warning.bootstrap.folder import open_database
from warning.bootstrap.live import LiveService, build_live
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS
from warning.settings import EngineGroup, ServiceGroup, Settings
from warning.simulator import SimulatedTicket, Stream, load_city
from warning.store.sql import meta
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import SqlDeadLetters
from warning.store.sql.history import SqlHistory
from warning.store.sql.tables import tickets

MORNING = int(FIRST_MORNING.timestamp() * 1000)
CURSOR = MORNING - HOUR_MS
DAYS = 3


def _settings(folder: Path) -> Settings:
    return Settings(engine=EngineGroup(shards=4), service=ServiceGroup(data=str(folder)))


@pytest.fixture(name="database")
def _database(tmp_path: Path) -> Iterator[Database]:
    database = open_database(tmp_path)
    yield database
    database.close()


def test_the_first_start_loads_a_past_without_a_gap(tmp_path: Path, database: Database) -> None:
    """History holds exactly what the city had received when the stream takes over, and all of it can be read."""
    told: list[int] = []
    made = prepare(_settings(tmp_path), told.append, days=DAYS)
    assert made.clock() == MORNING
    stream = Stream(load_city("demo"), SEED, (FIRST_MORNING - timedelta(days=DAYS)).date(), extra_incidents=incidents())
    received = {ticket.ticket_id for ticket in stream.between(0, CURSOR)}
    history = list(SqlHistory(database).history_records())
    assert {name for day in history for name in day.ticket_id.tolist()} == received
    assert max(int(day.time.max()) for day in history) > CURSOR - HOUR_MS
    assert SqlDeadLetters(database).counts() == {}
    assert sum(told) >= DAYS
    assert Path(made.settings.register_file).exists()
    assert (made.settings.zone, made.settings.jurisdiction) == ("Asia/Shanghai", load_city("demo").title.zh)


def test_a_later_start_goes_on(tmp_path: Path, database: Database) -> None:
    """The history is loaded once; started again, the clock stands where it was."""
    prepare(_settings(tmp_path), days=DAYS)
    loads = SqlHistory(database).loads()
    with database.write() as connection:
        meta.put(connection, meta.CLOCK, MORNING + DAY_MS)
    told: list[int] = []
    again = prepare(_settings(tmp_path), told.append, days=DAYS)
    assert (again.clock(), told) == (MORNING + DAY_MS, [])
    assert SqlHistory(database).loads() == loads


def test_a_start_that_was_broken_off_is_made_anew(tmp_path: Path, database: Database) -> None:
    """Interrupted while it loads, a demonstration loads again at the next start, and only that counts."""

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(_settings(tmp_path), interrupted, days=DAYS)
    assert list(SqlHistory(database).history_records()) == []
    prepare(_settings(tmp_path), days=DAYS)
    assert len(SqlHistory(database).loads()) == 1


# --- what a platform knows --------------------------------------------------------------------------------------------


def _ticket(closed: int | None) -> SimulatedTicket:
    return SimulatedTicket(
        event_time=MORNING,
        received_time=MORNING + MINUTE_MS,
        ticket_id="T1",
        category="噪声扰民 Noise",
        department="first",
        channel="phone",
        area=("城市", "部", "东湖区"),
        text="text",
        closed_ms=closed,
        transfers=1,
        final_department="last",
    )


def test_nothing_is_told_before_its_time() -> None:
    """Until a ticket is closed nothing of its end is told: neither when, nor by which department."""
    closed = MORNING + 5 * HOUR_MS
    open_ticket = event_of(_ticket(None), MORNING)
    assert (open_ticket["closed_at"], open_ticket["final_department"]) == ("", "first")
    assert all(event_of(_ticket(closed), now) == open_ticket for now in range(MORNING, closed, 37 * MINUTE_MS))
    assert event_of(_ticket(closed), closed - 1) == open_ticket


def test_an_end_is_told_from_then_on() -> None:
    """From its closing on a ticket has its last department and the time, which never changes again."""
    closed = MORNING + 5 * HOUR_MS
    told = event_of(_ticket(closed), closed)
    assert told["closed_at"] == (FIRST_MORNING + timedelta(hours=5)).astimezone(ZoneInfo("UTC")).isoformat()
    assert told["final_department"] == "last"
    assert event_of(_ticket(closed), closed + DAY_MS) == told


# --- the stream -------------------------------------------------------------------------------------------------------


def _stream_for_a_while(made: Demo, hours: float) -> int:
    """Run a demonstration until its clock has passed some hours; returns where its clock was."""
    service = build_live(made.settings, clock=made.clock)
    began, announced = made.clock(), threading.Event()
    streaming = Streaming(made, service, announced.set)
    service.start()
    streaming.start()
    assert announced.wait(30)
    until(lambda: _cursor(service) >= began + hours * HOUR_MS)
    streaming.stop()
    service.stop()
    return _cursor(service)


def _cursor(service: LiveService) -> int:
    with service.database.read() as connection:
        return meta.get_number(connection, demo._CURSOR)


def test_the_stream_pushes_what_was_received(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over a stop and a start each ticket received meanwhile came in, and none before it was received."""
    monkeypatch.setattr(demo, "PUSH_SECONDS", 0.02)
    monkeypatch.setattr(demo, "FACTOR", 7200.0)
    monkeypatch.setattr(demo, "CLOSING_DAYS", 2)
    prepare(_settings(tmp_path), days=DAYS)
    _stream_for_a_while(prepare(_settings(tmp_path)), 2)
    end = _stream_for_a_while(prepare(_settings(tmp_path)), 2)
    stream = Stream(
        load_city("demo"), SEED, (FIRST_MORNING - timedelta(days=demo.HISTORY_DAYS)).date(), extra_incidents=incidents()
    )
    received = {ticket.ticket_id for ticket in stream.between(CURSOR, end)}
    with database.read() as connection:
        kept = set(connection.execute(select(tickets.c.ticket_id)).scalars())
    assert len(received) > 50
    assert received <= kept
    closed_later = {ticket.ticket_id for ticket in stream.between(CURSOR - 2 * DAY_MS, CURSOR)}
    assert kept <= received | closed_later
    assert SqlDeadLetters(database).counts() == {}
