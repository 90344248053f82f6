"""A row of an export holds final values; here they become life events at their own times.

::

    created_at          updated_at / closed_at
    |---------------------|
    CREATED               TRANSFERRED (if the department changed), then RESOLVED, WITHDRAWN or MERGED
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from warning.domain.ticket import LifeEvent
from warning.intake.identity import digests_of
from warning.intake.mapping import TicketState
from warning.intake.status import is_state

if TYPE_CHECKING:
    from warning.intake.columns import Dictionary, IntArray, TicketColumns
    from warning.intake.status import StateArray
    from warning.intake.times import BoolArray, Times
    from warning.intake.work import RepairLog

CLOCK_TOLERANCE_MS = 10 * 60_000
"""How far ahead of this machine's clock an event time may be."""

NEVER = -1
"""Stands for a later time that a row does not tell of."""

KindArray = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Later:
    """What rows tell of the time after creation: closing and last change (NEVER where there is none), and the state."""

    closed: IntArray
    updated: IntArray
    states: StateArray

    @property
    def latest(self) -> IntArray:
        """The later of the two times."""
        return np.maximum(self.closed, self.updated)

    def take(self, rows: IntArray) -> Later:
        """Return the given rows."""
        return Later(self.closed[rows], self.updated[rows], self.states[rows])


def believable(field: str, times: Times, created: IntArray, limit_ms: int | None, repairs: RepairLog) -> IntArray:
    """Return a later time of each row, NEVER where it is missing or cannot be; each time lost is a counted repair."""
    nowhere = np.zeros(len(created), dtype=np.bool_)
    future = times.known & (times.ms > limit_ms) if limit_ms is not None else nowhere
    before = times.known & (times.ms < created)
    repairs.mark(times.bad, field, "bad_time")
    repairs.mark(times.nonexistent, field, "nonexistent_local_time")
    repairs.mark(future, field, "time_in_future")
    repairs.mark(before, field, f"{field.removesuffix('_at')}_before_created")
    repairs.mark(times.ambiguous, field, "ambiguous_local_time")
    return np.where(times.known & ~future & ~before, times.ms, NEVER)


def without_stale_closings(closed: IntArray, states: StateArray, repairs: RepairLog) -> IntArray:
    """Drop closing times of tickets whose status says they are open: they were reopened."""
    stale = is_state(states, TicketState.OPEN) & (closed != NEVER)
    repairs.mark(stale, "closed_at", "closing_of_open_ticket")
    return np.where(stale, NEVER, closed)


def life_events(tickets: TicketColumns, departments: Dictionary, later: Later) -> TicketColumns:
    """Derive the events after creation of each ticket, in the tickets' order, a transfer before the end."""
    ends, kinds = _endings(later)
    moved_at = np.where(ends != NEVER, ends, later.updated)
    moved = (moved_at != NEVER) & _has_moved(tickets.department, departments)
    ended = ends != NEVER
    rows = np.concatenate([np.flatnonzero(moved), np.flatnonzero(ended)])
    kind = np.concatenate([np.full(int(moved.sum()), LifeEvent.TRANSFERRED, np.uint8), kinds[ended]])
    time = np.concatenate([moved_at[moved], ends[ended]])
    order = np.argsort(rows, kind="stable")
    return _events(tickets, departments, rows[order], kind[order], time[order])


def _endings(later: Later) -> tuple[IntArray, KindArray]:
    kinds = np.full(len(later.states), LifeEvent.RESOLVED, dtype=np.uint8)
    withdrawn = is_state(later.states, TicketState.WITHDRAWN)
    merged = is_state(later.states, TicketState.MERGED)
    kinds[withdrawn] = LifeEvent.WITHDRAWN
    kinds[merged] = LifeEvent.MERGED
    untimed = (withdrawn | merged) & (later.closed == NEVER)
    return np.where(untimed, later.updated, later.closed), kinds


def _has_moved(first: Dictionary, last: Dictionary) -> BoolArray:
    if first is last:
        return np.zeros(len(first.codes), dtype=np.bool_)
    position = {name: code for code, name in enumerate(last.values)}
    same = np.array([position.get(name, -1) for name in first.values], dtype=np.int64)
    named = np.array([bool(name) for name in last.values], dtype=np.bool_)
    moved: BoolArray = (same[first.codes] != last.codes) & named[last.codes]
    return moved


def _events(
    tickets: TicketColumns, departments: Dictionary, rows: IntArray, kind: KindArray, time: IntArray
) -> TicketColumns:
    base = tickets.take(rows)
    content = [pl.Series(base.digest), pl.Series(kind), pl.Series(time)]
    return replace(
        base,
        row=np.zeros(len(rows), dtype=np.int64),
        kind=kind,
        time=time,
        digest=digests_of([part.cast(pl.String) for part in content]),
        department=departments.take(rows),
        text=np.full(len(rows), "", dtype=np.object_),
    )
