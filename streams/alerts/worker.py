"""The alert worker put together: the agent on ``signals``, and what goes on beside it in the process that is active."""

from __future__ import annotations

import asyncio
import logging
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from streams.alerts.filing import DeadLetterFiling
from streams.alerts.insisting import Insistence
from streams.alerts.keeping import Keeping
from streams.alerts.loops import Loops
from streams.alerts.outcomes import OutcomeFiling
from streams.alerts.publishing import AlertPublisher
from streams.alerts.relay import ReviewRelay
from streams.alerts.signals import Signals
from streams.alerts.stage import AlertStage
from streams.alerts.store import AlertStore
from streams.alerts.telling import Telling, Watched
from streams.app import build_app
from streams.detect.worker import delivered
from streams.following import Follower
from streams.identity import TopicWatch
from streams.metrics import REVIEWS_WAITING, gauge
from streams.process import Part, Process, or_end_process
from streams.reading import Ends, RangeReader
from streams.topics import Name, topics
from warning.bootstrap.backtest import build_policy, engine_config
from warning.bootstrap.folder import jurisdiction_of, open_store, remember, zone_of
from warning.bootstrap.live import build_chores
from warning.domain.area import AreaRegister
from warning.engine.engine import all_detectors
from warning.engine.grid import Grid
from warning.engine.jurisdiction_stage import JurisdictionStage
from warning.intake.register import load_register
from warning.runtime.clock import GuardedClock
from warning.runtime.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    import faust

    from warning.runtime.clock import Clock
    from warning.settings import Settings
    from warning.store.sql.database import Database

WORKER = "alerts"

_LOG = logging.getLogger(__name__)


class AlertWorker:
    """Everything that runs in the process; implements :class:`streams.process.Part`.

    database : open, and of this program's version
    """

    def __init__(self, settings: Settings, database: Database, *, clock: Clock, registry: CollectorRegistry) -> None:
        self._settings = settings
        self._database = database
        self._active = asyncio.Event()
        """Set while this process has the partition: what need not be done twice is done by it."""
        self._had = 0
        """Counts up when the partition comes or goes: who was still catching up for an earlier time is not active."""
        self._register = load_register(Path(settings.register_file)) if settings.register_file else AreaRegister()
        self._topic = topics(settings)[Name.SIGNALS].name
        metrics = Metrics(registry, clock=clock, version=version("early-warning"))
        grid = Grid(zone_of(settings))
        store, insistence = AlertStore(database, grid), Insistence()
        self._state = Signals(store, self._new_stage, clock=clock, insistence=insistence)
        self._follower = Follower(RangeReader(settings), self._topic, 0, self._state)
        self.telling = Telling(
            Watched(
                state=self._state,
                follower=self._follower,
                store=store,
                insistence=insistence,
                ends=Ends(settings),
                topic=self._topic,
                active=self._active.is_set,
            ),
            wait_seconds=settings.cluster.wait_seconds,
            registry=registry,
            grid=grid,
            clock=clock,
            metrics=metrics,
        )
        self._state.committed = self.telling.committed
        self._insistence = insistence
        self._loops = Loops(
            [
                AlertPublisher(settings, database),
                ReviewRelay(settings, database, gauge(registry, REVIEWS_WAITING)),
                DeadLetterFiling(settings, database, metrics.rejected),
                OutcomeFiling(settings, database, metrics.tickets),
                Keeping(self._state, self._follower, every=settings.cluster.snapshot_seconds),
                self.telling,
            ],
            active=self._active,
            insistence=insistence,
        )
        self._chores = build_chores(settings, database, self._register, clock)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin, before the app does."""
        self._tasks.append(asyncio.create_task(or_end_process(self._state.commit_always())))
        await self._loops.start()
        self._chores.start()

    async def stop(self) -> None:
        """End, after the app: store what was said and, if the database is there, a snapshot."""
        self._had += 1
        self._active.clear()
        await self._loops.stop()
        await asyncio.to_thread(self._chores.stop)
        if self._follower.caught_up and not self._insistence.problem:
            await self._follower.between(self._state.save_snapshot)
        for task in self._tasks:
            task.cancel()

    def attach(self, app: faust.App) -> None:
        """Let the app's group say which process has the partition, and its records wake it up."""

        async def assigned(*said: Any, **_: Any) -> None:
            if any(place.topic == self._topic for place in said[-1]):
                self._had += 1
                self._tasks = [task for task in self._tasks if not task.done()]
                self._tasks.append(asyncio.create_task(or_end_process(self._begin(self._had))))

        async def revoked(*said: Any, **_: Any) -> None:
            if any(place.topic == self._topic for place in said[-1]):
                self._had += 1
                self._active.clear()

        app.on_partitions_assigned.connect(assigned, weak=False)
        app.on_partitions_revoked.connect(revoked, weak=False)
        topic = app.topic(self._topic, value_serializer="raw", key_serializer="raw")

        @app.agent(topic, concurrency=1, name=f"{WORKER}.follow")
        async def follow(stream: Any) -> None:
            async for event in stream.events():
                await or_end_process(self._follower.deliver(delivered(event.message)))

    async def _begin(self, had: int) -> None:
        """Begin from what is stored: another process may have gone on meanwhile."""
        await self._follower.reload()
        if had != self._had:
            _LOG.info("the partition went while it was caught up with")
            return
        self._state.check_reached(self._topic)
        _LOG.info("caught up", extra={"position": self._state.next_offset})
        self._active.set()

    def _new_stage(self, era: int) -> AlertStage:
        config = engine_config(
            self._settings, jurisdiction=jurisdiction_of(self._settings), zone=zone_of(self._settings)
        )
        policy = build_policy(self._settings, self._register)
        return AlertStage(JurisdictionStage(config, Grid(config.zone), all_detectors(), policy), era)


def run_alerts(settings: Settings, announced: Callable[[str], None] = lambda _: None) -> int:
    """Run the alert worker until it is told to stop; returns the exit code."""
    database = open_store(settings)
    try:
        remember(settings, database)
        registry = CollectorRegistry()
        worker = AlertWorker(settings, database, clock=GuardedClock(), registry=registry)
        app = build_app(settings, WORKER, consumes=True)
        worker.attach(app)
        parts: list[Part] = [TopicWatch(settings, database), worker]
        process = Process(
            app, settings, parts=parts, registry=registry, health=worker.telling.health, announced=announced
        )
        return process.run()
    finally:
        database.close()
