"""What operators do to a cluster, under fire: a load of history, another number of partitions."""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from time import sleep

import pytest

from streams import marks
from streams.admin import apply_topics
from streams.cluster_log import export_cluster_log
from streams.generations import log_topic
from tests.cluster.chaos import Chaos
from tests.cluster.logs import LogWriter, judged
from tests.cluster.plugin import with_partitions
from tests.cluster.stored import database_of, judged_tick, said_of
from tests.cluster.workers import PROGRAM, Cluster, environment_of, wait_for
from tests.faults.live import write_csv
from tests.streams.test_repartition import write
from tests.warning.engine.tickets import city, log
from warning.domain.bucket import DAY_MS
from warning.engine.records import Record, Tick
from warning.runtime.backtest import Collected
from warning.settings import Settings
from warning.store.logfile import read_records

SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
BURST = [row for row in city() if row.category == "Meters"]
LATER = [replace(row, time=row.time + 4 * DAY_MS, id=f"again-{row.id}", category="Hydrants") for row in BURST]
RECORDS = log(sorted(city(8.0) + LATER, key=lambda row: row.time))
CUT = len(RECORDS) // 2
KINDS = ("detect", "alerts")
FAULTS = 7
MOST_KILLS = 25


@pytest.fixture(name="settings")
def _settings(cluster_settings: Settings) -> Settings:
    """A log of three partitions, with a tick in a quarter of an hour."""
    print(f"FAULT_SEED={SEED}")  # noqa: T201  to run it again
    service = cluster_settings.service.model_copy(update={"tick_minutes": 15})
    settings = with_partitions(cluster_settings.model_copy(update={"service": service}), 3)
    apply_topics(settings)
    return settings


@pytest.fixture(name="writer")
def _writer(settings: Settings) -> Iterator[LogWriter]:
    writer = LogWriter(settings)
    yield writer
    writer.close()


def last_tick(records: Sequence[Record]) -> int:
    return max(record.number for record in records if isinstance(record, Tick))


def judged_in_era(settings: Settings, era: int, tick: int) -> bool:
    with database_of(settings) as database, database.read() as connection:
        found = marks.judged(connection)
    return found is not None and found.era == era and found.number >= tick


def test_history_is_loaded_while_workers_die(settings: Settings, writer: LogWriter, tmp_path: Path) -> None:
    """Workers are killed, stopped and frozen while they begin anew with history: alerts of before are kept and closed,
    all later ones and all signals are those of a back-test of the exported log, which begins with the history.
    """
    old = tmp_path / "old.csv"
    rows = [replace(row, time=row.time - 20 * DAY_MS, id=f"old-{row.id}") for row in city(19.0, seed=3, burst=False)]
    write_csv(old, rows)
    with Cluster(settings, tmp_path) as cluster:
        for kind in ("detect", "detect", "alerts"):
            cluster.start(kind)
        chaos = Chaos(cluster, SEED, kinds=KINDS)
        writer.write(RECORDS[:CUT])
        wait_for(lambda: judged_tick(settings) >= last_tick(RECORDS[:CUT]), "the first part is judged")
        before = said_of(settings)
        cluster.run("load", str(old), "--mapping", "canonical", "--source", "old")
        chaos.run(FAULTS)
        writer.write(RECORDS[CUT:])

        def done() -> bool:
            chaos.mend()
            return judged_in_era(settings, 1, last_tick(RECORDS))

        wait_for(done, "all is judged in the new era", 120)
    after, expected = said_of(settings), exported(settings, tmp_path)
    assert before.alerts
    assert before.alerts.keys() <= after.alerts.keys()
    assert all(after.alerts[identity].closed_at is not None for identity in before.alerts)
    assert {name: alert for name, alert in after.alerts.items() if name not in before.alerts} == expected.alerts != {}
    assert {name: after.signals[name] for name in expected.signals} == expected.signals


def exported(settings: Settings, folder: Path) -> Collected:
    """Return what an engine says of the cluster's exported log."""
    whole = folder / "whole.log"
    export_cluster_log(settings, whole)
    return judged([record for record, _ in read_records(whole)], settings)


def test_a_repartition_that_was_killed_is_done_again(settings: Settings, writer: LogWriter, tmp_path: Path) -> None:
    """Killed at moments a tenth of a second apart until one run comes to its end, the log has one new generation, and
    signals and alerts are those of a log that never changed.
    """
    chance = random.Random(SEED)
    writer.write(RECORDS[:CUT])
    with Cluster(settings, tmp_path) as cluster:
        rest(cluster)
        tries = takewhile(lambda _: not topic_of(settings).endswith(".g2"), range(MOST_KILLS))
        killed = sum(not repartitioned(settings, 1.0 + 0.3 * (number + chance.random())) for number in tries)
        assert killed > 2
        topic = topic_of(settings)
        assert topic.endswith(".g2")
        write(settings, RECORDS[CUT:], topic, 5)
        cluster.start("detect")
        cluster.start("alerts")
        wait_for(lambda: judged_tick(settings) >= last_tick(RECORDS), "all is judged", 120)
    found, expected = said_of(settings), judged(RECORDS, settings)
    assert found.alerts == expected.alerts != {}
    assert found.signals == expected.signals


def topic_of(settings: Settings) -> str:
    with database_of(settings) as database:
        return log_topic(database, settings)


def rest(cluster: Cluster) -> None:
    """Let a detect worker come to the log's end, and end."""
    worker = cluster.start("detect").wait_until_ready()
    wait_for(lambda: worker.metric("early_warning_partition_lag_records") == 0, "nothing lags")
    assert worker.stop() == 0


def repartitioned(settings: Settings, seconds: float) -> bool:
    """Run the command for so long; returns whether it came to its end."""
    words = [str(PROGRAM), "repartition", "--partitions", "5"]
    running = subprocess.Popen(words, env=os.environ | environment_of(settings))
    sleep(seconds)
    running.kill()
    return running.wait() == 0
