"""``kill -9`` at any moment: nothing accepted is lost, nothing is said twice, and the log alone gives it all again."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from sqlalchemy import select

from tests.faults.live import NAMED_MOMENTS, Plan, process, settings_of, stored_alerts, stored_signals
from tests.warning.engine.tickets import city
from warning.bootstrap import run_backtest_log
from warning.bootstrap.history import export_live_log
from warning.store.sql.database import Database
from warning.store.sql.tables import feed, tickets

ROWS = tuple(city(28.0))
KILLS_AT_RANDOM = 36


def test_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    """After more than 50 kills the store holds what a back-test of its log gives, and every accepted ticket once."""
    random.seed(5)
    kills = Counter[str]()
    for nth in (1, 3, 9):
        for moment in NAMED_MOMENTS:
            kills["named"] += _killed(Plan(data=str(tmp_path), rows=ROWS, moment=moment, nth=nth), 60.0)
    for _ in range(KILLS_AT_RANDOM):
        kills["random"] += _killed(Plan(data=str(tmp_path), rows=ROWS), random.uniform(0.1, 0.8))
    last = process(Plan(data=str(tmp_path), rows=ROWS))
    last.join(300)
    assert last.exitcode == 0
    assert kills.total() >= 50, kills
    _check_tickets(tmp_path)
    _check_outputs(tmp_path)
    _check_feed(tmp_path)


def _killed(plan: Plan, seconds: float) -> int:
    """Run a plan; kill it after some seconds if it still runs. Returns 1 if it died by a kill."""
    child = process(plan)
    child.join(seconds)
    if child.is_alive():
        child.kill()
        child.join()
    assert child.exitcode in {0, -9}
    return int(child.exitcode == -9)


def _check_tickets(data: Path) -> None:
    database = Database(data / "early-warning.db")
    with database.read() as connection:
        rows = connection.execute(select(tickets.c.ticket_id, tickets.c.outcome)).all()
    database.close()
    assert {row.ticket_id for row in rows} == {row.id for row in ROWS}
    assert len(rows) == len(ROWS)


def _check_outputs(data: Path) -> None:
    export_live_log(settings_of(data), data / "whole.log")
    again = run_backtest_log(data / "whole.log", settings=settings_of(data))
    assert stored_alerts(data) == {alert.id: alert for alert in again.alerts}
    assert stored_signals(data) == {signal.id: signal for signal in again.signals}
    assert again.alerts


def _check_feed(data: Path) -> None:
    """The feed tells as many changes of each alert as the alert's history has lines, or fewer where one commit held
    several.
    """
    database = Database(data / "early-warning.db")
    with database.read() as connection:
        told = Counter(connection.execute(select(feed.c.subject)).scalars().all())
    database.close()
    histories = {alert.id: len(alert.history) for alert in stored_alerts(data).values()}
    assert set(told) >= set(histories)
    assert all(told[identity] <= lines for identity, lines in histories.items())
