"""What the alert worker does beside judging: the relay of reviews, dead letters, overdue partitions, standing by."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from time import sleep

import pytest
from kafka import KafkaProducer
from sqlalchemy import func, select

from streams import marks
from streams.alerts.filing import DeadLetterFiling
from streams.cluster_log import export_cluster_log
from streams.connection import kafka_python_options
from streams.reading import Message
from streams.records import Rejected, encode
from streams.topics import Name, topics
from tests.cluster.logs import LogWriter, judged
from tests.cluster.workers import Cluster, wait_for
from tests.postgres import Postgres
from tests.streams.alerts.reports import reports_of, surging
from tests.streams.alerts.stored import Reports, judged_number, read_topic, stored, told_twice
from tests.warning.engine.tickets import CITY, log
from warning.domain.control import Control, ControlKind
from warning.domain.reject import Reject, RejectReason
from warning.engine.records import Tick
from warning.settings import Settings
from warning.store.logfile import decode_record, read_records
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.tables import dead_letters, origins

WAIT_SECONDS = 2


def decide(database: Database, numbers: Sequence[int]) -> None:
    """Write decisions into the outbox, as the desk does."""
    controls = [
        Control(kind=ControlKind.REVIEWED, jurisdiction=CITY, effective_from=number, alert=f"alert-{number}")
        for number in numbers
    ]
    with database.write() as connection:
        SqlLog(database).append(connection, controls, 1)


def test_decisions_come_in_order_whatever_is_killed(database: Database, cluster: Cluster, settings: Settings) -> None:
    """Killed at random moments the relay leaves none out; what comes first of each comes in the order decided."""
    rng, worker = random.Random(11), cluster.start("alerts", "only")
    for first in range(0, 200, 20):
        decide(database, range(first, first + 20))
        sleep(rng.uniform(0.0, 0.8))
        if rng.random() < 0.5:
            worker.kill()
            worker = cluster.start("alerts", "only")

    def relayed() -> list[tuple[int, int]]:
        found: dict[int, int] = {}
        for _, value, headers in read_topic(settings, Name.REVIEWS):
            control = decode_record(value or b"", "reviews")
            assert isinstance(control, Control)
            found.setdefault(int(headers["position"]), control.effective_from)
        return list(found.items())

    found = wait_for(lambda: len(each := relayed()) == 200 and each, "all decisions are relayed")
    assert [number for _, number in found] == list(range(200))
    assert [position for position, _ in found] == sorted(position for position, _ in found)


def rejected(number: int) -> Rejected:
    """Return a dead letter as intake writes it."""
    reject = Reject(
        source="desk", row=1, field="area", reason=RejectReason.BAD_AREA, advice_zh="改", advice_en="Do", value="x"
    )
    return Rejected(source="desk", topic="t", partition=0, offset=number, at=1_700_000_000_000, reject=reject)


def test_a_letter_that_cannot_be_read_is_told_of_without_its_words(
    database: Database, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever wrote it may have written anything: the log says where it stands, and what was wrong with it in kind."""
    value = encode(rejected(1)).replace(b"BAD_AREA", b"Li Lei").replace(b"bad_area", b"Li Lei")
    filing = DeadLetterFiling(settings, database)
    assert filing._letters(Message("tickets.rejected", 0, 7, None, value, (), 0)) == []
    (told,) = caplog.records
    assert (vars(told)["place"], vars(told)["reason"]) == ("tickets.rejected/0@7", "ValidationError")
    assert "Li Lei" not in str(vars(told))


def test_letters_are_filed_once_whatever_is_killed(database: Database, cluster: Cluster, settings: Settings) -> None:
    """Each with the place of its original; what no worker of ours wrote is passed over."""
    producer = KafkaProducer(**kafka_python_options(settings), acks="all")
    rng, worker = random.Random(5), cluster.start("alerts", "only")
    for first in range(0, 60, 10):
        for number in range(first, first + 10):
            producer.send(topics(settings)[Name.REJECTED].name, encode(rejected(number)))
        producer.send(topics(settings)[Name.REJECTED].name, b"\xff nonsense")
        producer.flush()
        sleep(rng.uniform(0.0, 1.0))
        if rng.random() < 0.5:
            worker.kill()
            worker = cluster.start("alerts", "only")
    producer.close()

    def filed() -> list[int]:
        with database.read() as connection:
            return list(connection.execute(select(origins.c.position).order_by(origins.c.letter_id)).scalars())

    assert wait_for(lambda: len(filed()) >= 60 and filed(), "all letters are filed") == list(range(60))
    with database.read() as connection:
        assert connection.execute(select(func.count()).select_from(dead_letters)).scalar() == 60


def test_an_overdue_partition_is_told_of(database: Database, cluster: Cluster, settings: Settings) -> None:
    """A partition that does not report a tick is named in metrics and to the page, until it does."""
    reports = reports_of(log(surging())[:200], 3)
    writer = Reports(settings)
    writer.write([report for report in reports if report.partition != 1])
    worker = cluster.start("alerts").wait_until_ready()

    def waited_for() -> tuple[int, ...]:
        with database.read() as connection:
            found = marks.waited_for(connection)
        return () if found is None else found.partitions

    assert wait_for(waited_for, "the partition is overdue") == (1,)
    wait_for(lambda: worker.metric("early_warning_partitions_waited_for") == 1, "the metric says so")
    assert judged_number(database) == -1
    writer.write([report for report in reports if report.partition == 1])
    writer.close()
    wait_for(lambda: judged_number(database) == reports[-1].report.tick.number, "all ticks are judged")
    wait_for(lambda: not waited_for(), "it is no longer overdue")
    assert worker.stop() == 0


def test_the_others_go_on_without_a_partition_that_stays_away(
    database: Database, cluster: Cluster, settings: Settings, tmp_path: Path
) -> None:
    """After the wait ticks are judged without its shards, loudly; killed meanwhile, and with it back, the alerts are
    those of a back-test of the exported log.
    """
    records = log(surging())
    reports = reports_of(records, 3)
    ticks = [record.number for record in records if isinstance(record, Tick)]
    log_writer, writer = LogWriter(settings), Reports(settings)
    log_writer.write(records)
    away, back = ticks[len(ticks) // 3], ticks[len(ticks) * 2 // 3]
    there = [r for r in reports if r.partition != 1 or r.report.tick.number < away]
    writer.write([r for r in there if r.report.tick.number <= back - 1])
    worker = cluster.start("alerts", "only").wait_until_ready()
    wait_for(lambda: judged_number(database) >= away, "the others are judged")
    worker.kill()
    worker = cluster.start("alerts", "only").wait_until_ready()
    wait_for(lambda: worker.metric("early_warning_shards_left_out") == 3, "the metric says so")
    told = decisions_told(settings, 3)
    assert {control.kind for control in told} == {ControlKind.SHARD_LEFT_OUT}
    missed = [r for r in reports if r.partition == 1 and away <= r.report.tick.number < back]
    writer.write(missed)
    wait_for(lambda: worker.metric("early_warning_shards_left_out") == 0, "they are back")
    writer.write([r for r in reports if r.report.tick.number >= back])
    for each in (writer, log_writer):
        each.close()
    wait_for(lambda: judged_number(database) == ticks[-1], "the last tick is judged")
    assert worker.stop() == 0
    export_cluster_log(settings, tmp_path / "whole.log")
    exported = [record for record, _ in read_records(tmp_path / "whole.log")]
    said, found = judged(exported, settings), stored(database)
    assert (found.alerts, found.signals) == (said.alerts, said.signals)
    assert said.alerts != judged(records, settings).alerts != {}
    assert told_twice(database, found) == []


def decisions_told(settings: Settings, number: int) -> list[Control]:
    """Return the first controls that were relayed on their way into the log."""

    def relayed() -> list[Control]:
        found = [decode_record(value or b"", "reviews") for _, value, _ in read_topic(settings, Name.REVIEWS)]
        return [record for record in found if isinstance(record, Control)]

    told: list[Control] = wait_for(lambda: len(relayed()) >= number and relayed(), "the log is told")
    return told


def test_the_database_away_is_waited_for(
    database: Database, cluster: Cluster, settings: Settings, postgres: Postgres
) -> None:
    """While PostgreSQL is killed the worker stays, is not ready, and goes on afterwards; another one stands by."""
    reports = reports_of(log(surging())[:400], 3)
    writer = Reports(settings)
    writer.write(reports[:300])
    worker = cluster.start("alerts", "first").wait_until_ready()
    wait_for(lambda: judged_number(database) == reports[299].report.tick.number, "the first ticks are judged")
    standby = cluster.start("alerts", "second").wait_until_ready()
    postgres.kill()
    try:
        writer.write(reports[300:])
        wait_for(lambda: not worker.ready(), "it is not ready without its database")
    finally:
        postgres.start()
    writer.close()
    wait_for(lambda: judged_number(database) == reports[-1].report.tick.number, "all ticks are judged")
    assert (worker.stop(), standby.stop()) == (0, 0)
