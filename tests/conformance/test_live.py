"""The embedded service and the back-test agree: the same log gives the same signals and alerts, to the bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.faults.live import RowClock, push, settings_of, start, stored_alerts, stored_signals, write_csv
from tests.warning.engine.tickets import Row, city
from warning.bootstrap import run_backtest_log
from warning.bootstrap.history import export_live_log, load_history
from warning.bootstrap.live import LiveService
from warning.domain.alert import Disposition
from warning.domain.bucket import DAY_MS
from warning.domain.handling import Act, Command
from warning.service.ports import AlertQuery
from warning.service.result import BacktestResult

BATCH = 25
PATIENCE = 60.0


@contextmanager
def _running(data: Path, clock: RowClock) -> Iterator[LiveService]:
    service = start(data, clock)
    try:
        yield service
    finally:
        service.stop()


def _push_all(service: LiveService, clock: RowClock, rows: Sequence[Row]) -> None:
    for first in range(0, len(rows), BATCH):
        part = rows[first : first + BATCH]
        assert push(service, clock, part) == len(part)
    _settled(service)


def _settled(service: LiveService) -> None:
    """Wait until everything in the log was applied."""
    end = monotonic() + PATIENCE
    while True:
        condition = service.services.runtime.condition()
        if condition.ready and condition.applied_position == condition.newest_position:
            return
        assert monotonic() < end, condition
        sleep(0.02)


def _backtest(data: Path) -> BacktestResult:
    log = data / "whole.log"
    log.unlink(missing_ok=True)
    export_live_log(settings_of(data), log)
    return run_backtest_log(log, settings=settings_of(data))


def _agree(data: Path, result: BacktestResult) -> None:
    assert stored_alerts(data) == {alert.id: alert for alert in result.alerts}
    assert stored_signals(data) == {signal.id: signal for signal in result.signals}


def test_a_service_that_ran_through_agrees(tmp_path: Path) -> None:
    """Without kills, restarts or reviews the store holds what a back-test of the exported log gives."""
    rows = city(6.0)
    clock = RowClock(rows[0].time)
    with _running(tmp_path, clock) as service:
        _push_all(service, clock, rows)
    result = _backtest(tmp_path)
    assert result.alerts
    _agree(tmp_path, result)


@pytest.mark.parametrize("disposition", list(Disposition))
def test_reviews_plans_and_restarts_are_in_the_log(tmp_path: Path, disposition: Disposition) -> None:
    """What people decide comes back as control records, so the log alone gives the same again, restarts or not."""
    rows = city(9.0)
    half = len(rows) // 2
    clock = RowClock(rows[0].time)
    with _running(tmp_path, clock) as service:
        _push_all(service, clock, rows[:half])
        desk, now = service.services.desk, service.runtime.now()
        view = desk.list(AlertQuery(limit=1)).items[0]
        command = Command(act=Act.REVIEW, actor="ann", at=now, disposition=disposition, reason="seen")
        assert desk.act(view.alert.id, 0, command).handling.disposition is disposition
        service.services.planning.add(
            "fair", now, now + timedelta(days=2), areas=["Testville/North"], categories=[], actor="ann"
        )
    with _running(tmp_path, clock) as service:
        _push_all(service, clock, rows[half:])
        assert service.services.desk.detail(view.alert.id).view.handling.reviewer == "ann"
    _agree(tmp_path, _backtest(tmp_path))


def test_history_begins_a_new_era(tmp_path: Path) -> None:
    """History loaded into a running service raises nothing, teaches, ends what was open, and is in the log."""
    rows = city(8.0)
    clock = RowClock(rows[0].time)
    old = tmp_path / "old.csv"
    write_csv(old, [replace(row, time=row.time - 20 * DAY_MS, id=f"old-{row.id}") for row in city(19.0, seed=3)])
    with _running(tmp_path, clock) as service:
        _push_all(service, clock, rows[: len(rows) * 3 // 4])
        before = stored_alerts(tmp_path)
        loaded = load_history([old], mapping="canonical", settings=settings_of(tmp_path), source="old", clock=clock)
        assert (loaded.newer, loaded.rejected) == (0, {})
        assert loaded.rows > 1000
        _push_all(service, clock, rows[len(rows) * 3 // 4 :])
    after = stored_alerts(tmp_path)
    result = _backtest(tmp_path)
    again = {alert.id: alert for alert in result.alerts}
    assert before
    assert before.keys() <= after.keys()
    assert {i: a for i, a in after.items() if i not in before} == again
    assert all(after[identity].closed_at is not None for identity in before)
