"""Detect workers as processes over a real broker: killed, stopped and started, they say what nothing disturbed says."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from time import sleep

import pytest
from kafka import KafkaAdminClient

from streams.admin import apply_topics
from streams.connection import kafka_python_options
from streams.generations import Generation
from streams.reading import Message, RangeReader
from streams.records import Outcomes, Report, decode, decode_report
from streams.topics import Name, topics
from tests.cluster.logs import LogWriter
from tests.cluster.workers import Cluster, Worker, wait_for
from tests.kafka.harness import Brokers
from tests.kafka.plugin import delete_topics
from tests.postgres import Postgres
from tests.streams.detect.worlds import SHARDS, reports_of
from tests.streams.places import trim, write
from tests.warning.engine.tickets import CITY, city, log
from warning.bootstrap.backtest import build_policy, engine_config
from warning.bootstrap.folder import open_store
from warning.engine.records import Record
from warning.intake.columns import TicketColumns
from warning.settings import Settings
from warning.store.sql import meta
from warning.store.sql.stage_snapshots import StageSnapshots

PARTITIONS = 6


@pytest.fixture
def settings(kafka_settings: Settings, postgres: Postgres, postgres_name: str) -> Settings:
    """Settings of a small city's cluster over PostgreSQL, its topics made; snapshots are taken often."""
    told = kafka_settings.model_dump() | {"jurisdiction": CITY, "zone": "UTC"}
    told["kafka"] |= {"partitions": PARTITIONS}
    told["engine"] |= {"shards": SHARDS}
    told["cluster"] |= {"snapshot_seconds": 1, "snapshot_tickets": 40}
    told["store"] = {"url": postgres.url(postgres_name), "password_file": str(postgres.password_file)}
    made = Settings.model_validate(told)
    apply_topics(made)
    return made


def read_all(settings: Settings, name: Name) -> list[Message]:
    async def read() -> list[Message]:
        topic = topics(settings)[name].name
        async with aclosing(RangeReader(settings).read(topic, 0, 0)) as messages:
            return [message async for message in messages]

    return asyncio.run(read())


def reports(settings: Settings) -> list[Report]:
    return [decode_report(message.value or b"") for message in read_all(settings, Name.SIGNALS)]


def by_tick(said: Sequence[Report]) -> dict[tuple[int, int, int], Report]:
    """Return the latest report by partition, tick and era."""
    return {(each.partition, each.report.tick.number, each.era): each for each in said}


def expected(settings: Settings, records: Sequence[Record], era: int = 0) -> dict[tuple[int, int, int], Report]:
    """Return what stages say that nothing disturbs."""
    generation = Generation(topic=topics(settings)[Name.TICKETS].name, partitions=PARTITIONS)
    config = engine_config(settings, jurisdiction=CITY, zone="UTC")
    policy = build_policy(settings, None).config
    return by_tick(
        [
            report
            for partition in range(PARTITIONS)
            for report in reports_of(records, generation, partition, era, config=config, policy=policy)
        ]
    )


def written(settings: Settings, records: Sequence[Record]) -> None:
    writer = LogWriter(settings)
    try:
        writer.write(records)
    finally:
        writer.close()


def slowly(settings: Settings, parts: Sequence[Sequence[Record]]) -> None:
    for part in parts:
        written(settings, part)
        sleep(1.0)


def all_said(settings: Settings, wanted: dict[tuple[int, int, int], Report]) -> dict[tuple[int, int, int], Report]:
    """Wait until a report of every tick is there."""
    said: dict[tuple[int, int, int], Report] = {}

    def whole() -> bool:
        said.update(by_tick(reports(settings)))
        return len(said) >= len(wanted)

    wait_for(whole, f"{len(wanted)} reports", 90)
    return said


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_at_random_two_workers_say_what_nothing_disturbed_says(
    settings: Settings, postgres: Postgres, tmp_path: Path, seed: int
) -> None:
    """Workers killed and paused, PostgreSQL killed, amid the log: no tick is missing or differs, no outcome is lost."""
    print(f"seed {seed}")  # noqa: T201  told where the test fails
    rng = random.Random(seed)
    records = log(city(days=5, seed=seed))
    wanted = expected(settings, records)
    parts = [records[at : at + len(records) // 12 + 1] for at in range(0, len(records), len(records) // 12 + 1)]
    with Cluster(settings, tmp_path) as cluster:
        workers = [cluster.start("detect", name) for name in ("one", "two")]
        writing = threading.Thread(target=slowly, args=(settings, parts))
        writing.start()
        for _ in range(6):
            sleep(rng.uniform(0.2, 3.0))
            at = rng.randrange(2)
            fault = rng.random()
            if fault < 0.2:
                postgres.kill()
                sleep(rng.uniform(0.1, 2.0))
                postgres.start()
            elif fault < 0.5:
                workers[at].pause()
                sleep(rng.uniform(1.0, 7.5))
                workers[at].resume()
            else:
                workers[at].kill()
                workers[at] = cluster.start("detect", workers[at].name)
        writing.join()
        said = all_said(settings, wanted)
        assert [worker.stop() for worker in workers] == [0, 0]
    assert said.keys() == wanted.keys()
    assert [key for key, report in wanted.items() if said[key] != report] == []
    outcomes = [decode(message.value or b"", Outcomes) for message in read_all(settings, Name.OUTCOMES)]
    told = {(each.partition, each.offset): each for each in outcomes}
    tickets = sum(len(record) for record in records if isinstance(record, TicketColumns))
    assert sum(len(each.ticket_id) for each in told.values()) == tickets


def test_a_worker_that_is_told_to_stop_keeps_its_state(settings: Settings, tmp_path: Path) -> None:
    """SIGTERM: gone in under ten seconds, every partition's state stored at its very end."""
    records = log(city(days=1))
    written(settings, records)
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("detect").wait_until_ready()
        all_said(settings, expected(settings, records))
        wait_for(lambda: worker.metric("early_warning_partition_lag_records") == 0, "no lag")
        assert worker.metric("early_warning_partition_applied_records_total") > len(records)
        assert worker.metric("early_warning_worker_ready") == 1
        assert worker.stop(10) == 0
    ends = asyncio.run(RangeReader(settings).all_bounds(topics(settings)[Name.TICKETS].name, range(PARTITIONS)))
    topic = topics(settings)[Name.TICKETS].name
    assert kept_states(settings) == {f"{topic}/{partition}": end for partition, (_, end) in ends.items()}


def kept_states(settings: Settings) -> dict[str, int]:
    """Return the position of the newest state of each partition that has one."""
    database = open_store(settings)
    try:
        return {name: each.position for name, each in StageSnapshots(database).positions().items()}
    finally:
        database.close()


def test_a_loaded_history_begins_a_new_era_in_the_running_worker(settings: Settings, tmp_path: Path) -> None:
    """Within seconds all partitions begin anew, and say everything again with the era's number."""
    records = log(city(days=1))
    written(settings, records)
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("detect").wait_until_ready()
        all_said(settings, expected(settings, records))
        database = open_store(settings)
        try:
            with database.write() as connection:
                meta.put(connection, meta.ERA, 1)
        finally:
            database.close()
        wanted = expected(settings, records) | expected(settings, records, era=1)
        said = all_said(settings, wanted)
        assert [key for key, report in wanted.items() if said[key] != report] == []
        assert worker.running


def ends_with(worker: Worker, *words: str) -> None:
    """Wait until a worker has ended as failed, and said why."""
    wait_for(lambda: not worker.running, "the worker ends")
    assert worker.process.returncode == 1, worker.said[-2000:]
    assert all(word in worker.said for word in words), worker.said[-3000:]


def test_a_log_whose_beginning_is_gone_stops_the_worker_loudly(settings: Settings, tmp_path: Path) -> None:
    """It names the range that retention ate, and goes on only where a person forced it."""
    written(settings, log(city(days=1)))
    topic = topics(settings)[Name.TICKETS].name
    trim(settings, topic, 10, partition=3)
    with Cluster(settings, tmp_path) as cluster:
        ends_with(cluster.start("detect"), f"{topic}/3: the records 0 to 9 are needed")
        database = open_store(settings)
        try:
            with database.write() as connection:
                meta.put(connection, meta.ERA, 1)
                meta.put(connection, meta.FORCED, 1)
        finally:
            database.close()
        cluster.start("detect").wait_until_ready()
        said = by_tick(reports(settings))
        numbers = [{number for of, number, _ in said if of == partition} for partition in range(PARTITIONS)]
        assert numbers[0]
        assert all(each == numbers[0] for each in numbers), "all partitions begin with the same tick"


def test_a_log_that_is_made_anew_under_a_worker_stops_it_loudly(settings: Settings, tmp_path: Path) -> None:
    """Deleted and made again by somebody: the state is of records that are no more; it is named, also at each start."""
    written(settings, log(city(days=0.5)))
    topic = topics(settings)[Name.TICKETS].name
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("detect").wait_until_ready()
        wait_for(lambda: worker.metric("early_warning_partition_lag_records") == 0, "no lag")
        wait_for(lambda: len(kept_states(settings)) == PARTITIONS, "all states are stored")
        make_anew(settings, topic)
        ends_with(worker, f"{topic}/", "ends at 0", "the topic was made anew")
        before, said = kept_states(settings), len(read_all(settings, Name.SIGNALS))
        written(settings, log(city(days=2)))  # beyond every offset that was read
        ends_with(cluster.start("detect"), f"{topic}: has {PARTITIONS} partitions", "it was deleted and made anew")
    assert (kept_states(settings), len(read_all(settings, Name.SIGNALS))) == (before, said)


def make_anew(settings: Settings, topic: str) -> None:
    """Delete a topic, and make it again."""
    admin = KafkaAdminClient(**kafka_python_options(settings))
    try:
        admin.delete_topics([topic])
        wait_for(lambda: topic not in admin.list_topics(), "the topic is gone")
    finally:
        admin.close()
    apply_topics(settings)


def test_a_record_that_is_none_ends_the_process_with_its_place(settings: Settings, tmp_path: Path) -> None:
    """Faust would pass over it and go on."""
    written(settings, log(city(days=0.5)))
    topic = topics(settings)[Name.TICKETS].name
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("detect").wait_until_ready()
        wait_for(lambda: worker.metric("early_warning_partition_lag_records") == 0, "no lag")
        _, end = asyncio.run(RangeReader(settings).bounds(topic, 2))
        write(settings, topic, [b"{}"], partition=2)
        ends_with(worker, f"{topic}/2@{end}")


def test_topics_that_are_not_there_are_named(kafka: Brokers, prefix: str, tmp_path: Path) -> None:
    """Before anything is begun, with the command that makes them."""
    settings = Settings.model_validate(
        {"kafka": {"bootstrap": kafka.bootstrap, "prefix": prefix}, "service": {"data": str(tmp_path / "data")}}
    )
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("detect")
        wait_for(lambda: not worker.running, "the worker ends")
        assert worker.process.returncode == 3
        assert f"{prefix}tickets" in worker.said
        assert "early-warning topics apply" in worker.said
    delete_topics(settings)
