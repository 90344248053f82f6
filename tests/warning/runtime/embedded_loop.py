"""An embedded service for tests: its clock is the rows', its moments are noted, and it can crash at any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from tests.faults.live import SOURCE, RowClock, push, settings_of
from tests.warning.engine.tickets import Row, city
from warning.bootstrap.live import LiveService, build_live
from warning.engine.records import Record
from warning.store.sql.log import SqlLog

PATIENCE = 20.0
ROWS = city(3.5)


class Crashed(Exception):  # noqa: N818  not an error of the program: a test's way to end it
    """The process ends here."""


class Checkpoints:
    """Notes the moments passed, and crashes at the nth time of one."""

    def __init__(self, moment: str = "", nth: int = 1) -> None:
        self.passed: list[str] = []
        self._moment = moment
        self._nth = nth

    def __call__(self, moment: str) -> None:
        self.passed.append(moment)
        if moment == self._moment and self.passed.count(moment) == self._nth:
            raise Crashed


@contextmanager
def service_over(
    data: Path,
    clock: RowClock,
    checkpoint: Callable[[str], None] = lambda _: None,
    *,
    start: bool = True,
    **config: Any,
) -> Iterator[LiveService]:
    service = build_live(settings_of(data), clock=clock, checkpoint=checkpoint)
    service.runtime.config = replace(service.runtime.config, **config)
    service.services.accounts.add_source(SOURCE, "canonical")
    if start:
        service.start()
    try:
        yield service
    finally:
        service.stop()


def until(happens: Callable[[], object], seconds: float = PATIENCE) -> None:
    ends = monotonic() + seconds
    while not happens():
        assert monotonic() < ends, "it did not happen in time"
        sleep(0.005)


def settled(service: LiveService) -> bool:
    now = service.runtime.condition()
    return now.ready and now.applied_position == now.newest_position


def push_all(service: LiveService, clock: RowClock, rows: Sequence[Row], batch: int = 100) -> None:
    for first in range(0, len(rows), batch):
        push(service, clock, rows[first : first + batch])
        until(lambda: settled(service) or service.runtime.condition().stuck)


def log_of(service: LiveService) -> list[tuple[int, Record]]:
    return list(SqlLog(service.database).read())


def listened(service: LiveService, name: str, monkeypatch: pytest.MonkeyPatch) -> list[tuple[bool, str]]:
    """Note (ready, progress) as the loop asks for each record by a method of the state."""
    heard: list[tuple[bool, str]] = []
    give = getattr(service.runtime.state, name)

    def noting(*words: Any, **named: Any) -> Iterator[Any]:
        for each in give(*words, **named):
            yield each
            now = service.runtime.condition()
            heard.append((now.ready, now.progress))

    monkeypatch.setattr(service.runtime.state, name, noting)
    return heard
