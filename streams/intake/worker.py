"""The intake worker as a process: everything put together."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from streams import metrics
from streams.app import build_app
from streams.clock.sequencer import Sequencer
from streams.identity import TopicWatch
from streams.intake.batching import Batcher
from streams.intake.beside import DatabaseSide
from streams.intake.inputs import Inputs
from streams.intake.judging import Judge
from streams.intake.service import IntakeService
from streams.intake.sources import Mappings, RememberedSources
from streams.log_topic import log_topic
from streams.process import Health, Part, Process
from streams.reading import RangeReader
from streams.sending import Sender
from streams.topics import Name, topics
from warning.bootstrap.accounts import build_accounts
from warning.bootstrap.folder import jurisdiction_of
from warning.domain.area import AreaRegister
from warning.intake.register import load_register
from warning.runtime.clock import Clock, GuardedClock
from warning.service.ports import StoreBusyError

if TYPE_CHECKING:
    from streams.log_topic import LogTopic
    from warning.settings import Settings
    from warning.store.sql.database import Database

WORKER = "intake"


def build_judge(settings: Settings, sources: RememberedSources, clock: Clock) -> Judge:
    """Return what reads polls."""
    names = topics(settings)
    register = load_register(Path(settings.register_file)) if settings.register_file else AreaRegister()
    return Judge(
        jurisdiction=jurisdiction_of(settings),
        raw=names[Name.RAW].name,
        pushed=names[Name.PUSHED].name,
        default=settings.cluster.source,
        mapping_of=Mappings(sources, settings.zone, settings.cluster.source),
        register=register,
        batcher=Batcher(jurisdiction_of(settings), settings.engine.shards, settings.cluster.batch_tickets),
        clock=clock,
    )


def build_worker(
    settings: Settings,
    database: Database,
    *,
    clock: Clock | None = None,
    announced: Callable[[str], None] = lambda _: None,
) -> Process:
    """Put a worker together.

    clock : the machine's, guarded against jumps, unless given
    """
    clock = clock or GuardedClock()
    registry = CollectorRegistry()
    ready = metrics.begin(registry, WORKER, version("early-warning"))
    reader = RangeReader(settings)
    sources = RememberedSources(build_accounts(database))
    beside = DatabaseSide(settings, database, sources, clock)
    watch = TopicWatch(settings, database, usable=lambda: beside.usable)
    names = topics(settings)

    async def find_log() -> LogTopic:
        await _require_database(beside, watch)
        return await log_topic(settings, reader, database)

    def new_sender() -> Sender:
        return Sender(settings)

    intake = IntakeService(
        settings,
        find_log=find_log,
        judge=build_judge(settings, sources, clock),
        inputs=Inputs(
            settings,
            (names[Name.RAW].name, names[Name.PUSHED].name),
            clock,
            before_work=beside.see_that_the_log_stands,
        ),
        new_sender=new_sender,
        beside=beside,
        clock=clock,
        registry=registry,
    )
    sequencer = Sequencer(settings, find_log=find_log, new_sender=new_sender, clock=clock, registry=registry)
    app = build_app(settings, WORKER, consumes=False)
    app.add_dependency(intake)
    app.add_dependency(sequencer)

    def health() -> Health:
        now = intake.health()
        ready.set(now.ready)
        return now

    parts: list[Part] = [beside, watch]
    return Process(app, settings, parts=parts, registry=registry, health=health, announced=announced)


async def _require_database(beside: DatabaseSide, watch: TopicWatch) -> None:
    """Raise StoreBusyError until the database has said that the topics are those it knows."""
    if not beside.usable:
        raise StoreBusyError("the database has not answered yet", 1, "数据库尚未应答。")
    if not await watch.stands():
        raise StoreBusyError("whether topics were made anew is not known yet", 1, "尚未确认主题是否被重建。")
