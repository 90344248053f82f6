"""What detect workers report of a log, without workers, and what an engine in one process says of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from models.base import CountDetector, discover
from streams.alerts.stage import AlertStage, Judged
from streams.courses import courses_of
from streams.records import Report
from streams.topics import shards_of
from tests.warning.engine.tickets import START, Row, city, config, engine
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.domain.control import Control
from warning.engine.config import EngineConfig
from warning.engine.engine import Engine
from warning.engine.grid import Grid
from warning.engine.jurisdiction_stage import JurisdictionStage
from warning.engine.records import Output, Record, Tick
from warning.engine.shard_stage import ShardStage
from warning.intake.columns import TicketColumns
from warning.policy.alerting import AlertPolicy
from warning.policy.config import PolicyConfig
from warning.runtime.backtest import Collected

POLICY = PolicyConfig(minimum_tickets=5, false_alerts_per_week=1.0)
"""As that of :func:`tests.warning.engine.tickets.engine`."""


@dataclass
class Partition:
    """One partition of the log, followed as a detect worker does."""

    number: int
    stage: ShardStage
    era: int = 0
    controls: list[Control] = field(default_factory=list)

    def apply(self, record: Record) -> Report | None:
        """Apply a record; returns the report of a tick."""
        if isinstance(record, TicketColumns):
            mine = np.nonzero(self.stage.owned(record))[0]
            if len(mine):
                self.stage.apply(record.take(mine))
            return None
        if isinstance(record, Tick):
            return self._report(record)
        self.stage.control(record)
        self.controls.append(record)
        return None

    def _report(self, tick: Tick) -> Report | None:
        told = self.stage.tick(tick)
        if told is None:
            return None
        controls, self.controls = tuple(self.controls), []
        courses = courses_of(told, self.stage, POLICY)
        return Report(era=self.era, partition=self.number, report=told, controls=controls, courses=courses)


def partitions(count: int, *, era: int = 0, of: EngineConfig | None = None) -> list[Partition]:
    """Return the partitions of an empty log."""
    of = of or config()
    return [
        Partition(
            number,
            ShardStage(of, Grid(of.zone), _detectors(), shards_of(number, count, of.shards)),
            era,
        )
        for number in range(count)
    ]


def reports_of(records: Iterable[Record], count: int, *, era: int = 0) -> list[Report]:
    """Return what all partitions report of a log, tick by tick."""
    parts = partitions(count, era=era)
    return [report for record in records for part in parts if (report := part.apply(record)) is not None]


def jurisdiction(of: EngineConfig | None = None) -> JurisdictionStage:
    """Return a jurisdiction stage that has judged nothing."""
    of = of or config()
    return JurisdictionStage(of, Grid(of.zone), _detectors(), AlertPolicy(POLICY))


def alert_stage(era: int = 0) -> AlertStage:
    """Return an alert stage that has judged nothing."""
    return AlertStage(jurisdiction(), era)


def collected(judged: Iterable[Judged]) -> Collected:
    """Return the last version of all that was said."""
    said = Collected()
    for each in judged:
        said.add(each.output)
    return said


def oracle(records: Iterable[Record]) -> tuple[Collected, dict[int, Output]]:
    """Return what an engine says of a log: in all, and of each tick."""
    said, by_tick = Collected(), {}
    subject: Engine = engine()
    for record in records:
        output = subject.apply(record)
        said.add(output)
        if isinstance(record, Tick):
            by_tick[record.number] = output
    return said, by_tick


def same(one: Collected, other: Collected) -> bool:
    """Whether the same was said: signals, alerts and courses."""
    return (one.signals, one.alerts, one.points) == (other.signals, other.alerts, other.points)


def through(stage: AlertStage, reports: Sequence[Report]) -> list[Judged]:
    """Give a stage some reports."""
    return [judged for report in reports for judged in stage.take(report)]


def surging(days: float = 6.0) -> list[Row]:
    """Return a city's tickets with two bursts: one that a department's series leads, one that a category's does."""
    rng = np.random.default_rng(5)
    at = START + 4 * DAY_MS + 9 * HOUR_MS
    burst = [
        Row(
            time=at + int(rng.integers(3 * HOUR_MS)),
            id=f"S{i}",
            category="Category 5",
            area=f"Testville/South/District {i % 3}",
            department=f"Department {i % 3}",
            channel=("phone", "app", "web")[i % 3],
            text=f"surge {i}",
        )
        for i in range(45)
    ]
    return sorted([*city(days), *burst], key=lambda row: (row.time, row.id))


def _detectors() -> list[CountDetector]:
    """Build one detector of every kind there is."""
    return [detector() for detector in discover()]
