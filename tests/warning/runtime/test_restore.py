"""Restoring when the store refuses on the way, when a snapshot is of other settings, and what the clock did."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.faults.live import RowClock, push, settings_of, start, stored_alerts
from tests.warning.engine.tickets import city
from tests.warning.runtime.embedded_loop import settled, until
from warning.bootstrap.history import HistoryLoad
from warning.bootstrap.live import LiveService, build_live
from warning.domain.bucket import DAY_MS
from warning.intake.mapping_files import load_mapping
from warning.intake.normalise import Normaliser
from warning.runtime import embedded
from warning.runtime.clock import GuardedClock
from warning.runtime.state import LiveState
from warning.service.errors import BadInputError
from warning.settings import Settings
from warning.store.sql.errors import StoreUnwritableError

ROWS = city(3.5)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "RETRY_SECONDS", 0.01)


def _refusing(monkeypatch: pytest.MonkeyPatch, method: str, times: int) -> Callable[[], int]:
    """Let a write of the state be refused some times; returns how often it was tried."""
    whole: Callable[..., Any] = getattr(LiveState, method)
    tried = 0

    def refuse(self: LiveState, *arguments: Any) -> Any:
        nonlocal tried
        tried += 1
        if tried <= times:
            raise StoreUnwritableError("disk", "the disk is full", "磁盘已满")
        return whole(self, *arguments)

    monkeypatch.setattr(LiveState, method, refuse)
    return lambda: tried


def _ran(data: Path) -> RowClock:
    """Run a service over the test city, and stop it."""
    clock = RowClock(ROWS[0].time)
    service = start(data, clock)
    for first in range(0, len(ROWS), 100):
        push(service, clock, ROWS[first : first + 100])
    until(lambda: settled(service))
    service.stop()
    return clock


@pytest.mark.parametrize("method", ["begin_era", "save_snapshot", "commit"])
def test_a_refusal_during_a_new_era_is_made_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Whichever write of a restore the store refuses, the service becomes ready and what was open is closed."""
    clock = _ran(tmp_path)
    service = start(tmp_path, clock)
    until(lambda: settled(service))
    before = stored_alerts(tmp_path)
    assert any(alert.closed_at is None for alert in before.values())
    tried = _refusing(monkeypatch, method, 2)
    _load(service.settings, service, clock)
    push(service, clock, [replace(ROWS[-1], id="one more")])
    until(lambda: tried() > 2 and settled(service))
    service.stop()
    after = stored_alerts(tmp_path)
    assert all(after[identity].closed_at is not None for identity in before)


def _load(settings: Settings, service: LiveService, clock: RowClock) -> None:
    mapping = load_mapping("canonical")
    events = [
        {
            "ticket_id": f"h{i}",
            "created_at": f"2023-10-{1 + i % 28:02d}T10:00:00Z",
            "category": "Old",
            "area": "Testville",
        }
        for i in range(60)
    ]
    from warning.intake.events import normalise_events

    part = normalise_events(events, Normaliser(mapping, now_ms=clock()), "old")
    HistoryLoad(settings, service.database, clock).run([part], files=("old",), mapping="canonical", source="old")


def test_no_snapshot_is_ahead_of_its_position(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the last commit before the end is refused, no snapshot is taken: the next start loses nothing."""
    clock = _ran(tmp_path)
    service = start(tmp_path, clock)
    until(lambda: settled(service))
    with monkeypatch.context() as patched:
        _refusing(patched, "commit", 10_000)
        push(service, clock, [replace(ROWS[-1], id="last words")])
        service.stop()
    service = start(tmp_path, clock)
    until(lambda: settled(service))
    found = service.services.intake.status("desk", "last words")
    service.stop()
    assert found is not None
    assert found.outcome is not None
    assert (found.outcome.value, found.times_received) == ("accepted", 1)


def test_other_settings_build_the_engine_anew(tmp_path: Path) -> None:
    """After a change of the number of shards the log gives everything again, and the service is ready."""
    clock = _ran(tmp_path)
    before = stored_alerts(tmp_path)
    settings = settings_of(tmp_path)
    changed = settings.model_copy(update={"engine": settings.engine.model_copy(update={"shards": 4})})
    service = build_live(changed, clock=clock)
    service.start()
    until(lambda: settled(service))
    service.stop()
    assert stored_alerts(tmp_path).keys() == before.keys()


@pytest.mark.parametrize("change", [{"jurisdiction": "Elsewhere"}, {"zone": "Asia/Tokyo"}])
def test_a_folder_is_one_jurisdictions(tmp_path: Path, change: dict[str, str]) -> None:
    """Another jurisdiction or zone on the same folder is refused at the start, naming the setting and what to do."""
    _ran(tmp_path)
    with pytest.raises(BadInputError, match=f"setting {next(iter(change))}") as raised:
        build_live(settings_of(tmp_path).model_copy(update=change))
    assert "数据目录" in raised.value.zh


def test_a_log_whose_clock_is_ahead_is_told(tmp_path: Path) -> None:
    """After a tick of the future an operator reads that tickets are late until then; a jump is told at once."""
    clock = _ran(tmp_path)
    service = start(tmp_path, clock)
    until(lambda: settled(service))
    clock.now -= DAY_MS
    assert "1,4" in service.runtime.condition().notice
    assert "迟到" in service.runtime.condition().notice_zh
    guarded = GuardedClock(clock, lambda: 0.0)
    service.runtime.clock = guarded
    clock.now += 2 * DAY_MS
    guarded()
    assert "jumped by +2,880 minutes" in service.runtime.condition().notice
    service.stop()
