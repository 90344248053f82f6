"""A whole service over a data folder: put together, started, stopped, and one at a time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.faults.live import RowClock, push, settings_of, start
from tests.warning.engine.tickets import CITY, START, city
from tests.warning.runtime.embedded_loop import settled, until
from warning.bootstrap.folder import jurisdiction_of, open_database, remembered, zone_of
from warning.bootstrap.live import build_live
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.service.errors import BadInputError
from warning.settings import Settings
from warning.store.sql.errors import StoreInUseError


def test_the_parts_know_one_another(tmp_path: Path) -> None:
    """What is pushed is counted, told of by the metrics and known after a restart; no thread outlives the stop."""
    before = threading.active_count()
    clock = RowClock(START)
    service = start(tmp_path, clock)
    rows = city(0.3)
    assert push(service, clock, rows) == len(rows)
    until(lambda: settled(service))
    text, kind = service.services.metrics()
    assert kind.startswith("text/plain")
    assert f'early_warning_tickets_total{{outcome="accepted"}} {len(rows)}.0' in text.decode()
    assert b"early_warning_ready 1.0" in text
    service.stop()
    assert threading.active_count() == before
    service = start(tmp_path, clock)
    assert service.services.intake.status("desk", rows[0].id) is not None
    service.stop()


def test_a_folder_has_one_service(tmp_path: Path) -> None:
    """A second service on the folder is refused and the first goes on; once it has stopped another can start."""
    clock = RowClock(START)
    first = start(tmp_path, clock)
    with pytest.raises(StoreInUseError):
        build_live(settings_of(tmp_path), clock=clock)
    assert push(first, clock, city(0.1)) > 0
    first.stop()
    build_live(settings_of(tmp_path), clock=clock).stop()


def test_a_service_that_cannot_begin_holds_nothing(tmp_path: Path) -> None:
    """A register that cannot be read is said, and the folder is free for the next start."""
    wrong = settings_of(tmp_path).model_copy(update={"register_file": str(tmp_path / "none.yaml")})
    with pytest.raises(InvalidInputError):
        build_live(wrong, clock=RowClock(START))
    build_live(settings_of(tmp_path), clock=RowClock(START)).stop()


def test_a_source_that_nobody_added_is_unknown(tmp_path: Path) -> None:
    """A push of a source that was not added names the sources there are."""
    service = start(tmp_path, RowClock(START))
    with pytest.raises(UnknownNameError) as refused:
        service.services.intake.push("nowhere", [{}], [b"{}"])
    assert refused.value.known == ["desk"]
    service.stop()


def test_a_folder_remembers_whose_it_is(tmp_path: Path) -> None:
    """Commands without the service's settings find its jurisdiction and zone; without a service they have their own."""
    folder = tmp_path / "data"
    database = open_database(folder)
    other = Settings(jurisdiction="Elsewhere", zone="Asia/Shanghai")
    assert remembered(other, database) == other
    build_live(settings_of(folder), clock=RowClock(START)).stop()
    found = remembered(other, database)
    assert (jurisdiction_of(found), zone_of(found)) == (CITY, "UTC")
    database.close()


def test_a_folder_keeps_the_step_of_its_clock(tmp_path: Path) -> None:
    """Ticks are numbered by it, so that a larger one would stop the clock: another is refused, and it is named."""
    settings = settings_of(tmp_path)
    build_live(settings, clock=RowClock(START)).stop()
    service = settings.service.model_copy(update={"tick_minutes": 5})
    with pytest.raises(BadInputError, match=r"service\.tick_minutes.* is '5', but .* begun with '1'"):
        build_live(settings.model_copy(update={"service": service}), clock=RowClock(START))
