"""The HTTP API and the page over a cluster: pushes go to Kafka, everything else is read from and written to PostgreSQL.

While the database is away, reads are answered 503; pushes go on for sources that are known, by keys that were valid
within the last :data:`warning.service.accounts.STANDS_IN`. While the brokers are away it is the other way about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from streams.asyncapi import asyncapi_document
from streams.condition import ClusterRuntime
from streams.extent import extent_of
from streams.intake.sources import RememberedSources
from streams.originals import KafkaDeadLetters
from streams.push_sink import KafkaSink
from streams.pushing import ClusterPushing, Remembering
from warning.api.access import V1
from warning.bootstrap.accounts import build_accounts
from warning.bootstrap.folder import jurisdiction_of, open_store, remember, zone_of
from warning.bootstrap.live import SourceMappings, build_desk, exposition_of
from warning.bootstrap.serving import Host
from warning.bootstrap.uploads import UploadedHistory
from warning.domain.area import AreaRegister
from warning.engine.grid import Grid
from warning.intake.register import load_register
from warning.runtime.chores import Chore, Chores
from warning.runtime.clock import GuardedClock
from warning.runtime.intake import IntakeWorker, TicketReader
from warning.runtime.metrics import Metrics
from warning.runtime.replaying import Replaying
from warning.service.planning import Planning
from warning.service.services import Services
from warning.store.sql.plans import SqlPlans

if TYPE_CHECKING:
    from warning.runtime.clock import Clock
    from warning.settings import Settings
    from warning.store.sql.database import Database

SOURCES_SECONDS = 2.0
"""A source that was registered a moment ago is known after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterApi:
    """The parts of the process; implements :class:`warning.bootstrap.serving.Hosted`."""

    settings: Settings
    services: Services
    metrics: Metrics
    database: Database
    runtime: ClusterRuntime
    worker: IntakeWorker
    sink: KafkaSink
    sources: RememberedSources
    chores: Chores

    def start(self) -> None:
        """Begin to look and to take."""
        self.sources.refresh()
        self.runtime.start()
        self.worker.start()
        self.chores.start()

    def stop(self) -> None:
        """Let the brokers have what was taken in, and let go of everything."""
        self.chores.stop()
        self.worker.stop()
        self.sink.close()
        self.runtime.stop()
        self.database.close()


def build_api(settings: Settings, database: Database, *, clock: Clock | None = None) -> ClusterApi:
    """Put the process together over a database that is open."""
    clock = clock or GuardedClock()
    register = load_register(Path(settings.register_file)) if settings.register_file else AreaRegister()
    jurisdiction, grid = jurisdiction_of(settings), Grid(zone_of(settings))
    metrics = Metrics(CollectorRegistry(), clock=clock, version=version("early-warning"))
    silent_after = timedelta(minutes=max(settings.engine.lateness_minutes, 60))
    runtime = ClusterRuntime(database, grid, clock, silent_after=silent_after)
    accounts = build_accounts(database)
    sources = RememberedSources(accounts)
    # Refused items are counted where they are filed, in the alert worker: once for both ways in.
    sink = KafkaSink(settings, clock)
    taken = Remembering(sink, clock)
    reader = TicketReader(jurisdiction, SourceMappings(sources, settings.zone), register, clock)
    worker = IntakeWorker(reader, taken, most_waiting=settings.service.queue_items)
    letters = KafkaDeadLetters(settings, database)
    pushing = ClusterPushing(worker, taken, database, runtime.now)
    desk = build_desk(settings, database, register, runtime.now)
    services = Services(
        jurisdiction=jurisdiction,
        zone=zone_of(settings),
        register=register,
        desk=desk,
        accounts=accounts,
        planning=Planning(SqlPlans(database, runtime.now), jurisdiction=jurisdiction, now=runtime.now),
        intake=pushing,
        letters=letters,
        replay=Replaying(worker, letters, database, runtime.now),
        history=UploadedHistory(settings, database, clock, extent=extent_of(settings, database)),
        runtime=runtime,
        metrics=exposition_of(metrics, runtime, desk),
        version=version("early-warning"),
        prefix=settings.service.prefix,
        secure_cookies=settings.service.tls == "proxy",
    )
    return ClusterApi(
        settings=settings,
        services=services,
        metrics=metrics,
        database=database,
        runtime=runtime,
        worker=worker,
        sink=sink,
        sources=sources,
        chores=Chores([Chore("sources", SOURCES_SECONDS, sources.refresh)]),
    )


def description_router(settings: Settings) -> APIRouter:
    """Return the route that describes the topics, open as the one that describes the HTTP API."""
    router = APIRouter(prefix=V1)

    @router.get("/asyncapi.json")
    def asyncapi() -> dict[str, Any]:
        """Describe the topics (AsyncAPI 3)."""
        return asyncapi_document(settings)

    return router


def open_api(settings: Settings, *, ready: Callable[[str], None]) -> Host:
    """Open the database and put the process behind HTTP; it serves once it is run."""
    database = open_store(settings)
    try:
        remember(settings, database)
        return Host(
            settings,
            lambda _: build_api(settings, database),
            ready=ready,
            routers=[description_router(settings)],
        )
    except BaseException:
        database.close()
        raise
