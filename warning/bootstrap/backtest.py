"""Back-tests and logs: files or a recorded log through the engine."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from warning.domain.area import AreaRegister
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS
from warning.engine.config import EngineConfig
from warning.engine.engine import Engine
from warning.intake.files import read_files
from warning.intake.mapping_files import load_mapping
from warning.intake.register import load_register
from warning.policy.alerting import AlertPolicy
from warning.policy.config import PolicyConfig
from warning.runtime.backtest import Intake, run
from warning.runtime.clock import now_ms
from warning.runtime.feed import Feed
from warning.store.logfile import LOG_VERSION, LogHeader, read_header, read_records, write_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from warning.engine.records import Record
    from warning.intake.mapping import Mapping
    from warning.service.result import BacktestResult
    from warning.settings import Settings


def engine_config(settings: Settings, *, jurisdiction: str, zone: str) -> EngineConfig:
    """Return what an engine, or a stage of one by itself, is told."""
    engine, policy = settings.engine, settings.policy
    return EngineConfig(
        jurisdiction=jurisdiction,
        zone=zone,
        shards=engine.shards,
        dedupe_horizon_days=engine.dedupe_horizon_days,
        dedupe_capacity=engine.dedupe_capacity,
        series_quota_per_shard=engine.series_quota_per_shard,
        name_quota=engine.name_quota,
        warm_up_ms=engine.warm_up_hours * HOUR_MS,
        history_days=engine.history_days,
        protection_limit_ms=policy.protection_limit_days * DAY_MS,
    )


def build_policy(settings: Settings, register: AreaRegister | None) -> AlertPolicy:
    """Build what decides about alerts."""
    policy = settings.policy
    decides = PolicyConfig(
        false_alerts_per_week=policy.false_alerts_per_week,
        minimum_tickets=policy.minimum_tickets,
        minimum_ratio=policy.minimum_ratio,
        merge_hours=policy.merge_hours,
    )
    return AlertPolicy(decides, register)


def build_engine(
    settings: Settings,
    *,
    jurisdiction: str,
    zone: str,
    register: AreaRegister | None = None,
    partitions: tuple[tuple[int, ...], ...] | None = None,
) -> Engine:
    """Build an engine and its policy from settings."""
    config = engine_config(settings, jurisdiction=jurisdiction, zone=zone)
    return Engine(config, build_policy(settings, register), partitions)


def run_backtest(
    paths: Sequence[Path],
    *,
    mapping: str,
    settings: Settings,
    arrival_order: bool = False,
    progress: Callable[[int], None] | None = None,
) -> BacktestResult:
    """Run files through the engine as if they had come in live."""
    source = load_mapping(mapping)
    register = _register(settings)
    engine = build_engine(
        settings, jurisdiction=_jurisdiction(settings, source), zone=settings.zone or source.zone, register=register
    )
    intake = Intake()
    records = _records(paths, source, settings, register, intake, arrival_order=arrival_order, progress=progress)
    names = tuple(path.name for path in paths)
    return run(engine, records, intake, inputs=names, mapping=source.name, version=version("early-warning"))


def run_backtest_log(log: Path, *, settings: Settings, progress: Callable[[int], None] | None = None) -> BacktestResult:
    """Run a recorded log through the engine."""
    header = read_header(log)
    engine = build_engine(
        settings, jurisdiction=header.jurisdiction, zone=settings.zone or header.zone, register=_register(settings)
    )
    records = _told(read_records(log), progress)
    release = version("early-warning")
    return run(engine, records, Intake(), inputs=tuple(header.inputs), mapping=header.mapping, version=release)


def export_log(
    paths: Sequence[Path],
    *,
    mapping: str,
    settings: Settings,
    arrival_order: bool = False,
    out: Path,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write files as a log; returns how many records it holds."""
    source = load_mapping(mapping)
    register = _register(settings)
    header = LogHeader(
        version=LOG_VERSION,
        jurisdiction=_jurisdiction(settings, source),
        zone=settings.zone or source.zone,
        mapping=source.name,
        inputs=[path.name for path in paths],
    )
    records = _records(paths, source, settings, register, Intake(), arrival_order=arrival_order, progress=progress)
    return write_log(out, header, records)


def _told(records: Iterable[tuple[Record, int]], progress: Callable[[int], None] | None) -> Iterator[Record]:
    """Yield the records, telling how many bytes each took."""
    for record, size in records:
        yield record
        if progress is not None:
            progress(size)


def _records(
    paths: Sequence[Path],
    mapping: Mapping,
    settings: Settings,
    register: AreaRegister | None,
    intake: Intake,
    *,
    arrival_order: bool,
    progress: Callable[[int], None] | None,
) -> Iterator[Record]:
    parts = intake.noting(read_files(paths, mapping, register=register, now_ms=now_ms(), progress=progress))
    feed = Feed(
        _jurisdiction(settings, mapping),
        step_ms=settings.engine.step_minutes * MINUTE_MS,
        lateness_ms=settings.engine.lateness_minutes * MINUTE_MS,
    )
    return feed.by_arrival(parts) if arrival_order else feed.by_event_time(parts)


def _jurisdiction(settings: Settings, mapping: Mapping) -> str:
    return settings.jurisdiction or mapping.jurisdiction


def _register(settings: Settings) -> AreaRegister | None:
    return load_register(Path(settings.register_file)) if settings.register_file else None
