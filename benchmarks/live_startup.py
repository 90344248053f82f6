"""Seconds until a service with a long log is ready: after a clean stop, after ``kill -9``, and without a snapshot.

The log is a city's: half of the tickets over about a week with a tick each minute, then the other half within five
minutes, as when a platform sends what it held back. The process is killed twice: when its last snapshot is five
ordinary minutes old, and when it is from before that second half, in which every series surges. The runtime takes a
snapshot after half a million tickets at the latest, so a restart can hardly have more to repeat than then.
Every start is of a copy of the folder, just written: the files come from memory, not from a disk.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.live_post import await_applied
from benchmarks.live_server import running
from benchmarks.process import Figures
from warning.bootstrap.accounts import DATABASE
from warning.bootstrap.folder import open_database
from warning.domain.bucket import HOUR_MS, MINUTE_MS
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns
from warning.intake.files import read_files
from warning.intake.mapping_files import load_mapping
from warning.store.sql.log import SqlLog

_CITY = "made-up-city"
_SETTINGS = {"jurisdiction": _CITY, "zone": "Asia/Shanghai"}
_LATENESS_MS = HOUR_MS
_AT_ONCE = 500
"""Records in a transaction."""
_RECORD = 500
"""Tickets in a record of the half that comes at once."""
_BURST_MS = 5 * MINUTE_MS
_MOST_AT_ONCE = 490_000
_LAST = 10
"""Records of five ordinary minutes, a batch and a tick each."""


def starts(csv: str, mapping: str) -> Figures:
    """Bring a service to each state, and start it there."""
    tickets = TicketColumns.joined([part.tickets for part in read_files([Path(csv)], load_mapping(mapping))])
    half = max(len(tickets) // 2, len(tickets) - _MOST_AT_ONCE)
    ordinary, rest = tickets.take(np.arange(half)), tickets.take(np.arange(half, len(tickets)))
    with TemporaryDirectory(prefix="early-warning-bench-") as folder:
        data = Path(folder) / "data"
        records = list(_ordinary(ordinary))
        _start(data, _append(data, records[:-_LAST]))
        clock = _append(data, records[-_LAST:])
        _start(data, clock, kill=True)
        killed = _start_of_copy(data, clock)
        _start(data, clock)
        clock = _append(data, list(_at_once(rest, clock)))
        _start(data, clock, kill=True)
        flooded = _start_of_copy(data, clock)
        _start(data, clock)
        clean = _start_of_copy(data, clock)
        scratch = _start_of_copy(data, clock, snapshots=False)
        megabytes = (data / DATABASE).stat().st_size / 1e6
    return {
        "clean": clean,
        "killed": killed,
        "flooded": flooded,
        "scratch": scratch,
        "tickets": float(len(tickets)),
        "repeated": float(len(rest)),
        "ticks": float(sum(isinstance(record, Tick) for record in records)),
        "megabytes": megabytes,
    }


def _ordinary(tickets: TicketColumns) -> Iterator[Record]:
    """Give tickets, which are in the order of their times, as the log of a service with a tick each minute."""
    edges = np.flatnonzero(np.diff(tickets.time // MINUTE_MS, prepend=-1)).tolist()
    for first, end in pairwise([*edges, len(tickets)]):
        yield tickets.take(np.arange(first, end))
        yield _tick(int(tickets.time[end - 1]))


def _at_once(tickets: TicketColumns, clock: int) -> Iterator[Record]:
    """Give tickets as if all came within the five minutes after a clock's time."""
    times = clock + np.arange(len(tickets), dtype=np.int64) * _BURST_MS // len(tickets)
    moved = replace(tickets, time=times, version=times)
    minutes = 0
    for first in range(0, len(moved), _RECORD):
        batch = moved.take(np.arange(first, min(first + _RECORD, len(moved))))
        yield batch
        if int(batch.time[-1] - clock) // MINUTE_MS > minutes:
            minutes += 1
            yield _tick(int(batch.time[-1]))


def _tick(latest: int) -> Tick:
    """Return the tick that a service writes when its clock shows the end of the minute of its latest ticket."""
    number = latest // MINUTE_MS + 1 - _LATENESS_MS // MINUTE_MS
    return Tick(jurisdiction=_CITY, number=number, watermark=number * MINUTE_MS, read_to=latest)


def _append(data: Path, records: Sequence[Record]) -> int:
    """Add records to a folder's log; returns what the clock shows at their end."""
    database = open_database(data)
    log = SqlLog(database)
    for first in range(0, len(records), _AT_ONCE):
        with database.write() as connection:
            log.append(connection, records[first : first + _AT_ONCE], 0)
    last = log.last_tick()
    database.close()
    if last is None:
        raise RuntimeError("the log has no tick")
    return last.watermark + _LATENESS_MS


def _start(data: Path, clock: int, *, kill: bool = False) -> float:
    """Start a service and let it apply its log; returns the seconds until it was ready."""
    with running("service", data=str(data), settings=_SETTINGS, start_ms=clock) as server:
        seconds = server.ready()
        await_applied(data / DATABASE)
        if kill:
            server.kill()
    return seconds


def _start_of_copy(data: Path, clock: int, *, snapshots: bool = True) -> float:
    copy = data.with_name("copy")
    shutil.copytree(data, copy)
    if not snapshots:
        with closing(sqlite3.connect(copy / DATABASE)) as connection, connection:
            connection.execute("DELETE FROM snapshots")
    try:
        return _start(copy, clock, kill=True)
    finally:
        shutil.rmtree(copy)
