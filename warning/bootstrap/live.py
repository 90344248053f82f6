"""The live service on one machine: everything put together over one data folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from prometheus_client import CollectorRegistry

from warning.bootstrap.accounts import build_accounts, wall_now
from warning.bootstrap.backtest import build_engine
from warning.bootstrap.folder import build_state, jurisdiction_of, open_database, remember, require_folder, zone_of
from warning.bootstrap.uploads import UploadedHistory
from warning.domain.area import AreaRegister
from warning.domain.bucket import MINUTE_MS
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.engine.grid import Grid
from warning.intake.mapping_files import SUFFIXES, load_mapping
from warning.intake.register import load_register
from warning.runtime.chores import Chore, Chores
from warning.runtime.clock import Clock, GuardedClock
from warning.runtime.embedded import Checkpoint, EmbeddedConfig, EmbeddedRuntime, go_on
from warning.runtime.intake import IntakeWorker, TicketReader
from warning.runtime.metrics import Metrics
from warning.runtime.pushing import LogSink, Pushing
from warning.runtime.replaying import FiledLetters, Replaying
from warning.service.desk import Desk
from warning.service.planning import Planning
from warning.service.ports import StoreBusyError
from warning.service.services import Services
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.plans import SqlPlans
from warning.store.sql.retention import Limits, SqlRetention

if TYPE_CHECKING:
    from warning.engine.engine import Engine
    from warning.intake.mapping import Mapping
    from warning.service.ports import Runtime, Source
    from warning.settings import RetentionGroup, Settings
    from warning.store.sql.database import Database

FEED_DAYS = 30
"""How long a reader of the live stream may have been away and still miss nothing."""

_LOG = logging.getLogger(__name__)


class KnownSources(Protocol):
    """Who knows the sources that are registered."""

    def sources(self) -> Sequence[Source]: ...


class SourceMappings:
    """Finds the mapping by which each source's items are read."""

    def __init__(self, accounts: KnownSources, zone: str) -> None:
        self._accounts = accounts
        self._zone = zone
        self._known: dict[str, tuple[object, Mapping]] = {}

    def __call__(self, source: str) -> Mapping:
        """Return the mapping as it is now; times without a zone are in the zone that settings give, else the mapping's.

        Raises UnknownNameError for a source that there is not, InvalidInputError for a mapping that cannot be used. A
        file that was changed is read anew; while what it says cannot be used, the last that could be holds.
        """
        names = {each.name: each.mapping for each in self._accounts.sources()}
        if source not in names:
            raise UnknownNameError("source", source, sorted(names))
        edition = (names[source], _written(names[source]))
        known = self._known.get(source)
        if known is None or known[0] != edition:
            known = (edition, self._read(source, names[source], known))
            self._known[source] = known
        return known[1]

    def _read(self, source: str, name: str, last: tuple[object, Mapping] | None) -> Mapping:
        try:
            mapping = load_mapping(name)
            return mapping.model_copy(update={"source": source, "zone": self._zone or mapping.zone})
        except InvalidInputError:
            if last is None:
                raise
            _LOG.exception("a changed mapping cannot be used; the last one holds", extra={"source": source})
            return last[1]


def _written(mapping: str) -> tuple[int, int]:
    """Tell one writing of a mapping file from the next; those that ship with the program do not change."""
    try:
        known = Path(mapping).stat() if mapping.endswith(SUFFIXES) else None
    except OSError:
        known = None
    return (known.st_mtime_ns, known.st_size) if known is not None else (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveService:
    """The parts of a running service, to be started and stopped together."""

    settings: Settings
    database: Database
    services: Services
    runtime: EmbeddedRuntime
    worker: IntakeWorker
    chores: Chores

    @property
    def metrics(self) -> Metrics:
        """What HTTP requests are counted in."""
        return self.runtime.metrics

    def start(self) -> None:
        """Run; the engine restores its state in the background."""
        self.runtime.start()
        self.worker.start()
        self.chores.start()

    def stop(self) -> None:
        """Write what was taken in, apply it, take a snapshot, let the database go."""
        self.chores.stop()
        self.worker.stop()
        self.runtime.stop()
        self.database.close()


def build_live(
    settings: Settings,
    *,
    clock: Clock | None = None,
    checkpoint: Checkpoint = go_on,
    on_failure: Callable[[], None] = lambda: None,
) -> LiveService:
    """Put a service together; raises StoreInUseError when another one runs on the data folder.

    clock : the machine's, guarded against jumps, unless given
    """
    clock = clock or GuardedClock()
    register = load_register(Path(settings.register_file)) if settings.register_file else AreaRegister()
    require_folder(settings)
    database = open_database(Path(settings.service.data))
    database.claim()
    remember(settings, database)
    engine = new_engine(settings, register)
    metrics = Metrics(CollectorRegistry(), clock=clock, version=version("early-warning"))
    state = build_state(settings, database)
    runtime = EmbeddedRuntime(
        state, engine, _config(settings), clock=clock, metrics=metrics, checkpoint=checkpoint, on_failure=on_failure
    )
    state.on_append = runtime.wake
    accounts = build_accounts(database)
    reader = TicketReader(jurisdiction_of(settings), SourceMappings(accounts, settings.zone), register, clock)
    worker = IntakeWorker(reader, LogSink(state, metrics, clock), most_waiting=settings.service.queue_items)
    pushing = Pushing(worker, state, runtime)
    letters = FiledLetters(database)
    desk = build_desk(settings, database, register, runtime.now)
    services = Services(
        jurisdiction=jurisdiction_of(settings),
        zone=zone_of(settings),
        register=register,
        desk=desk,
        accounts=accounts,
        planning=Planning(SqlPlans(database, runtime.now), jurisdiction=jurisdiction_of(settings), now=runtime.now),
        intake=pushing,
        letters=letters,
        replay=Replaying(worker, letters, database, runtime.now),
        history=UploadedHistory(settings, database, clock),
        runtime=runtime,
        metrics=exposition_of(metrics, runtime, desk),
        version=version("early-warning"),
        prefix=settings.service.prefix,
        secure_cookies=settings.service.tls == "proxy",
    )
    chores = build_chores(settings, database, register, clock)
    return LiveService(
        settings=settings, database=database, services=services, runtime=runtime, worker=worker, chores=chores
    )


def new_engine(settings: Settings, register: AreaRegister) -> Callable[[], Engine]:
    """Return what builds the service's engine."""

    def build() -> Engine:
        return build_engine(settings, jurisdiction=jurisdiction_of(settings), zone=zone_of(settings), register=register)

    return build


def _config(settings: Settings) -> EmbeddedConfig:
    return EmbeddedConfig(
        tick_ms=settings.service.tick_minutes * MINUTE_MS,
        lateness_ms=settings.engine.lateness_minutes * MINUTE_MS,
        snapshot_seconds=60.0 * settings.service.snapshot_minutes,
    )


def build_desk(settings: Settings, database: Database, register: AreaRegister, now: Callable[[], datetime]) -> Desk:
    """Build the desk over a database."""
    return Desk(SqlAlerts(database), register=register, now=now, protection_days=settings.policy.protection_limit_days)


def build_chores(settings: Settings, database: Database, register: AreaRegister, clock: Clock) -> Chores:
    """Build what is done again and again beside an engine: snoozes that run out, and what is too old."""
    grid = Grid(zone_of(settings))

    def now() -> datetime:
        return grid.moment(clock())

    desk = build_desk(settings, database, register, now)
    return Chores(
        [
            Chore("snoozes", 10.0, desk.wake),
            Chore("retention", 600.0, lambda: SqlRetention(database).enforce(_limits(settings.retention, now()))),
        ]
    )


def exposition_of(metrics: Metrics, runtime: Runtime, desk: Desk) -> Callable[[], tuple[bytes, str]]:
    """Return what gives the figures as they are now."""

    def exposition() -> tuple[bytes, str]:
        metrics.observe_condition(runtime.condition())
        with suppress(StoreBusyError):  # a database that is away must not take the figures along
            queue = desk.queue()
            age = (runtime.now() - queue.oldest).total_seconds() if queue.oldest else 0.0
            metrics.queue(queue.size, age)
        return metrics.exposition()

    return exposition


def _limits(retention: RetentionGroup, now: datetime) -> Limits:
    return Limits(
        now=now,
        wall=wall_now(),
        log=now - timedelta(days=retention.log_days),
        tickets=now - timedelta(days=retention.ticket_days),
        history=now - timedelta(days=retention.history_days),
        alerts=now - timedelta(days=retention.alert_days),
        unfinished_alerts=now - 2 * timedelta(days=retention.alert_days),
        feed=now - timedelta(days=FEED_DAYS),
        dead_letters=now - timedelta(days=retention.rejected_days),
    )
