"""Which shards the cluster leaves out, and from which tick on.

The alert worker decides it, and stores it with the controls that tell the log of it in one transaction, before it
judges any tick by it. The controls come into the log behind the ticks they are about, so whoever judges the log's ticks
(the alert worker of a new era, an export) goes by the numbers that stand here, and passes over those controls.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from warning.domain.control import Control, ControlKind
from warning.engine.records import Tick
from warning.store.sql import meta

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from warning.engine.records import Record

ABSENCES = "shards_left_out"
"""Name of the value in the database.

It only grows: whatever is left of the log, and of snapshots that are taken up again, may be judged anew by any of it.
A decision is some hundred bytes, and two a day for ten years cost each transaction of the alert worker 10 ms.
"""


class Absence(msgspec.Struct, kw_only=True, frozen=True):
    """Shards that are left out, or (``out`` false) taken in again.

    tick : the number of the first tick that is judged so
    since : a moment after the watermark of the tick before, and not after its own (milliseconds)
    """

    tick: int
    since: int
    shards: tuple[int, ...]
    out: bool

    def controls(self, jurisdiction: str) -> list[Control]:
        """Return what tells the log of it."""
        return [
            Control(kind=self.kind, jurisdiction=jurisdiction, effective_from=self.since, shard=shard)
            for shard in self.shards
        ]

    @property
    def kind(self) -> ControlKind:
        """The kind of these controls."""
        return ControlKind.SHARD_LEFT_OUT if self.out else ControlKind.SHARD_BACK


class Absences:
    """All of them, in order; never changed."""

    def __init__(self, known: Iterable[Absence] = ()) -> None:
        self.known = tuple(known)

    @cached_property
    def _told(self) -> set[tuple[ControlKind, int | None, int]]:
        return {(each.kind, shard, each.since) for each in self.known for shard in each.shards}

    def __len__(self) -> int:
        return len(self.known)

    def then(self, absence: Absence) -> Absences:
        """Return these and one more."""
        return Absences([*self.known, absence])

    def left_out(self) -> dict[int, int]:
        """Return the shards that are left out now, each with the moment since when."""
        out: dict[int, int] = {}
        for each in self.known:
            for shard in each.shards:
                out.pop(shard, None)
                if each.out:
                    out[shard] = each.since
        return out

    def tells(self, control: Control) -> bool:
        """Whether a control of the log tells of one of these."""
        return (control.kind, control.shard, control.effective_from) in self._told

    def between(self, before: int, tick: int, jurisdiction: str) -> list[Control]:
        """Return what holds from a tick on and did not at the one before."""
        due = [each for each in self.known if before < each.tick <= tick]
        return [control for each in due for control in each.controls(jurisdiction)]

    async def placed(self, records: AsyncGenerator[Record, None]) -> AsyncGenerator[Record, None]:
        """Yield the log's records with these where they hold, in place of where the log was told of them."""
        before = -1
        async with aclosing(records):
            async for record in records:
                if isinstance(record, Control) and self.tells(record):
                    continue
                if isinstance(record, Tick):
                    for control in self.between(before, record.number, record.jurisdiction):
                        yield control
                    before = record.number
                yield record


def absences(connection: Connection) -> Absences:
    """Return what was decided so far."""
    text = meta.get(connection, ABSENCES)
    return Absences() if text is None else Absences(msgspec.json.decode(text, type=list[Absence]))


def put_absences(connection: Connection, value: Absences) -> None:
    """Note what was decided so far."""
    meta.put(connection, ABSENCES, msgspec.json.encode(list(value.known)).decode())
