"""History: years of tickets from before the service began, which teach its baselines and raise nothing.

A load begins a new era of the log: the history of all loads comes first, with one tick a day, then everything that
came in live. The runtime notices the new era, builds its engine anew, and goes on from where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from warning.domain.bucket import DAY_MS
from warning.domain.control import Control, ControlKind
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns


def history_log(
    days: Iterable[TicketColumns], *, jurisdiction: str, step_ms: int, cut: int, muted_until: int
) -> Iterator[Record]:
    """Yield the records that come before the live log.

    Parameters
    ----------
    days : tickets by day (UTC), in order; several for one day where there are several sources
    step_ms : of the live log's ticks
    cut : where the live log begins; the last tick does not go beyond it
    muted_until : nothing is said of windows that start before it
    """
    yield Control(
        kind=ControlKind.HISTORY, jurisdiction=jurisdiction, effective_from=0, until=muted_until, reason="history"
    )
    open_day: int | None = None
    for columns in days:
        day = int(columns.time.min()) // DAY_MS
        if day != open_day:
            yield _tick(jurisdiction, min(day * DAY_MS, cut), step_ms)
        open_day = day
        yield replace(columns, jurisdiction=jurisdiction)
    if open_day is not None:
        yield _tick(jurisdiction, min((open_day + 1) * DAY_MS, cut), step_ms)


def _tick(jurisdiction: str, watermark: int, step_ms: int) -> Tick:
    number = watermark // step_ms
    return Tick(jurisdiction=jurisdiction, number=number, watermark=number * step_ms, read_to=number * step_ms)
