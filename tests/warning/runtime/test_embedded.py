"""The embedded loop in one process: restarts, refusals of the disk, snapshots, and how it ends.

A crash is a checkpoint that raises: the engine's thread ends there, and nothing after that line is done.
"""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from tests.faults.live import SOURCE, RowClock, push, settings_of, stored_alerts
from tests.warning.runtime.embedded_loop import (
    PATIENCE,
    ROWS,
    Checkpoints,
    listened,
    log_of,
    push_all,
    service_over,
    settled,
    until,
)
from warning.bootstrap.live import LiveService, build_live
from warning.engine.records import Output, Record, Tick
from warning.runtime import embedded
from warning.store.sql.errors import StoreUnwritableError


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "RETRY_SECONDS", 0.01)


# --- restarts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["after tick", "before commit", "after commit", "before snapshot"])
def test_a_restart_says_nothing_twice(tmp_path: Path, moment: str) -> None:
    """After a crash the next run restores a snapshot, replays, and the feed tells only of what it had not told."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock, Checkpoints(moment, 4), snapshot_rows=200) as service:
        push_all(service, clock, ROWS[:500], 60)
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))
        push_all(service, clock, ROWS[500:])
        whole = stored_alerts(tmp_path)
        told = _told(service)
    assert whole
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))
        assert _told(service) == told
    assert stored_alerts(tmp_path) == whole
    assert len(told) == len(set(told))


def _told(service: LiveService) -> list[tuple[str, str, str]]:
    alerts = stored_alerts(service.database.path.parent)
    events = service.services.desk.feed_after(0, 10_000)
    opened = [(each.kind, each.subject, each.change) for each in events if each.change.startswith("OPEN")]
    assert {subject for _, subject, _ in opened} >= set(alerts)
    return opened


def test_a_restart_without_a_snapshot_reads_the_whole_log(tmp_path: Path) -> None:
    """A process that died before its first snapshot leaves a log that the next one applies from its beginning."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock, Checkpoints("before commit", 3)) as service:
        push_all(service, clock, ROWS[:300], 60)
        assert service.runtime.state.latest_snapshot(0) is None
    with service_over(tmp_path, clock) as service:
        state = service.runtime.state
        until(lambda: state.applied() == state.newest_position() > 0)


# --- the disk refuses -------------------------------------------------------------------------------------------------


def test_a_refused_commit_is_tried_again_with_the_same_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the store refuses, the same answers are kept and shown as a problem; then they are stored, once."""
    clock = RowClock(ROWS[0].time)
    tried: list[list[tuple[int, Record, Output]]] = []
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))
        state = service.runtime.state
        store = state.commit

        def commit(steps: Sequence[tuple[int, Record, Output]], at: int) -> None:
            tried.append(list(steps))
            if len(tried) < 4:
                raise StoreUnwritableError("city.db", "the disk is full", "磁盘已满")
            store(steps, at)

        monkeypatch.setattr(state, "commit", commit)
        push(service, clock, ROWS[:50])
        until(lambda: "disk is full" in service.runtime.condition().problem or len(tried) > 3)
        until(lambda: settled(service))
        assert service.runtime.condition().problem == ""
    for again in tried[1:4]:
        assert [(position, output) for position, _, output in again] == [(p, o) for p, _, o in tried[0]]
        assert all(a is b for (_, _, a), (_, _, b) in zip(again, tried[0], strict=True))


def test_a_refused_tick_is_written_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that the store refuses is not lost: it is written as soon as the store takes it, without new tickets."""
    clock = RowClock(ROWS[0].time)
    refusals = itertools.count()
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))
        store = service.runtime.state.append

        def append(records: Sequence[Record], at: int) -> None:
            if next(refusals) < 3:
                raise StoreUnwritableError("city.db", "the disk is full", "磁盘已满")
            store(records, at)

        monkeypatch.setattr(service.runtime.state, "append", append)
        push(service, clock, ROWS[:10])
        until(lambda: any(isinstance(record, Tick) for _, record in log_of(service)))
        assert next(refusals) >= 4


# --- snapshots --------------------------------------------------------------------------------------------------------


def test_snapshots_come_by_tickets(tmp_path: Path) -> None:
    """After so many tickets a snapshot is taken, and no more than two are kept."""
    clock, checkpoints = RowClock(ROWS[0].time), Checkpoints()
    with service_over(tmp_path, clock, checkpoints, snapshot_rows=100) as service:
        push_all(service, clock, ROWS[:400], 50)
        until(lambda: checkpoints.passed.count("after snapshot") == 4)
        snapshot = service.runtime.state.latest_snapshot(0)
        assert snapshot is not None
        assert snapshot.position == service.runtime.state.applied()
        assert service.runtime.condition().snapshot_at is not None


def test_snapshots_come_by_time_and_rest_when_nothing_comes(tmp_path: Path) -> None:
    """When the interval is over a snapshot is taken if tickets came since the last, else none."""
    clock, checkpoints = RowClock(ROWS[0].time), Checkpoints()
    with service_over(tmp_path, clock, checkpoints, snapshot_seconds=0.0) as service:
        until(lambda: settled(service))
        sleep(0.3)
        assert "after snapshot" not in checkpoints.passed
        push(service, clock, ROWS[:10])
        until(lambda: checkpoints.passed.count("after snapshot") == 1)
        sleep(0.3)
        assert checkpoints.passed.count("after snapshot") == 1


def test_a_clean_end_leaves_a_snapshot_of_everything(tmp_path: Path) -> None:
    """After a stop the next start has nothing to replay."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock) as service:
        push_all(service, clock, ROWS[:100])
    with service_over(tmp_path, clock, start=False) as service:
        snapshot = service.runtime.state.latest_snapshot(0)
        assert snapshot is not None
        assert snapshot.position == service.runtime.state.newest_position() == service.runtime.state.applied()
        service.runtime.start()
        until(lambda: settled(service))


# --- ends -------------------------------------------------------------------------------------------------------------


def test_a_service_can_be_stopped_while_it_restores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stop in the middle of a long restore ends it soon, leaves no snapshot of half a state, and loses nothing."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock, Checkpoints("before snapshot")) as service:
        push_all(service, clock, ROWS[:300], 30)
        committed = service.runtime.state.applied()
    reached = threading.Event()
    with service_over(tmp_path, clock, start=False) as service:
        give = service.runtime.state.records

        def slow(**named: Any) -> Iterator[tuple[int, Record]]:
            for position, record in give(**named):
                yield position, record
                if position > 5:
                    reached.set()
                    sleep(0.05)

        monkeypatch.setattr(service.runtime.state, "records", slow)
        service.start()
        assert reached.wait(PATIENCE)
        service.runtime.stop()
        assert not service.runtime.condition().ready
        assert service.runtime.state.latest_snapshot(0) is None
        assert service.runtime.state.applied() == committed
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))


def test_a_defect_ends_the_loop_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A defect is logged with its trace, shown as stuck, and told to who can start the process anew."""
    clock = RowClock(ROWS[0].time)
    failed = threading.Event()
    service = build_live(settings_of(tmp_path), clock=clock, checkpoint=Checkpoints("applied"), on_failure=failed.set)
    service.services.accounts.add_source(SOURCE, "canonical")
    service.start()
    with caplog.at_level(logging.ERROR, "warning.runtime.embedded"):
        assert push(service, clock, ROWS[:10]) == 10
        assert failed.wait(PATIENCE)
    assert service.runtime.condition().stuck
    service.stop()
    (record,) = (each for each in caplog.records if each.exc_info)
    assert "defect" in record.message
    with service_over(tmp_path, clock) as again:
        until(lambda: settled(again))
        assert again.runtime.state.applied() >= 1


def test_a_new_era_builds_the_engine_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When history is loaded the running service begins again with it, and keeps a snapshot of the new era alone."""
    from warning.bootstrap.history import HistoryLoad
    from warning.intake.events import normalise_events
    from warning.intake.mapping_files import load_mapping
    from warning.intake.normalise import Normaliser

    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock) as service:
        push_all(service, clock, ROWS[:200])
        before = service.runtime.state.applied()
        heard = listened(service, "records", monkeypatch)
        load = HistoryLoad(service.settings, service.database, clock)
        mapping = load_mapping("canonical").model_copy(update={"source": "old"})
        events = [
            {
                "ticket_id": f"old-{n}",
                "created_at": f"2023-11-1{n % 8}T12:00:00Z",
                "category": "Noise",
                "area": "Testville",
            }
            for n in range(40)
        ]
        part = normalise_events(events, Normaliser(mapping, now_ms=clock()), "old")
        assert load.run([part], files=("old.csv",), mapping="canonical", source="old").rows == 40
        until(lambda: service.runtime.state.latest_snapshot(1) is not None and settled(service))
        assert service.runtime.state.latest_snapshot(0) is None
        assert service.runtime.state.applied() >= before
        assert push(service, clock, ROWS[200:210]) == 10
        until(lambda: settled(service))
    assert any(not ready for ready, _ in heard)
