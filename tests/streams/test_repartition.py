"""Another number of partitions in the middle of a log, end to end: the same signals and alerts as without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from models.base import discover
from streams import repartition as module
from streams.admin import apply_topics, check_topics
from streams.alerts.stage import AlertStage
from streams.cluster_log import in_turn, whole_log
from streams.generations import log_topic, names_until, next_name, number_of
from streams.records import Report
from streams.repartition import RepartitionRefusedError, repartition
from streams.topics import Name
from tests.cluster.logs import LogWriter, judged
from tests.cluster.workers import Cluster, wait_for
from tests.streams.detect.test_worker import by_tick, reports
from tests.warning.engine.tickets import CITY, city, log
from warning.bootstrap.backtest import build_policy, engine_config
from warning.bootstrap.folder import open_store
from warning.engine.grid import Grid
from warning.engine.jurisdiction_stage import JurisdictionStage
from warning.engine.records import Record
from warning.runtime.backtest import Collected
from warning.service.errors import BadInputError
from warning.settings import Settings
from warning.store.sql import meta
from warning.store.sql.database import Database

RECORDS = log(city(days=3.2))
CUT = 251


@pytest.fixture
def settings(kafka_settings: Settings, tmp_path: Path) -> Settings:
    """Settings of a small city over two partitions, its topics made."""
    made = Settings.model_validate(
        {
            "jurisdiction": CITY,
            "zone": "UTC",
            "engine": {"shards": 8},
            "policy": {"minimum_tickets": 5, "false_alerts_per_week": 1.0},
            "service": {"data": str(tmp_path / "data")},
            "kafka": kafka_settings.kafka.model_dump() | {"partitions": 2},
        }
    )
    apply_topics(made)
    return made


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The cluster's database."""
    opened = open_store(settings)
    yield opened
    opened.close()


class Writer(LogWriter):
    """Writes into the topic that is the log now, and goes on with the clock."""

    def __init__(self, settings: Settings, topic: str, partitions: int) -> None:
        super().__init__(settings)
        self._table = dict(self._table)
        self._table[Name.TICKETS] = replace(self._table[Name.TICKETS], name=topic, partitions=partitions)


def write(settings: Settings, records: Sequence[Record], topic: str, partitions: int) -> None:
    writer = Writer(settings, topic, partitions)
    try:
        writer.write(records)
    finally:
        writer.close()


def detected(settings: Settings, folder: Path) -> None:
    """Let a worker apply all there is, and end."""
    with Cluster(settings, folder) as cluster:
        worker = cluster.start("detect", "one").wait_until_ready()
        wait_for(lambda: worker.metric("early_warning_partition_lag_records") == 0, "no lag")
        assert worker.stop() == 0


def alerts_of(settings: Settings, said: Sequence[Report], era: int) -> Collected:
    """Return what the alert stage makes of reports."""
    config = engine_config(settings, jurisdiction=CITY, zone="UTC")
    detectors = [detector() for detector in discover()]
    stage = AlertStage(JurisdictionStage(config, Grid("UTC"), detectors, build_policy(settings, None)), era)
    collected = Collected()
    for report in said:
        for each in stage.take(report):
            collected.add(each.output)
    return collected


def test_two_partitions_become_three_in_the_middle_of_a_log(
    settings: Settings, database: Database, tmp_path: Path
) -> None:
    """Signals and alerts equal a back-test's; so do those of a new era, which reads both topics, and of the export."""
    old = log_topic(database, settings)
    expected = judged(RECORDS, settings)
    write(settings, RECORDS[:CUT], old, 2)
    detected(settings, tmp_path)
    done = repartition(settings, database, 3)
    assert (done.topic, done.partitions, done.before) == (f"{old}.g2", 3, 2)
    assert log_topic(database, settings) == done.topic
    assert check_topics(settings) == [], "the topics are as repartition left them"
    write(settings, RECORDS[CUT:], done.topic, 3)
    detected(settings, tmp_path)
    said = list(by_tick(reports(settings)).values())
    assert {each.report.shards for each in said} >= {(0, 2, 4, 6), (1, 4, 7)}
    found = alerts_of(settings, said, 0)
    assert found.signals == expected.signals
    assert found.alerts == expected.alerts != {}

    exported = judged(list(in_turn(whole_log(settings, database))), settings)
    assert exported.alerts == expected.alerts

    with database.write() as connection:
        meta.put(connection, meta.ERA, 1)
    detected(settings, tmp_path)
    again = [each for each in by_tick(reports(settings)).values() if each.era == 1]
    anew = alerts_of(settings, again, 1)
    assert anew.signals == expected.signals
    assert anew.alerts == expected.alerts


def test_it_is_refused_while_something_moves(settings: Settings, database: Database, tmp_path: Path) -> None:
    """A running worker and a partition whose state is not at its end: both are named, and nothing is changed."""
    topic = log_topic(database, settings)
    write(settings, RECORDS[:40], topic, 2)
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("detect", "one").wait_until_ready()
        with pytest.raises(RepartitionRefusedError, match=r"Workers still run \(detect: 1\)"):
            repartition(settings, database, 3, patience=0.1)
        wait_for(lambda: worker.metric("early_warning_partition_lag_records") == 0, "no lag")
        assert worker.stop() == 0
    write(settings, RECORDS[40:44], topic, 2)
    with pytest.raises(RepartitionRefusedError, match=r"not those of their ends \(0: \d+ / \d+; 1: \d+ / \d+\)"):
        repartition(settings, database, 3)
    assert log_topic(database, settings) == topic


def test_it_is_refused_where_the_log_was_written_meanwhile(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was paused when the others were looked for comes back and writes: the log stays where it was."""
    topic = log_topic(database, settings)
    write(settings, RECORDS[:40], topic, 2)
    detected(settings, tmp_path)
    store = module._store

    def store_and_come_back(*parts: Any) -> None:
        store(*parts)
        write(settings, RECORDS[40:44], topic, 2)

    monkeypatch.setattr(module, "_store", store_and_come_back)
    with pytest.raises(RepartitionRefusedError, match=r"Partitions \[.+\] of .*tickets were written meanwhile"):
        repartition(settings, database, 3)
    assert log_topic(database, settings) == topic


@pytest.mark.parametrize(("partitions", "words"), [(2, "has 2 partitions already"), (9, "has 1 to 8 partitions")])
def test_numbers_that_make_no_sense_are_refused(
    settings: Settings, database: Database, partitions: int, words: str
) -> None:
    """The same number, or more partitions than shards."""
    with pytest.raises(RepartitionRefusedError, match=words):
        repartition(settings, database, partitions)


def test_generations_have_names_in_order() -> None:
    """The first is the plain name; what is none of them is refused."""
    assert names_until("tickets.g3") == ["tickets", "tickets.g2", "tickets.g3"]
    assert names_until("tickets") == ["tickets"]
    assert [next_name("tickets"), next_name("tickets.g9")] == ["tickets.g2", "tickets.g10"]
    for name in ("tickets.raw", "tickets.g1", "tickets.g", "other"):
        with pytest.raises(BadInputError, match="is not a log"):
            number_of(name)
