"""How the alert worker does: for its health, its metrics, and the page (through the database).

Who looks also finds out which partitions stay away, and lets the worker leave their shards out.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams import marks
from streams.metrics import JUDGED_AGE, SHARDS_LEFT_OUT, WAITED_FOR, WORKER_UP, gauge
from streams.process import Health
from warning.runtime.clock import steady_seconds
from warning.service.ports import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prometheus_client import CollectorRegistry

    from streams.alerts.insisting import Insistence
    from streams.alerts.signals import Signals
    from streams.alerts.store import AlertStore, Step
    from streams.following import Follower
    from streams.reading import Ends
    from warning.engine.grid import Grid
    from warning.runtime.clock import Clock
    from warning.runtime.metrics import Metrics

STUCK_SECONDS = 60.0
"""Records that wait so long while none is applied: a new start may help."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is looked at."""

    state: Signals
    follower: Follower
    store: AlertStore
    insistence: Insistence
    ends: Ends
    topic: str
    active: Callable[[], bool]


class Telling:
    """Looks at the worker once a second; implements :class:`streams.alerts.loops.Repeated`.

    wait_seconds : a partition whose report of a tick is overdue by so long is told of, and left out if it stays away
    """

    pause = 1.0

    def __init__(
        self,
        watched: Watched,
        *,
        wait_seconds: float,
        registry: CollectorRegistry,
        grid: Grid,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._watched = watched
        self._wait_seconds = wait_seconds
        self._grid = grid
        self._clock = clock
        self._metrics = metrics
        self._waited_for = gauge(registry, WAITED_FOR)
        self._left_out = gauge(registry, SHARDS_LEFT_OUT)
        self._lag = 0
        self._seen = -1
        self._connected = False
        self._told = marks.WaitedFor(partitions=(), watermark=0)
        gauge(registry, JUDGED_AGE).set_function(self._judged_age)
        gauge(registry, WORKER_UP).labels("alerts").set_function(lambda: float(self.health().ready))

    def committed(self, steps: Sequence[Step], _: int) -> None:
        """Count what was stored."""
        for judged in (judged for step in steps for judged in step.judged):
            self._metrics.output(judged.output)

    def _judged_age(self) -> float:
        watermark = self._watched.state.watermark
        return math.nan if watermark is None else max(0.0, (self._clock() - watermark) / 1000)

    async def step(self) -> bool:
        """Look."""
        watched = self._watched
        if not self._connected:
            await watched.ends.start()
            self._connected = True
        end = (await watched.ends.of(watched.topic, [0])).get(0, watched.state.next_offset)
        self._lag = max(0, end - watched.state.next_offset)
        if self._lag and watched.state.next_offset == self._seen and not watched.follower.reading:
            # Faust left the last records out, and nothing has come since.
            await watched.follower.catch_up()
        self._seen = watched.state.next_offset
        self._metrics.observe_condition(self._condition(end))
        if not self._lag:
            await watched.follower.between(self._decide)
        await watched.follower.between(watched.state.read_again)
        self._left_out.set(len(watched.state.absences.left_out()))
        await self._tell_overdue()
        return False

    async def _decide(self) -> None:
        await self._watched.state.decide(self._wait_seconds)

    async def stop(self) -> None:
        """Let go of the brokers."""
        if self._connected:
            self._connected = False
            await self._watched.ends.stop()

    def _condition(self, end: int) -> Condition:
        watched = self._watched
        watermark = watched.state.watermark
        return Condition(
            ready=self.health().ready,
            progress="",
            applied_position=watched.state.next_offset,
            newest_position=end,
            applied_at=None,
            watermark=None if watermark is None else self._grid.moment(watermark),
            snapshot_at=None if watched.state.snapshot_ms is None else self._grid.moment(watched.state.snapshot_ms),
            stuck=not self.health().alive,
            problem=watched.insistence.problem,
            problem_zh=watched.insistence.problem_zh,
        )

    async def _tell_overdue(self) -> None:
        """Tell of partitions that are overdue, and when they no longer are."""
        state = self._watched.state
        missing = state.waiting
        overdue = missing is not None and steady_seconds() - state.waiting_since > self._wait_seconds
        partitions = missing.partitions if missing is not None and overdue else ()
        self._waited_for.set(len(partitions))
        if partitions == self._told.partitions:
            return
        if partitions:
            _LOG.warning("partitions have not reported a tick; it waits for them", extra={"partitions": partitions})
        else:
            _LOG.warning("all partitions report again")
        watermark = missing.tick.watermark if missing is not None else 0
        told = marks.WaitedFor(partitions=partitions, watermark=watermark)
        await self._watched.insistence.on(lambda: self._watched.store.note_waited_for(told), "notice")
        self._told = told

    def health(self) -> Health:
        """Say how the worker does."""
        watched = self._watched
        if watched.insistence.problem:
            problem = f"{watched.insistence.problem_zh} {watched.insistence.problem}"
            return Health(ready=False, detail=problem)
        if not watched.active():
            following = watched.follower.reading
            return Health(ready=not following, detail="正在追赶 catching up" if following else "待命 stands by")
        if self._lag and steady_seconds() - watched.state.moved > STUCK_SECONDS:
            return Health(alive=False, ready=False, detail=f"停滞 stuck: {self._lag} records wait")
        left_out = len(watched.state.absences.left_out())
        missing = f", 未参与判定的分片 shards left out: {left_out}" if left_out else ""
        return Health(detail=f"位置 position: {watched.state.next_offset}{missing}")
