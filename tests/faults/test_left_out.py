"""A detect worker frozen for longer than its partitions are waited for: the others go on, and it is not lost."""

from __future__ import annotations

import asyncio
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from streams.absences import Absences, absences
from streams.admin import apply_topics
from streams.cluster_log import export_cluster_log
from streams.merging import decoded
from streams.reading import RangeReader
from streams.topics import Name, partition_of, shards_of, topics
from tests.cluster.feeding import Feeder
from tests.cluster.intake_child import CLOCK
from tests.cluster.logs import judged
from tests.cluster.plugin import with_partitions
from tests.cluster.stored import apart_from_expected, database_of, feed_of, judged_tick, said_of
from tests.cluster.workers import Cluster, Worker, wait_for
from tests.warning.engine.tickets import CITY, START, STEP, Row, city
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKind
from warning.engine.records import Record
from warning.engine.shard_stage import shard_of, shard_of_series
from warning.settings import Settings
from warning.store.logfile import read_records
from warning.store.sql.moments import milliseconds, moment_of_ms
from warning.store.sql.payloads import from_payload
from warning.store.sql.tables import feed, log

PARTITIONS = 3
WAIT_SECONDS = 2
"""Much less than a session: the shards are left out before the other worker can have taken the partitions over."""
FROZEN = START + 2 * DAY_MS + 8 * HOUR_MS
THAWED = FROZEN + 8 * HOUR_MS
METRIC = "early_warning_shards_left_out"


@pytest.fixture(name="settings")
def _settings(cluster_settings: Settings) -> Settings:
    """Three partitions, for which nobody waits long."""
    settings = with_partitions(cluster_settings, PARTITIONS)
    apply_topics(settings)
    return settings.model_copy(
        update={
            "service": settings.service.model_copy(update={"tick_minutes": STEP // 60_000}),
            "cluster": settings.cluster.model_copy(update={"wait_seconds": WAIT_SECONDS}),
        }
    )


@pytest.fixture(name="cluster")
def _cluster(settings: Settings, tmp_path: Path) -> Iterator[Cluster]:
    """One intake worker with a clock of the test's, one alert worker, and two detect workers."""
    clock = tmp_path / "clock"
    clock.write_text(str(START))
    child = {"intake": [sys.executable, "-m", "tests.cluster.intake_child"]}
    with Cluster(settings, tmp_path, programs=child, **{CLOCK: str(clock)}) as cluster:
        for kind in ("intake", "detect", "detect", "alerts"):
            cluster.start(kind)
        for worker in cluster.workers:
            worker.wait_until_ready()
        yield cluster


def test_the_others_go_on_without_a_frozen_worker(settings: Settings, cluster: Cluster, tmp_path: Path) -> None:
    """Their alerts come while it is away, its own when another has caught up; a back-test of the log says the same."""
    placed = wait_for(lambda: _placed(cluster), "each detect worker has partitions")
    frozen, away = min(placed, key=lambda each: len(each[1]))
    (alerts,) = cluster.of("alerts")
    there = next(each for each in range(PARTITIONS) if each not in away)
    bursts = {each: _category_in(each) for each in (there, *away)}
    rows = sorted([*city(3.0, burst=False), *_burst([*bursts.values()])], key=lambda row: (row.time, row.id))
    _send(settings, tmp_path, rows, until=FROZEN)
    frozen.pause()
    _send(settings, tmp_path, rows, since=FROZEN, until=THAWED)
    missing = {shard for each in away for shard in shards_of(each, PARTITIONS, settings.engine.shards)}
    wait_for(lambda: alerts.metric(METRIC) == len(missing), "the metric says how many shards are left out")
    wait_for(lambda: alerts.metric(METRIC) == 0, "another worker has caught up")
    frozen.resume()
    _send(settings, tmp_path, rows, since=THAWED)
    for worker in cluster.workers:
        assert not worker.running or worker.stop() == 0, worker.said[-3000:]
    assert "shards are left out" in alerts.said
    assert "shards are taken in again" in alerts.said
    decided = _decided(settings)
    assert {shard for each in decided.known if each.out for shard in each.shards} >= missing
    assert decided.left_out() == {}
    told = Counter(str(control) for each in decided.known for control in each.controls(CITY))
    assert set(told.values()) == {1}
    assert asyncio.run(_told(settings)) == [told] * PARTITIONS
    assert _opened(settings, bursts[there]) < _back_at(settings)
    _check_said(settings, {shard for each in decided.known for shard in each.shards}, tmp_path / "whole.log")


def _placed(cluster: Cluster) -> list[tuple[Worker, frozenset[int]]]:
    """Return the detect workers with their partitions, once these are all and each worker has some."""
    found = [(worker, _partitions_of(worker)) for worker in cluster.of("detect")]
    return found if all(has for _, has in found) and sum(len(has) for _, has in found) == PARTITIONS else []


def _partitions_of(worker: Worker) -> frozenset[int]:
    text = httpx.get(f"{worker.address}/metrics", timeout=5, trust_env=False).text
    return frozenset(
        map(int, re.findall(r'^early_warning_partition_lag_records\{partition="(\d+)"\}', text, re.MULTILINE))
    )


def _category_in(partition: int) -> str:
    """Return the name of a category that a partition carries."""
    names = (f"Burst {number}" for number in range(100))
    return next(name for name in names if partition_of(shard_of(CITY, name, 8), PARTITIONS) == partition)


def _burst(categories: Sequence[str]) -> list[Row]:
    """Return many tickets of some categories within two hours, each in a district of its own."""
    rng = np.random.default_rng(3)
    return [
        Row(
            time=FROZEN + HOUR_MS + int(rng.integers(2 * HOUR_MS)),
            id=f"{category} {number}",
            category=category,
            area=f"Testville/{('North', 'South', 'East')[place]}/District {place}",
            department=f"Department {place}",
            text=f"{category} {number}",
        )
        for place, category in enumerate(categories)
        for number in range(60)
    ]


def _send(
    settings: Settings, folder: Path, rows: Sequence[Row], *, since: int = START, until: int | None = None
) -> None:
    """Send the rows of some time; all of them are counted in ticks, which are judged unless shards are waited for."""
    part = [row for row in rows if since <= row.time and (until is None or row.time < until)]
    feeder = Feeder(settings, part, folder / "clock", seconds=0.05, seed=since)
    feeder.start()
    feeder.join(60)
    assert feeder.failure is None, feeder.failure
    end = part[-1].time if until is not None else part[-1].time + 2 * DAY_MS
    feeder.set_clock(end)
    last = (end - HOUR_MS) // STEP
    wait_for(lambda: judged_tick(settings) >= last, f"tick {last} is judged")


def _decided(settings: Settings) -> Absences:
    with database_of(settings) as database, database.read() as connection:
        return absences(connection)


async def _told(settings: Settings) -> list[Counter[str]]:
    """Return what each partition of the log says of shards that are left out or back."""
    reader, topic = RangeReader(settings), topics(settings)[Name.TICKETS].name
    told = []
    for partition in range(PARTITIONS):
        records = [read[0] async for message in reader.read(topic, partition, 0) if (read := decoded(message))]
        told.append(Counter(str(each) for each in records if isinstance(each, Control)))
    return told


def _back_at(settings: Settings) -> datetime:
    """Return when it was first decided that a shard is back."""
    with database_of(settings) as database, database.read() as connection:
        rows = connection.execute(select(log).order_by(log.c.position)).all()
    return next(moment_of_ms(row.appended_ms) for row in rows if _is_back(from_payload(row.kind, row.payload)))


def _is_back(record: Record) -> bool:
    return isinstance(record, Control) and record.kind is ControlKind.SHARD_BACK


def _opened(settings: Settings, category: str) -> datetime:
    """Return when the feed told of the alert about a category's burst."""
    raised = [i for i, alert in said_of(settings).alerts.items() if category in alert.categories]
    with database_of(settings) as database, database.read() as connection:
        told = connection.execute(select(feed.c.subject, feed.c.at).order_by(feed.c.sequence)).all()
    at: datetime = next(row.at for row in told if row.subject in raised)
    return at


def _check_said(settings: Settings, away: set[int], whole: Path) -> None:
    """What is stored is what one engine says of the exported log, signals of the shards that were away included."""
    export_cluster_log(settings, whole)
    expected, found = judged((record for record, _ in read_records(whole)), settings), said_of(settings)
    assert found.alerts == expected.alerts
    assert found.signals == expected.signals
    assert apart_from_expected(found.points, away) == apart_from_expected(expected.points, away)
    late = [each for each in found.signals.values() if FROZEN < milliseconds(each.window_start) < THAWED]
    assert {
        shard_of_series(CITY, each.series, 8) for each in late if each.series.kind is SeriesKind.AREA_CATEGORY
    } & away
    raised = [alert for alert, rule in feed_of(settings) if rule == "OPEN-1"]
    assert len(raised) == len(set(raised)), "an alert was told of as new twice"
