"""The alert worker as a process over a real Kafka and a real PostgreSQL, killed at random moments."""

from __future__ import annotations

import random
from time import sleep

import msgspec
import pytest

from streams.records import Report
from streams.topics import Name
from tests.cluster.workers import Cluster, wait_for
from tests.streams.alerts.reports import oracle, reports_of, surging
from tests.streams.alerts.stored import Reports, judged_number, read_topic, stored, told_twice
from tests.warning.engine.tickets import log
from warning.engine.records import Record
from warning.runtime.backtest import Collected
from warning.settings import Settings
from warning.store.sql.database import Database

PARTITIONS = 3


@pytest.fixture(scope="module")
def records() -> list[Record]:
    """A log of six days with two bursts."""
    return log(surging())


@pytest.fixture(scope="module")
def reports(records: list[Record]) -> list[Report]:
    """What three partitions report of it."""
    return reports_of(records, PARTITIONS)


@pytest.fixture(scope="module")
def said(records: list[Record]) -> Collected:
    """What an engine says of it."""
    return oracle(records)[0]


def published(settings: Settings) -> dict[str, dict[str, object] | None]:
    """Return the last record of each alert in the topic; None for a tombstone."""
    found: dict[str, dict[str, object] | None] = {}
    for key, value, _ in read_topic(settings, Name.ALERTS):
        found[(key or b"").decode()] = None if value is None else msgspec.json.decode(value)["alert"]
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_lose_and_double_nothing(
    seed: int,
    settings: Settings,
    database: Database,
    cluster: Cluster,
    reports: list[Report],
    said: Collected,
) -> None:
    """Reports come while the worker is killed again and again: stored and published is what one engine says."""
    rng = random.Random(seed)
    writer, last = Reports(settings), reports[-1].report.tick.number
    worker = cluster.start("alerts", "only")
    size = len(reports) // 12
    for first in range(0, len(reports), size):
        writer.write(reports[first : first + size])
        sleep(rng.uniform(0.0, 1.2))
        if rng.random() < 0.6:
            worker.kill()
            worker = cluster.start("alerts", "only")
    writer.close()
    wait_for(lambda: judged_number(database) == last, "the last tick is judged")
    found = stored(database)
    assert said.alerts
    assert found.alerts == said.alerts
    assert found.signals == said.signals
    assert found.points == said.points
    assert told_twice(database, found) == []
    wanted = {i: msgspec.json.decode(msgspec.json.encode(alert)) for i, alert in said.alerts.items()}
    wait_for(lambda: {i: a for i, a in published(settings).items() if a is not None} == wanted, "all is published")
    assert worker.stop() == 0
