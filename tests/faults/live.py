"""A live service in a process of its own, which a test can kill at a named moment or at any moment."""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy import Connection

from tests.stored import alerts_in, signals_in
from tests.warning.engine.tickets import Row
from warning.bootstrap.accounts import DATABASE
from warning.bootstrap.live import LiveService, build_live
from warning.domain.alert import Alert
from warning.domain.signal import Signal
from warning.runtime.clock import Clock
from warning.settings import EngineGroup, PolicyGroup, ServiceGroup, Settings
from warning.store.sql.database import Database

SOURCE = "desk"
BATCH = 12
SNAPSHOT_ROWS = 150

NAMED_MOMENTS = (
    "before tick",
    "after tick",
    "applied",
    "before commit",
    "after commit",
    "before snapshot",
    "after snapshot",
)

_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload([__name__])


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a process does: push rows from the first that was not answered, and die at a named moment's nth time."""

    data: str
    rows: tuple[Row, ...]
    moment: str = ""
    nth: int = 0


def settings_of(data: Path | str) -> Settings:
    """Settings of a small city whose service takes snapshots often."""
    return Settings(
        jurisdiction="Testville",
        zone="UTC",
        engine=EngineGroup(shards=8),
        policy=PolicyGroup(minimum_tickets=5, false_alerts_per_week=1.0),
        service=ServiceGroup(data=str(data)),
    )


def event_of(row: Row) -> dict[str, object]:
    """Write a row as a platform pushes it."""
    return {
        "ticket_id": row.id,
        "created_at": datetime.fromtimestamp(row.time / 1000, UTC).isoformat(),
        "category": row.category,
        "area": row.area,
        "department": row.department,
        "channel": row.channel,
        "text": row.text,
    }


class RowClock:
    """Shows the time of the latest row pushed: the test's days pass as fast as the service can follow."""

    def __init__(self, start: int) -> None:
        self.now = start

    def __call__(self) -> int:
        return self.now


def start(data: Path | str, clock: Clock, checkpoint: Callable[[str], None] = lambda _: None) -> LiveService:
    """Start a service that knows the test's source."""
    service = build_live(settings_of(data), clock=clock, checkpoint=checkpoint)
    service.runtime.config = replace(service.runtime.config, snapshot_rows=SNAPSHOT_ROWS)
    service.services.accounts.add_source(SOURCE, "canonical")
    service.start()
    return service


def push(service: LiveService, clock: RowClock, rows: Sequence[Row]) -> int:
    """Push some rows, and let the clock show the last one's time; returns how many were accepted."""
    clock.now = max(clock.now, *(row.time for row in rows))
    events = [event_of(row) for row in rows]
    answers = service.services.intake.push(SOURCE, events, [json.dumps(event).encode() for event in events])
    return sum(answer.accepted for answer in answers)


def run(plan: Plan) -> None:
    """Push what has not been answered yet, batch by batch, noting each answer; then stop cleanly."""
    answered = Path(plan.data) / "answered"
    done = int(answered.read_text()) if answered.exists() else 0
    clock = RowClock(plan.rows[max(0, done - 1)].time)
    service = start(plan.data, clock, _killer(plan))
    for first in range(done, len(plan.rows), BATCH):
        batch = plan.rows[first : first + BATCH]
        assert push(service, clock, batch) == len(batch)
        _note(answered, first + len(batch))
    service.stop()


def _note(file: Path, done: int) -> None:
    new = file.with_suffix(".new")
    new.write_text(str(done))
    new.replace(file)


def _killer(plan: Plan) -> Callable[[str], None]:
    passed = itertools.count(1)

    def checkpoint(moment: str) -> None:
        if moment == plan.moment and next(passed) == plan.nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return checkpoint


def process(plan: Plan) -> BaseProcess:
    """Start a process that runs a plan."""
    child = _SPAWN.Process(target=run, args=(plan,))
    child.start()
    return child


def stored_alerts(data: Path) -> dict[str, Alert]:
    """Read the alerts a service has stored."""
    with _reading(data) as connection:
        return alerts_in(connection)


def stored_signals(data: Path) -> dict[str, Signal]:
    """Read the signals a service has stored."""
    with _reading(data) as connection:
        return signals_in(connection)


@contextmanager
def _reading(data: Path) -> Iterator[Connection]:
    database = Database(data / DATABASE)
    with database.read() as connection:
        yield connection
    database.close()


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write rows as a file that the mapping ``canonical`` reads."""
    lines = [event_of(row) for row in rows]
    names = ["ticket_id", "created_at", "category", "area_1", "area_2", "area_3", "department", "channel", "text"]
    with path.open("w") as file:
        file.write(",".join(names) + "\n")
        for line, row in zip(lines, rows, strict=True):
            areas = dict(enumerate(row.area.split("/"), 1))
            line |= {f"area_{level}": areas.get(level, "") for level in (1, 2, 3)}
            file.write(",".join(str(line[name]) for name in names) + "\n")
