"""A clock that jumps: nothing accepted is lost, ticks never go back, what comes behind them is late and stays."""

from __future__ import annotations

from pathlib import Path

from tests.faults.real import SOURCE, Place, Real, now_ms, running, settings_of, ticket, until
from warning.domain.bucket import HOUR_MS, MINUTE_MS
from warning.engine.records import Tick
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog


def test_an_hour_forward_and_back(tmp_path: Path) -> None:
    """After an hour's jump tickets of the true time are late, not lost; when time has caught up all goes on."""
    place = Place(tmp_path / "data", tmp_path / "aside")
    place.prepare()
    with running(place, settings_of(place.data)) as real:
        assert _push(real, "true", now_ms()) == "accepted"
        ticks = _ticks(place)
        place.clock(HOUR_MS + 30 * MINUTE_MS)
        assert _push(real, "ahead", now_ms() + HOUR_MS + 30 * MINUTE_MS) == "accepted"
        until(lambda: len(_ticks(place)) > len(ticks))
        ticks = _ticks(place)
        place.clock()
        assert _push(real, "behind", now_ms()) == "late"
        assert _ticks(place) == ticks
        assert real.health().status_code == 200
        place.clock(2 * HOUR_MS)
        assert _push(real, "caught up", now_ms() + 2 * HOUR_MS) == "accepted"
        until(lambda: len(_ticks(place)) > len(ticks))
        real.stop()
    assert [tick.number for tick in _ticks(place)] == sorted({tick.number for tick in _ticks(place)})
    _all_there(place, {"true": "accepted", "ahead": "accepted", "behind": "late", "caught up": "accepted"})


def test_a_restart_while_the_clock_is_behind(tmp_path: Path) -> None:
    """Started with a clock an hour behind its log a service takes tickets as late, writes no tick, goes on later."""
    place = Place(tmp_path / "data", tmp_path / "aside")
    place.prepare()
    place.clock(90 * MINUTE_MS)
    with running(place, settings_of(place.data)) as real:
        assert _push(real, "ahead", now_ms() + 90 * MINUTE_MS) == "accepted"
        until(lambda: bool(_ticks(place)))
        real.stop()
    ticks = _ticks(place)
    place.clock()
    with running(place, settings_of(place.data)) as real:
        assert _push(real, "behind", now_ms()) == "late"
        assert _ticks(place) == ticks
        place.clock(2 * HOUR_MS)
        assert _push(real, "caught up", now_ms() + 2 * HOUR_MS) == "accepted"
        until(lambda: len(_ticks(place)) > len(ticks))
        real.stop()
    _all_there(place, {"ahead": "accepted", "behind": "late", "caught up": "accepted"})


def test_a_clock_behind_refuses_the_present_and_replays_it(tmp_path: Path) -> None:
    """By a clock an hour behind, tickets of the true time are refused as future; replayed later they are taken."""
    place = Place(tmp_path / "data", tmp_path / "aside")
    place.prepare()
    with running(place, settings_of(place.data)) as real, real.signed_in() as browser:
        place.clock(-HOUR_MS)
        answer = real.push([ticket("true", now_ms())])
        assert answer.status_code == 202
        assert answer.json()["items"][0]["reject"]["reason"] == "time_in_future"
        place.clock()
        (letter,) = browser.get("/api/v1/rejections").json()["items"]
        replayed = browser.post("/api/v1/rejections/replay", json={"ids": [letter["id"]]})
        assert replayed.json()["accepted"] == 1, replayed.text
        until(lambda: real.outcome("true") == "accepted")
        real.stop()


def _push(real: Real, identity: str, at: int) -> str | None:
    """Push a ticket; returns its outcome once it was counted."""
    answer = real.push([ticket(identity, at)])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1, answer.text
    until(lambda: real.outcome(identity) not in {None, "None"})
    return real.outcome(identity)


def _ticks(place: Place) -> list[Tick]:
    database = Database(place.database)
    try:
        return [record for _, record in SqlLog(database).read(0) if isinstance(record, Tick)]
    finally:
        database.close()


def _all_there(place: Place, outcomes: dict[str, str]) -> None:
    rows = place.rows("SELECT source, ticket_id, outcome, times_received FROM tickets ORDER BY ticket_id")
    assert rows == sorted((SOURCE, identity, outcome, 1) for identity, outcome in outcomes.items())
