"""The durable side of the alert stage: what it said, how far it is, and its snapshots. Called in threads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec

from streams import marks
from streams.absences import Absences, absences, put_absences
from warning.engine.records import Output
from warning.runtime.backtest import Collected
from warning.store.sql import meta
from warning.store.sql.alert_rows import close_lost
from warning.store.sql.errors import OvertakenError
from warning.store.sql.log import SqlLog
from warning.store.sql.outputs import SqlOutputs
from warning.store.sql.snapshots import pack
from warning.store.sql.stage_snapshots import StageSnapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from streams.absences import Absence
    from streams.alerts.stage import Judged
    from warning.engine.grid import Grid
    from warning.store.sql.database import Database

SCOPE = "jurisdiction"

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far what is stored goes: each transaction must find what the one before left, and leaves more.

    position : of ``signals``; what its records before it completed is stored
    tick : the number of the last tick judged; -1: none
    absences : how often shards were left out or taken in again
    """

    position: int = 0
    tick: int = -1
    absences: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What is said of ticks that one record of ``signals``, or leaving shards out after it, completed.

    position : the record's offset + 1
    judged : the ticks, in order
    anew : what a stage of a new era says of all that was judged before; stored in place of what an older era said
    """

    position: int
    judged: Sequence[Judged]
    era: int
    anew: Collected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorable:
    """A stage's state before the record at ``position``."""

    position: int
    state: dict[str, Any]


@dataclass(slots=True)
class AlertStore:
    """Positions, outputs and snapshots of the alert stage."""

    database: Database
    grid: Grid
    _outputs: SqlOutputs = field(default_factory=SqlOutputs)

    def reached(self) -> Reached:
        """Return how far what is stored goes."""
        with self.database.read() as connection:
            return _reached(connection)

    def absences(self) -> Absences:
        """Return which shards were left out, and when."""
        with self.database.read() as connection:
            return absences(connection)

    def judged(self) -> marks.JudgedTick | None:
        """Return the last tick whose alerts are stored."""
        with self.database.read() as connection:
            return marks.judged(connection)

    def commit(self, steps: Sequence[Step], at: int, *, expected: Reached) -> Reached:
        """Store what was said and how far it reaches, in one transaction; returns that.

        Raises OvertakenError where another process has gone on from ``expected``. A commit whose answer was lost is
        not made twice: what is stored already as far as is wanted counts as stored.
        """
        position = max(expected.position, steps[-1].position)
        reached = replace(expected, position=position, tick=steps[-1].judged[-1].tick.number)
        with self.database.write() as connection:
            if not _may_go_on(connection, expected, reached):
                return reached
            for step in steps:
                if step.anew is not None:
                    self._begin_era(connection, step.anew, at)
            said = [(step.position, judged.tick, judged.output) for step in steps for judged in step.judged]
            self._outputs.restate(connection, _joined(output for _, _, output in said), at)
            meta.put(connection, meta.APPLIED, reached.position)
            self._note_tick(connection, steps, at)
        return reached

    def decide(self, absence: Absence, jurisdiction: str, at: int, *, expected: Reached) -> Reached:
        """Store that shards are left out or taken in again, with the controls that tell the log, in one transaction.

        The controls go the way of people's decisions: see :mod:`streams.alerts.relay`. Raises OvertakenError as above.
        """
        reached = replace(expected, absences=expected.absences + 1)
        with self.database.write() as connection:
            if _may_go_on(connection, expected, reached):
                put_absences(connection, absences(connection).then(absence))
                SqlLog(self.database).append(connection, absence.controls(jurisdiction), at)
        return reached

    def _begin_era(self, connection: Any, said: Collected, at: int) -> None:
        """Store what a new era says of what was judged before, and close the alerts that it does not follow."""
        again = Output(
            signals=list(said.signals.values()), alerts=list(said.alerts.values()), points=list(said.points.values())
        )
        followed = frozenset(i for i, alert in said.alerts.items() if alert.closed_at is None)
        self._outputs.restate(connection, again, at)
        close_lost(connection, followed, self.grid.moment(at))

    def _note_tick(self, connection: Any, steps: Sequence[Step], at: int) -> None:
        ticks = [(judged.tick, step.era) for step in steps for judged in step.judged]
        if ticks:
            tick, era = ticks[-1]
            noted = marks.JudgedTick(number=tick.number, watermark=tick.watermark, at=at, era=era)
            marks.put_judged(connection, noted)

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def save_snapshot(self, position: int, era: int, state: dict[str, Any], at: int) -> bool:
        """Store a state; False where a later one is there."""
        packed = pack(msgspec.msgpack.encode(state))
        return StageSnapshots(self.database).save(SCOPE, era, position, packed, at)

    def snapshots(self) -> Iterator[Restorable]:
        """Yield the states that are kept, newest first."""
        snapshots = StageSnapshots(self.database)
        newest = snapshots.positions(SCOPE).get(SCOPE)
        if newest is None:
            return
        for kept in snapshots.candidates(SCOPE, newest.era):
            yield Restorable(position=kept.position, state=msgspec.msgpack.decode(kept.payload))

    def note_waited_for(self, value: marks.WaitedFor) -> None:
        """Tell the other processes which partitions are overdue."""
        with self.database.write(alone=False) as connection:
            marks.put_waited_for(connection, value)


def _reached(connection: Connection) -> Reached:
    judged = marks.judged(connection)
    return Reached(
        position=meta.get_number(connection, meta.APPLIED),
        tick=-1 if judged is None else judged.number,
        absences=len(absences(connection)),
    )


def _may_go_on(connection: Connection, expected: Reached, wanted: Reached) -> bool:
    """Whether a transaction finds what it expects; False where it was made before, and its answer was lost."""
    found = _reached(connection)
    if found == wanted:
        return False
    if found != expected:
        raise OvertakenError(expected, found)
    return True


def _joined(outputs: Iterator[Output]) -> Output:
    together = Output()
    for output in outputs:
        together.signals += output.signals
        together.alerts += output.alerts
        together.points += output.points
    return together
