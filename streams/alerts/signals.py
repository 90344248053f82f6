"""Following the topic ``signals``: reports into the alert stage, what it says into the database.

Records are applied one after another; what they bring is committed by a task of its own, as much as waits at a time,
so that catching up costs few transactions. Every commit stores how far it reaches and must find what the one before it
left: a process that was overtaken by another can say nothing twice, and ends.

A partition that stays away does not hold up the others for ever: see :meth:`Signals.decide`. Where it is waited for all
the same what is held of the others is bounded: see :mod:`streams.alerts.ahead`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from streams.absences import Absence, Absences
from streams.alerts.ahead import Ahead
from streams.alerts.stage import Judged
from streams.alerts.store import Reached, Step
from streams.reading import LogLostError
from streams.records import decode_report
from warning.domain.errors import IncompatibleSnapshotError
from warning.engine.records import Output
from warning.runtime.backtest import Collected
from warning.runtime.clock import steady_seconds

if TYPE_CHECKING:
    from streams.alerts.insisting import Insistence
    from streams.alerts.stage import AlertStage, Missing
    from streams.alerts.store import AlertStore
    from streams.reading import Message
    from streams.records import Report
    from warning.runtime.clock import Clock

MOST_WAITING = 64
"""Steps that wait for the database: beyond it no more is applied, until it takes them."""

MOST_HELD = 1_000
"""Ticks that wait for a partition which reports, but too slowly: beyond it that partition is left out all the same. The
reports of so many ticks are some tens of megabytes."""

_LOG = logging.getLogger(__name__)


class Signals:
    """The state of the alert worker; implements :class:`streams.following.Followed`.

    Parameters
    ----------
    new_stage : builds the stage of an era that has judged nothing
    """

    def __init__(
        self,
        store: AlertStore,
        new_stage: Callable[[int], AlertStage],
        *,
        clock: Clock,
        insistence: Insistence,
    ) -> None:
        self.next_offset = 0
        self.committed: Callable[[list[Step], int], None] = lambda *_: None
        """Called after a commit with what it stored."""
        self.watermark: int | None = None
        """That of the last tick whose alerts are stored (milliseconds)."""
        self.moved = steady_seconds()
        """When a record was last applied or stored."""
        self.waiting: Missing | None = None
        self.waiting_since = steady_seconds()
        self.absences = Absences()
        self._heard: dict[int, float] = {}
        """When each partition last reported anything."""
        self._reached = Reached()
        """How far what is stored goes."""
        self._store = store
        self._new_stage = new_stage
        self._clock = clock
        self._insistence = insistence
        self._stage = new_stage(0)
        self._ahead = Ahead()
        self._steps: asyncio.Queue[Step] = asyncio.Queue(MOST_WAITING)
        self._judged = -1
        """The number of the last tick that is stored, or on its way to it."""
        self._anew: Collected | None = None
        """What the stage of a new era has said so far, while it has not come to where the older one was."""
        self._until = -1
        self._snapshot_at = -1
        self.snapshot_ms: int | None = None
        """When the last snapshot was stored."""

    @property
    def stored(self) -> int:
        """The position up to which everything said is stored."""
        return self._reached.position

    # --- records ------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Begin from the newest snapshot that can be used."""
        await self._steps.join()
        self._reached = await self._insistence.on(self._store.reached)
        self.absences = await self._insistence.on(self._store.absences)
        judged = await self._insistence.on(self._store.judged)
        self._judged = self._reached.tick
        self.watermark = None if judged is None else judged.watermark
        self._anew, self.waiting, self._heard, self._ahead = None, None, {}, Ahead()
        self._stage, self.next_offset = await self._insistence.on(self._restored)
        self._stage.absences = self.absences
        self._snapshot_at = self.next_offset
        self._note_waiting()
        _LOG.info("restored", extra={"position": self.next_offset, "stored": self.stored, "era": self._stage.era})

    def _restored(self) -> tuple[AlertStage, int]:
        for kept in self._store.snapshots():
            stage = self._new_stage(0)
            try:
                stage.load(kept.state)
            except IncompatibleSnapshotError as error:
                _LOG.warning("a snapshot is left aside", extra={"position": kept.position, "reason": str(error)})
                continue
            return stage, kept.position
        return self._new_stage(0), 0

    async def apply(self, message: Message) -> None:
        """Take a report in."""
        if message.value is None:
            raise ValueError("a report without content")
        report = decode_report(message.value)
        judged = await asyncio.to_thread(self._take, report, message.offset)
        self.moved = self._heard[report.partition] = steady_seconds()
        self._note_waiting()
        await self._say(message.offset + 1, judged)

    def _take(self, report: Report, offset: int) -> list[Judged]:
        if report.era > self._stage.era:
            _LOG.info("a new era of history begins", extra={"era": report.era, "until": self._judged})
            self._stage = self._new_stage(report.era)
            self._stage.absences = self.absences
            self._anew, self._until, self._ahead = Collected(), self._judged, Ahead()
        return [] if self._ahead.passes_over(report, offset, self._stage) else self._stage.take(report)

    async def _say(self, position: int, judged: list[Judged]) -> None:
        """Let what is new be stored."""
        step = self._step(position, judged)
        if step is not None:
            self._judged = step.judged[-1].tick.number
            await self._steps.put(step)

    def _step(self, position: int, judged: list[Judged]) -> Step | None:
        """Return what is to be stored; a new era says nothing before it has come to where the older one was.

        Ticks count, not positions: begun again, the stage may judge a tick of which shards were left out when it has
        read less than had been read when that was decided.
        """
        if self._anew is None:
            new = [each for each in judged if each.tick.number > self._judged]
            return Step(position=position, judged=new, era=self._stage.era) if new else None
        for each in judged:
            self._anew.add(each.output)
        if not judged or judged[-1].tick.number < self._until:
            return None
        anew, self._anew = self._anew, None
        if position <= self.stored:
            return None
        reached = [Judged(tick=judged[-1].tick, output=Output())]
        return Step(position=position, judged=reached, era=self._stage.era, anew=anew)

    def _note_waiting(self) -> None:
        before, self.waiting = self.waiting, self._stage.missing()
        if self.waiting is None or before is None or before.tick.number != self.waiting.tick.number:
            self.waiting_since = steady_seconds()

    async def read_again(self) -> None:
        """Go back to the first report that was passed over, once nothing waits; to be called between records."""
        if self._ahead.first is not None and not self._stage.held:
            _LOG.info("reports are read again that were too far ahead", extra={"position": self._ahead.first})
            self.next_offset, self._ahead = self._ahead.first, Ahead()

    def check_reached(self, topic: str) -> None:
        """Raise LogLostError where the end of the partition is before what was stored: it is another topic."""
        if self.next_offset < self.stored:
            raise LogLostError(topic, 0, self.stored, self.next_offset)

    # --- shards that are left out -------------------------------------------------------------------------------------

    async def decide(self, wait_seconds: float) -> None:
        """Leave out the shards of partitions that stay away, and take shards in again that have caught up.

        A partition stays away when a tick that others have reported has waited for it for ``wait_seconds`` and nothing
        at all was heard from it meanwhile, or when :data:`MOST_HELD` ticks wait. Before the first tick, and while a new
        era is on its way to where the older one was, all are waited for. To be called between records
        (:meth:`streams.following.Follower.between`), and at the topic's end: what was not read may be what is missing.
        """
        if self._decision(wait_seconds) is None:
            return
        await self._steps.join()
        absence = self._decision(wait_seconds)
        if absence is None:
            return
        jurisdiction, expected, at = self._stage.jurisdiction, self._reached, self._clock()
        self._reached = await self._insistence.on(
            lambda: self._store.decide(absence, jurisdiction, at, expected=expected), "shards"
        )
        self.absences = self._stage.absences = self.absences.then(absence)
        _LOG.error(
            "shards are left out" if absence.out else "shards are taken in again",
            extra={"shards": absence.shards, "tick": absence.tick},
        )
        judged = await asyncio.to_thread(self._stage.judge)
        self._note_waiting()
        await self._say(self.next_offset, judged)

    def _decision(self, wait_seconds: float) -> Absence | None:
        last = self._stage.last_tick
        if self._anew is not None or last < 0 or last < self._judged or self.watermark is None:
            return None
        back = self._stage.caught_up().intersection(self.absences.left_out())
        if back:
            return Absence(tick=last + 1, since=self.watermark + 1, shards=tuple(sorted(back)), out=False)
        missing = self.waiting
        shards = () if missing is None else missing.carried_by(self._away(missing, wait_seconds))
        if missing is None or not shards:
            return None
        return Absence(tick=missing.tick.number, since=missing.tick.watermark, shards=shards, out=True)

    def _away(self, missing: Missing, wait_seconds: float) -> list[int]:
        """Return the partitions that have not reported a tick and are waited for no longer."""
        if self._stage.held > MOST_HELD:
            return list(missing.partitions)
        before = steady_seconds() - wait_seconds
        if self.waiting_since > before:
            return []
        return [each for each in missing.partitions if self._heard.get(each, before) <= before]

    # --- commits and snapshots ----------------------------------------------------------------------------------------

    async def commit_always(self) -> None:
        """Store what is said as it comes; never ends by itself."""
        while True:
            steps = [await self._steps.get()]
            while not self._steps.empty():
                steps.append(self._steps.get_nowait())
            at = self._clock()
            self._reached = await self._insistence.on(
                lambda steps=steps, at=at: self._store.commit(steps, at, expected=self._reached)  # type: ignore[misc]
            )
            self.moved = steady_seconds()
            self.watermark = steps[-1].judged[-1].tick.watermark
            self.committed(steps, at)
            for _ in steps:
                self._steps.task_done()

    async def save_snapshot(self) -> None:
        """Store the stage's state; to be called between records (:meth:`streams.following.Follower.between`).

        Not while a new era is on its way to where the older one was: what it said so far is not in the state.
        """
        await self._steps.join()
        position = self.next_offset if self._ahead.first is None else self._ahead.first
        if self._anew is not None or position == self._snapshot_at:
            return
        era, stage = self._stage.era, self._stage
        await self._insistence.on(
            lambda: self._store.save_snapshot(position, era, stage.state(), self._clock()), "snapshot"
        )
        self._snapshot_at, self.snapshot_ms = position, self._clock()
