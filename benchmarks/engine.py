"""Tickets a second and memory: reading, the engine, a whole back-test and the command, beside a bare group_by."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from benchmarks.city import TIME_FORMAT
from benchmarks.process import Figures, now_mb, timed
from warning.bootstrap import build_engine, run_backtest
from warning.domain.bucket import MINUTE_MS
from warning.intake.files import read_files
from warning.intake.mapping_files import load_mapping
from warning.runtime.feed import Feed
from warning.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warning.engine.engine import Engine
    from warning.engine.records import Record
    from warning.intake.normalise import Normalised
    from warning.service.result import BacktestResult


def read(csv: str, mapping: str) -> Figures:
    """(a) From CSV to columns of tickets, all kept."""
    parts: list[Normalised] = []
    took = timed(lambda: parts.extend(read_files([Path(csv)], load_mapping(mapping))))
    return took | {"tickets": float(sum(len(part.tickets) for part in parts))}


def engine(csv: str, mapping: str) -> Figures:
    """(b) The engine alone, on a back-test's records that lie parsed and cut in memory."""
    records = records_of(csv, mapping)
    before = now_mb()
    city = city_engine(load_settings(environment={}))
    took = timed(lambda: apply_all(city, records))
    done = city.statistics
    return took | {
        "tickets": float(sum(done.outcomes.values())),
        "ticks": float(done.ticks),
        "decisions": float(done.decisions),
        "series": float(done.series),
        "totals": float(city.jurisdiction.kept()["total"]),
        "records_mb": before,
    }


def whole(csv: str, mapping: str) -> Figures:
    """(c) A whole back-test, from the CSV file to its result in memory."""
    results: list[BacktestResult] = []
    settings = load_settings(environment={})
    took = timed(lambda: results.append(run_backtest([Path(csv)], mapping=mapping, settings=settings)))
    summary = results[0].summary
    return took | {
        "tickets": float(summary.rows),
        "decisions": float(summary.decisions),
        "series": float(summary.series["area_category"]),
        "overflowed": float(summary.overflowed),
        "notices": float(len(summary.notices)),
        "life_events": float(sum(summary.life_events.values())),
        "signals": float(summary.signals),
        "alerts": float(summary.alerts),
    }


def bare(csv: str) -> Figures:
    """(e) Count the same file with polars: read, parse times, cut to quarters of an hour, group, count."""
    frames: list[pl.DataFrame] = []
    took = timed(lambda: frames.append(_grouped(csv)))
    return took | {"tickets": float(frames[0]["len"].sum()), "groups": float(len(frames[0]))}


def records_of(csv: str, mapping: str) -> list[Record]:
    """Return the records that a back-test with default settings makes of a file."""
    defaults = load_settings(environment={}).engine
    source = load_mapping(mapping)
    feed = Feed(
        source.jurisdiction,
        step_ms=defaults.step_minutes * MINUTE_MS,
        lateness_ms=defaults.lateness_minutes * MINUTE_MS,
    )
    return list(feed.by_event_time(read_files([Path(csv)], source)))


def city_engine(settings: Settings) -> Engine:
    """Build the engine that a back-test of a city uses."""
    return build_engine(settings, jurisdiction="made-up-city", zone="Asia/Shanghai")


def apply_all(city: Engine, records: Iterable[Record]) -> None:
    """Apply records one after the other."""
    for record in records:
        city.apply(record)


def _grouped(csv: str) -> pl.DataFrame:
    tickets = pl.read_csv(csv, schema_overrides={"Created": pl.String})
    quarter = pl.col("Created").str.to_datetime(TIME_FORMAT).dt.truncate("15m")
    return tickets.lazy().group_by("District", "Category", quarter).len().collect()
