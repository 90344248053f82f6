"""The detect worker, put together from settings."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from streams import metrics
from streams.app import build_app
from streams.away import named
from streams.detect.beginning import LogBeginning
from streams.detect.gauges import Gauges
from streams.detect.history import SqlPast
from streams.detect.partition import Outside
from streams.detect.worker import GROUP, DetectWorker, attach
from streams.generations import Generation, generations, log_name
from streams.identity import TopicWatch
from streams.poison import PoisonTopic
from streams.process import Part, Process
from streams.reading import Ends, RangeReader
from streams.sending import Sender
from streams.topics import Name, topics
from warning.bootstrap.backtest import build_policy, engine_config
from warning.bootstrap.folder import jurisdiction_of, open_store, remember, zone_of
from warning.engine.grid import Grid
from warning.runtime.clock import GuardedClock, now_ms
from warning.store.sql.attempts import Attempts
from warning.store.sql.stage_snapshots import StageSnapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from warning.settings import Settings
    from warning.store.sql.database import Database


def run_detect(settings: Settings, announced: Callable[[str], None] = lambda _: None) -> int:
    """Run a detect worker until it is told to stop; returns the exit code."""
    database = open_store(settings)
    try:
        remember(settings, database)
        with database.read() as connection:
            name = log_name(connection)
        with named(settings):
            found = asyncio.run(generations(RangeReader(settings), settings, name))
            return build_detect(settings, database, found, announced).run()
    finally:
        database.close()


def build_detect(
    settings: Settings,
    database: Database,
    found: Sequence[Generation],
    announced: Callable[[str], None] = lambda _: None,
) -> Process:
    """Put a worker together.

    found : the log's generations, oldest first
    """
    clock = GuardedClock()
    registry = CollectorRegistry()
    ready = metrics.begin(registry, GROUP, version("early-warning"))
    reader, sender, log = RangeReader(settings), Sender(settings), found[-1]
    worker = DetectWorker(
        outside_of(settings, database, found, reader=reader, sender=sender),
        log,
        reader=reader,
        ends=Ends(settings),
        sender=sender,
        gauges=Gauges(registry, clock),
    )
    app = build_app(settings, GROUP, consumes=True)
    attach(app, worker, log.topic)

    ready.set_function(lambda: float(worker.health().ready))
    parts: list[Part] = [TopicWatch(settings, database), worker]
    return Process(app, settings, parts=parts, registry=registry, health=worker.health, announced=announced)


def outside_of(
    settings: Settings, database: Database, found: Sequence[Generation], *, reader: RangeReader, sender: Sender
) -> Outside:
    """Return what the partitions of a worker share."""
    table, grid = topics(settings), Grid(zone_of(settings))
    return Outside(
        config=engine_config(settings, jurisdiction=jurisdiction_of(settings), zone=zone_of(settings)),
        policy=build_policy(settings, None).config,
        sender=sender,
        signals=table[Name.SIGNALS].name,
        outcomes=table[Name.OUTCOMES].name,
        poison=PoisonTopic(reader, settings),
        log=LogBeginning(reader, settings, list(found)),
        snapshots=StageSnapshots(database),
        attempts=Attempts(database, lambda: grid.moment(now_ms())),
        past=SqlPast(database, settings),
        clock=now_ms,
        seconds=settings.cluster.snapshot_seconds,
        tickets=settings.cluster.snapshot_tickets,
    )
