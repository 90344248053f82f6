"""The embedded runtime: one process, one SQLite file; intake, engine loop and store of one jurisdiction.

Two threads write. The intake thread appends what was pushed before it is answered. The engine thread appends ticks,
applies what the log holds, and commits what the engine says together with the position it has applied. Whenever the
process dies, the next one restores the latest snapshot, applies again what had been committed (saying nothing), and
goes on: nothing accepted is lost, nothing is said twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from warning.domain.bucket import HOUR_MS, MINUTE_MS
from warning.domain.errors import EarlyWarningError, IncompatibleSnapshotError
from warning.engine.records import Output, Record, Tick
from warning.intake.columns import TicketColumns
from warning.runtime.backtest import Collected
from warning.runtime.clock import Clock, steady_seconds
from warning.runtime.notices import notice_of
from warning.runtime.ticking import LiveTicks
from warning.service.ports import Condition

if TYPE_CHECKING:
    from warning.engine.engine import Engine
    from warning.runtime.metrics import Metrics
    from warning.runtime.state import LiveState

_LOG = logging.getLogger(__name__)

ROWS_A_STEP = 20_000
"""Tickets applied before they are committed: some 0.2 s of work."""
IDLE_SECONDS = 0.2
"""How long the loop sleeps when nothing is pushed; due ticks are looked for so often."""
FEED_POLL_SECONDS = 0.5
STUCK_SECONDS = 60.0
_NONE_YET = -1
RETRY_SECONDS = 1.0

Checkpoint = Callable[[str], None]
"""Called at named moments, so that a test can end the process exactly there."""


def go_on(_: str) -> None:
    """Do nothing at a checkpoint."""


class _Stopped(Exception):  # noqa: N818  not an error: the way out of a long restore
    """The service was told to stop while it was restoring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedConfig:
    """How the loop behaves; see the settings of the same names."""

    tick_ms: int = MINUTE_MS
    lateness_ms: int = HOUR_MS
    snapshot_seconds: float = 300.0
    snapshot_rows: int = 200_000
    """Tickets applied after which a snapshot is taken early, so that a restart stays quick."""


class EmbeddedRuntime:
    """Runs one jurisdiction's engine over one store.

    Parameters
    ----------
    state : the durable side: log, outputs, snapshots
    new_engine : builds an engine that has applied nothing
    clock : gives the time; a demonstration's runs fast
    checkpoint : see :data:`Checkpoint`
    on_failure : called when the engine loop ends by a defect; the process should end, so that it is started anew
    """

    def __init__(
        self,
        state: LiveState,
        new_engine: Callable[[], Engine],
        config: EmbeddedConfig,
        *,
        clock: Clock,
        metrics: Metrics,
        checkpoint: Checkpoint = go_on,
        on_failure: Callable[[], None] = lambda: None,
    ) -> None:
        self.state = state
        self.config = config
        self.clock = clock
        self.metrics = metrics
        self._new_engine = new_engine
        self._checkpoint = checkpoint
        self._on_failure = on_failure
        self._failed = False
        self._engine = new_engine()
        self._ticks = self._new_ticks()
        self._condition = Condition(
            ready=False,
            progress="正在启动 starting",
            applied_position=0,
            newest_position=0,
            applied_at=None,
            watermark=None,
            snapshot_at=None,
        )
        self._era = _NONE_YET
        self._applied = 0
        self._moved = steady_seconds()
        self._uncommitted: list[tuple[int, Record, Output]] = []
        self._snapshot_taken = steady_seconds()
        self._rows_since_snapshot = 0
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._fed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    # --- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Restore and catch up in the background, then run."""
        self._thread.start()

    def stop(self) -> None:
        """Apply what is in the log, take a snapshot, end."""
        self._stopping.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join()

    def wake(self) -> None:
        """Tell the loop that the log has grown."""
        self._woken.set()

    def _run(self) -> None:
        try:
            self._work()
        except _Stopped:
            _LOG.info("stopped while restoring")
        except Exception:  # noqa: BLE001  the loop is the process: it ends loudly, is counted, and is started anew
            _LOG.exception("the engine loop ended by a defect", extra={"applied": self._applied})
            self._failed = True
            self._on_failure()

    def _work(self) -> None:
        self._insist(self._restore)
        while not self._stopping.is_set():
            if not self._insist(self._turn):
                self._woken.wait(IDLE_SECONDS)
            if self.state.refuses():  # to others, such as intake: the loop may have nothing to write for hours
                self._insist(self.state.probe)
            self._woken.clear()
        if self._condition.ready and self._attempt(self._turn) is not None:
            self._attempt(self._take_snapshot)

    def _insist(self, step: Callable[[], bool]) -> bool:
        """Do a step until the store takes it, or the service is stopped; returns what the step says."""
        while True:
            done = self._attempt(step)
            if done is not None:
                return done
            if self._stopping.wait(RETRY_SECONDS):
                return False

    def _attempt(self, step: Callable[[], bool]) -> bool | None:
        """Do a step; None when the store refused (a full disk), which is logged and shown."""
        try:
            done = step()
        except IncompatibleSnapshotError:
            raise
        except EarlyWarningError as error:
            if not self._condition.problem:
                _LOG.warning("the engine loop cannot go on; it tries again", extra={"problem": str(error)})
            self._condition = replace(self._condition, problem=str(error), problem_zh=getattr(error, "zh", ""))
            return None
        if self._condition.problem:
            _LOG.warning("the engine loop goes on")
            self._condition = replace(self._condition, problem="", problem_zh="")
        return done

    # --- the loop -----------------------------------------------------------------------------------------------------

    def _turn(self) -> bool:
        """Write a due tick, apply what the log holds, commit; returns whether there was anything to do."""
        if self.state.era() != self._era:
            self._restore()
        self._write_due_tick()
        if not self._uncommitted:
            self._apply_some()
        busy = bool(self._uncommitted)
        self._commit()
        self._moved = steady_seconds()
        if self._snapshot_due():
            self._take_snapshot()
        return busy

    def _write_due_tick(self) -> None:
        latest = self.state.take_heard()
        if latest is not None:
            self._ticks.read(latest)
        tick = self._ticks.due(self.clock())
        if tick is None:
            return
        self._checkpoint("before tick")
        self.state.append([tick], self.clock())
        self._ticks.wrote(tick)
        self._checkpoint("after tick")

    def _apply_some(self) -> None:
        for position, record in self.state.records(after=self._applied, rows=ROWS_A_STEP):
            self._uncommitted.append((position, record, self._apply(record)))
            self._checkpoint("applied")

    def _apply(self, record: Record) -> Output:
        began = steady_seconds()
        output = self._engine.apply(record)
        if isinstance(record, Tick):
            self.metrics.detector(steady_seconds() - began)
            self._condition = replace(self._condition, watermark=self._moment(record.watermark))
        return output

    def _commit(self) -> None:
        """Store what the engine said together with the position; what a full disk refused is kept and tried again."""
        steps = self._uncommitted
        if not steps:
            return
        at = self.clock()
        self._checkpoint("before commit")
        with self.metrics.store("commit"):
            self.state.commit(steps, at)
        self._checkpoint("after commit")
        self._uncommitted = []
        self._applied, self._moved = steps[-1][0], steady_seconds()
        self._condition = replace(self._condition, applied_position=self._applied, applied_at=self._moment(at))
        for _, record, output in steps:
            self.metrics.applied(record, output, at)
            self._rows_since_snapshot += len(record) if isinstance(record, TicketColumns) else 0
        with self._fed:
            self._fed.notify_all()

    # --- snapshots and restarts ---------------------------------------------------------------------------------------

    def _snapshot_due(self) -> bool:
        age = steady_seconds() - self._snapshot_taken
        fresh = self._rows_since_snapshot == 0
        return self._rows_since_snapshot >= self.config.snapshot_rows or (
            age >= self.config.snapshot_seconds and not fresh
        )

    def _take_snapshot(self) -> bool:
        """Store the engine's state; not while it is ahead of what is committed."""
        if not self._uncommitted:
            self._save_snapshot(self._era)
        return False

    def _save_snapshot(self, era: int) -> None:
        self._checkpoint("before snapshot")
        with self.metrics.store("snapshot"):
            self.state.save_snapshot(self._applied, era, self._engine.snapshot(), self.clock())
        self._checkpoint("after snapshot")
        self._snapshot_taken, self._rows_since_snapshot = steady_seconds(), 0
        self._condition = replace(self._condition, snapshot_at=self.now())

    def _restore(self) -> bool:
        """Bring the engine to the committed position of the present era, then catch up with the log.

        The era counts as begun at the end only: where the store refuses something on the way, all is done again.
        """
        self._condition = replace(self._condition, ready=False)
        self._uncommitted, era = [], self.state.era()
        self._ticks = self._new_ticks()
        anew = not self._take_over_snapshot(era)
        if anew:
            self._engine, self._applied = self._new_engine(), 0
            self._learn_history()
        with self.metrics.store("restore"):
            said = self._replay(self.state.applied())
        if anew:
            self.state.begin_era(said, self.clock())
        self._ticks.resume(self.state.last_tick(), self.state.latest_event())
        self._catch_up()
        if anew and (era or self._applied):
            self._save_snapshot(era)
        self._era = era
        self._condition = replace(self._condition, ready=True, progress="", applied_position=self._applied)
        return True

    def _take_over_snapshot(self, era: int) -> bool:
        """Begin from the newest snapshot of an era; returns whether there is one that this program can use.

        One of other settings (shards) or an older program (fewer detectors) is left aside while the log can give all
        again; where the log no longer reaches back, that is an error no retry mends.
        """
        snapshot = self.state.latest_snapshot(era)
        if snapshot is None:
            return False
        self._engine = self._new_engine()
        try:
            self._engine.restore(snapshot.state)
        except IncompatibleSnapshotError:
            if not self.state.is_whole():
                raise
            _LOG.warning("the snapshot is of other settings or another version; the engine is built anew from the log")
            return False
        self._applied = snapshot.position
        self._condition = replace(self._condition, snapshot_at=snapshot.taken_at)
        return True

    def _learn_history(self) -> None:
        total, done = self.state.history_rows(), 0
        for record in self.state.history_records():
            self._engine.apply(record)
            if isinstance(record, TicketColumns):
                done += len(record)
                self._tell("正在学习历史 learning history", done, total)

    def _replay(self, committed: int) -> Collected:
        """Apply again what was committed before, up to a position; returns what the engine said on the way."""
        said = Collected()
        for position, record in self.state.records(after=self._applied, until=committed):
            said.add(self._apply(record))
            self._applied = position
            self._tell("正在恢复 restoring", position, committed)
        self._applied = committed
        return said

    def _catch_up(self) -> None:
        newest = self.state.newest_position()
        while self._applied < newest and not self._stopping.is_set():
            self._apply_some()
            self._commit()
            self._tell("正在追赶 catching up", self._applied, newest)

    def _tell(self, words: str, done: int, total: int) -> None:
        if self._stopping.is_set():
            raise _Stopped
        self._moved = steady_seconds()
        progress = f"{words}: {done:,} / {total:,}"
        self._condition = replace(self._condition, progress=progress, applied_position=self._applied)

    # --- what others see ----------------------------------------------------------------------------------------------

    def condition(self) -> Condition:
        """Return how the service does now."""
        newest = self.state.newest_position()
        waiting = newest > self._condition.applied_position or not self._condition.ready
        notice = notice_of(self.clock, self._ticks)
        return replace(
            self._condition,
            newest_position=newest,
            notice=notice.en,
            notice_zh=notice.zh,
            freshness=tuple(self.state.freshness(self.now())),
            stuck=self._failed or (waiting and steady_seconds() - self._moved > STUCK_SECONDS),
        )

    def now(self) -> datetime:
        """Return the service's clock, in its own zone."""
        return self._moment(self.clock())

    def wait_for_feed(self, sequence: int, timeout: float) -> bool:
        """Block until the feed has something after ``sequence`` (True), or the time is over."""
        end = steady_seconds() + timeout
        while self.state.feed_newest() <= sequence:
            left = end - steady_seconds()
            if left <= 0:
                return False
            with self._fed:
                self._fed.wait(min(left, FEED_POLL_SECONDS))
        return True

    def _moment(self, ms: int) -> datetime:
        return self._engine.grid.moment(ms)

    def _new_ticks(self) -> LiveTicks:
        return LiveTicks(
            self._engine.config.jurisdiction, step_ms=self.config.tick_ms, lateness_ms=self.config.lateness_ms
        )
