"""Normalised parts made by hand: tickets by time, each with the life events that its row tells of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xxhash

from warning.domain.reject import Reject
from warning.domain.ticket import LifeEvent
from warning.engine.records import Record, Tick
from warning.intake.columns import Dictionary, TicketColumns
from warning.intake.normalise import Normalised


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a file: when its ticket was created, and when what it tells of happened (resolved)."""

    time: int
    id: str = ""
    resolved: tuple[int, ...] = ()


def part(
    rows: Sequence[Row], *, rejects: Sequence[Reject] = (), repairs: Counter[tuple[str, str]] | None = None
) -> Normalised:
    """Normalise rows; a row without an id gets one from its position and time."""
    named = [(row.id or f"T{i}-{row.time}", row) for i, row in enumerate(rows)]
    return Normalised(
        tickets=_columns([(name, LifeEvent.CREATED, row.time) for name, row in named], first_row=1),
        life=_columns([(name, LifeEvent.RESOLVED, time) for name, row in named for time in row.resolved]),
        rejects=list(rejects),
        repairs=repairs if repairs is not None else Counter(),
    )


def _columns(events: Sequence[tuple[str, LifeEvent, int]], *, first_row: int | None = None) -> TicketColumns:
    number = len(events)
    ids = np.array([*(name for name, _, _ in events), None], np.object_)[:-1]
    one = Dictionary(np.zeros(number, np.int32), ["City"])
    return TicketColumns(
        jurisdiction="the mapping's",
        source="file",
        row=np.arange(number) + first_row if first_row is not None else np.zeros(number, np.int64),
        kind=np.array([kind for _, kind, _ in events], np.uint8),
        time=np.array([time for _, _, time in events], np.int64),
        version=np.array([time for _, _, time in events], np.int64),
        ticket_id=ids,
        key=np.array([xxhash.xxh3_64_intdigest(name.encode()) for name, _, _ in events], np.uint64),
        digest=np.array([xxhash.xxh3_64_intdigest(repr(event).encode()) for event in events], np.uint64),
        area=one,
        category=one,
        department=one,
        channel=one,
        text=np.full(number, "", np.object_),
    )


Event = tuple[str, int, int]
"""(ticket id, kind, time)"""


def events(record: Record) -> list[Event]:
    """List a batch's events in its order; a tick has none."""
    if not isinstance(record, TicketColumns):
        return []
    return list(zip(record.ticket_id.tolist(), record.kind.tolist(), record.time.tolist(), strict=True))


def ticks(records: Sequence[Record]) -> list[Tick]:
    return [record for record in records if isinstance(record, Tick)]


def batches(records: Sequence[Record]) -> list[TicketColumns]:
    return [record for record in records if isinstance(record, TicketColumns)]
