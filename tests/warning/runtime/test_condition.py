"""What the embedded loop says of itself: how far it is, that it is stuck, and that there is news."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.faults.live import RowClock, push
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
from warning.engine.records import Output, Record
from warning.intake.columns import TicketColumns
from warning.runtime import embedded
from warning.runtime.clock import steady_seconds
from warning.runtime.history import history_log


def test_a_restoring_service_says_how_far_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it replays it is not ready, and says what it does and how far it is; then it is ready and says nothing."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock, Checkpoints("before snapshot")) as service:
        push_all(service, clock, ROWS[:300], 30)
        committed = service.runtime.state.applied()
    with service_over(tmp_path, clock, start=False) as service:
        assert (service.runtime.condition().ready, service.runtime.condition().progress) == (
            *(False, "正在启动 starting"),
        )
        heard = listened(service, "records", monkeypatch)
        service.start()
        until(lambda: settled(service))
        assert service.runtime.condition().progress == ""
    words = [progress for ready, progress in heard if not ready]
    assert f"正在恢复 restoring: {committed:,} / {committed:,}" in words
    assert all(progress.startswith(("正在恢复 restoring: ", "正在追赶 catching up: ")) for progress in words[1:])


def test_learning_and_catching_up_have_their_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """History that is learned, and a log that is behind, are told in figures."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock, start=False) as service:
        service.worker.start()
        push(service, clock, ROWS[200:230])
        state = service.runtime.state
        past = [record for _, record in log_of(service) if isinstance(record, TicketColumns)]
        records = history_log(past, jurisdiction="Testville", step_ms=60_000, cut=clock.now, muted_until=clock.now)
        monkeypatch.setattr(state, "history_rows", lambda: 30)
        monkeypatch.setattr(state, "history_records", lambda: iter(list(records)))
        learned, caught = (listened(service, name, monkeypatch) for name in ("history_records", "records"))
        service.runtime.start()
        until(lambda: settled(service))
    assert (False, "正在学习历史 learning history: 30 / 30") in learned
    assert {ready for ready, _ in caught[:1]} == {False}


def test_an_idle_service_is_not_stuck_when_something_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an hour without work the first ticket does not find it stuck; one that waits for a minute does."""
    clock = RowClock(ROWS[0].time)
    ahead = 0.0
    monkeypatch.setattr(embedded, "steady_seconds", lambda: steady_seconds() + ahead)
    busy, go_on = threading.Event(), threading.Event()
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))
        ahead = 3600.0
        until(lambda: service.runtime._moved > steady_seconds() + 3000)
        store = service.runtime.state.commit

        def commit(steps: Sequence[tuple[int, Record, Output]], at: int) -> None:
            busy.set()
            go_on.wait(PATIENCE)
            store(steps, at)

        monkeypatch.setattr(service.runtime.state, "commit", commit)
        push(service, clock, ROWS[:10])
        assert busy.wait(PATIENCE)
        assert not service.runtime.condition().stuck
        ahead += embedded.STUCK_SECONDS + 1
        assert service.runtime.condition().stuck
        go_on.set()
        until(lambda: settled(service))
        assert not service.runtime.condition().stuck


def test_waiting_for_the_feed_ends_with_news_or_with_time(tmp_path: Path) -> None:
    """Who waits for the feed is woken by what is new, at once where it is there already, and else after the time."""
    clock = RowClock(ROWS[0].time)
    with service_over(tmp_path, clock) as service:
        until(lambda: settled(service))
        assert not service.runtime.wait_for_feed(0, 0.05)
        waiter = threading.Timer(0.0, lambda: heard.append(service.runtime.wait_for_feed(0, PATIENCE)))
        heard: list[bool] = []
        waiter.start()
        push_all(service, clock, ROWS)
        waiter.join(PATIENCE)
        assert heard == [True]
        assert service.runtime.wait_for_feed(0, 0.0)
