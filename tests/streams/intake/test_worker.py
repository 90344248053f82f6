"""The intake worker as a process over a real broker."""

import json
import random
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from streams.records import Flushed, decode
from streams.topics import Name, partition_of, topics
from tests.cluster.plugin import store_at
from tests.cluster.stored import database_of
from tests.cluster.topics import produce, read, smaller
from tests.cluster.workers import Cluster, Worker, wait_for
from tests.kafka.broker import free_ports
from tests.kafka.harness import Kafka
from tests.postgres import Postgres
from tests.streams.intake.parts import events, judge_over, log_of, ticket
from tests.streams.test_codecs import CODECS, PRODUCERS, TEXT
from warning.bootstrap.accounts import build_accounts
from warning.engine.shard_stage import shard_of
from warning.intake.columns import TicketColumns
from warning.settings import Settings
from warning.store.logfile import decode_record, encode_record
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog

PARTITIONS, INPUTS = 3, 2
TICKETS = "early_warning_input_tickets_total"
LAG = "early_warning_input_lag_records"
STANDS_STILL = 20.0
"""Longer than every time after which a database that says nothing is given up."""


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _raw(*numbers: int) -> list[tuple[bytes | None, int | None, list[tuple[str, bytes]]]]:
    each = (ticket(n, created_at=_now(), category=f"category {n % 17}") for n in numbers)
    return [(json.dumps(event).encode(), n % INPUTS, []) for n, event in zip(numbers, each, strict=True)]


def _log(settings: Settings) -> dict[int, list[TicketColumns]]:
    """Return the batches of tickets in each partition of the log."""
    found: dict[int, list[TicketColumns]] = {}
    for partition in range(PARTITIONS):
        records = [decode_record(each.value or b"", each.place) for each in read(settings, Name.TICKETS, partition)]
        found[partition] = [each for each in records if isinstance(each, TicketColumns)]
    return found


def _ids(settings: Settings) -> Counter[str]:
    return Counter(name for part in _log(settings).values() for batch in part for name in batch.ticket_id.tolist())


def _flushed(settings: Settings) -> dict[tuple[str, int], Flushed]:
    """Return what was said last of each input."""
    said = [decode(each.value, Flushed) for each in read(settings, Name.FLUSHED) if each.value is not None]
    return {(each.topic, each.partition): each for each in said}


def _read_to_its_end(settings: Settings) -> bool:
    """Whether every input was last said to be read to its end, whatever that is now."""
    said = _flushed(settings)
    return len(said) == 2 * INPUTS and all(
        said[f"{settings.kafka.prefix}{name}", each].next_offset == len(read(settings, name, each))
        and said[f"{settings.kafka.prefix}{name}", each].end
        for name in (Name.RAW, Name.PUSHED)
        for each in range(INPUTS)
    )


@pytest.fixture
def settings(kafka_settings: Settings, tmp_path: Path) -> Settings:
    return smaller(kafka_settings, tmp_path / "data", partitions=PARTITIONS, inputs=INPUTS)


def test_the_inputs_come_into_the_log(settings: Settings, tmp_path: Path) -> None:
    """Records of both inputs are in the log's partitions of their shards, bad ones in the dead letters; what was
    flushed is said, sources are noted in the database, metrics count, and SIGTERM ends it in seconds.
    """
    poison: list[tuple[bytes | None, int | None, list[tuple[str, bytes]]]] = [
        (None, 0, []),
        (b"\xff\xfe\x00", 0, []),
        (b"[" * 100_000, 0, []),
        (b"x" * 1_500_000, 1, []),
        (json.dumps(ticket(900)).encode(), 1, [("version", b"9")]),
        (json.dumps(ticket(901)).encode(), 1, [("source", b"nobody")]),
    ]
    produce(settings, Name.RAW, [*_raw(*range(100)), *poison, *_raw(*range(100, 200))])
    (batch,) = log_of(judge_over().judge(events(ticket(777))).batches)
    produce(settings, Name.PUSHED, [(encode_record(batch), 1, []), (b"nonsense", 0, [])])
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("intake")
        wait_for(lambda: worker.metric(TICKETS) == 201, "all tickets are in the log")
        wait_for(lambda: _read_to_its_end(settings), "the end is said")
        assert worker.health() == {"alive": True, "ready": True, "detail": ""}
        assert worker.metric(LAG) == 0
        assert worker.metric("early_warning_rejects_total") == 7
        began = time.monotonic()
        assert worker.stop() == 0
        assert time.monotonic() - began < 10
    assert _ids(settings) == Counter({f"T{n}": 1 for n in (*range(200), 777)})
    for partition, batches in _log(settings).items():
        for batch in batches:
            shards = {shard_of("city", name, settings.engine.shards) for name in batch.category.decoded()}
            assert len(shards) == 1
            assert partition_of(shards.pop(), PARTITIONS) == partition
    letters = [json.loads(each.value or b"") for each in read(settings, Name.REJECTED)]
    originals = {
        (settings.kafka.prefix + name, each, message.offset): message.value
        for name in (Name.RAW, Name.PUSHED)
        for each in range(INPUTS)
        for message in read(settings, name, each)
    }
    refused = [originals[letter["topic"], letter["partition"], letter["offset"]] for letter in letters]
    assert sorted(map(repr, refused)) == sorted([*(repr(value) for value, _, _ in poison), repr(b"nonsense")])
    database = Database(tmp_path / "data" / "early-warning.db")
    try:
        assert set(SqlLog(database).heard()) == {"kafka"}
    finally:
        database.close()


def _answering(cluster: Cluster, name: str = "") -> Worker:
    """Start a worker, which need have no partitions yet."""
    worker = cluster.start("intake", name)
    wait_for(worker.health, "it answers")
    return worker


def test_no_ticket_is_lost_whatever_befalls_the_workers(settings: Settings, tmp_path: Path) -> None:
    """Workers are killed, paused until their partitions are another's, and join amid the flow: every ticket is in the
    log at least once, and what is said to be flushed is there.
    """
    rng = random.Random(20260504)  # the seed, which a failure shows
    count = 0

    def feed() -> None:
        nonlocal count
        produce(settings, Name.RAW, _raw(*range(count, count + 400)))
        count += 400

    with Cluster(settings, tmp_path) as cluster:
        workers = [_answering(cluster), _answering(cluster)]
        for _ in range(3):
            feed()
            victim = rng.choice([0, 1])
            wait_for(lambda: any(each.metric(TICKETS) > 0 for each in workers), "work is done")
            workers[victim].kill()
            feed()
            workers[victim] = _answering(cluster, workers[victim].name)
            feed()
        one, two = workers
        wait_for(lambda: one.health().get("ready"), "it has partitions")
        one.pause()
        feed()
        wait_for(lambda: len(_ids(settings)) == count, "the other has all partitions")
        one.resume()
        feed()
        wait_for(lambda: _read_to_its_end(settings), "everything is read")
        assert one.running, one.said
        assert two.running, two.said
        assert (one.stop(), two.stop()) == (0, 0)
    assert set(_ids(settings)) == {f"T{n}" for n in range(count)}


def test_a_worker_waits_for_a_database_that_was_never_there(settings: Settings, tmp_path: Path) -> None:
    """A worker that nobody has told the sources waits, says for what, and is alive; nothing is lost meanwhile."""
    produce(settings, Name.RAW, _raw(1, 2))
    (port,) = free_ports(1)
    store = settings.store.model_copy(update={"url": f"postgresql://nobody@127.0.0.1:{port}/none"})
    with Cluster(settings.model_copy(update={"store": store}), tmp_path) as cluster:
        worker = cluster.start("intake")
        wait_for(lambda: "database" in str(worker.health().get("detail")), "it says what it waits for")
        assert (worker.health()["alive"], worker.health()["ready"]) == (True, False)
        assert worker.stop() == 0
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("intake")
        wait_for(lambda: worker.metric(TICKETS) == 2, "the tickets are in the log")


@pytest.mark.parametrize("harm", ["kill", "pause"])
def test_a_broker_that_goes_away_is_waited_for(harm: str, prefix: str, tmp_path: Path) -> None:
    """While the broker is gone or stands still the same process waits; afterwards nothing is missing in the log."""
    with Kafka() as kafka:
        place = {"bootstrap": kafka.bootstrap, "prefix": prefix}
        settings = smaller(
            Settings.model_validate({"kafka": place}), tmp_path / "data", partitions=PARTITIONS, inputs=INPUTS
        )
        with Cluster(settings, tmp_path) as cluster:
            worker = cluster.start("intake")
            produce(settings, Name.RAW, _raw(*range(2_000)))
            wait_for(lambda: worker.metric(TICKETS) > 0, "work is done")
            getattr(kafka.brokers[0], harm)()
            time.sleep(8)  # longer than the session with the group lasts
            assert worker.running, worker.said
            kafka.restart()
            produce(settings, Name.RAW, _raw(*range(2_000, 2_500)))
            wait_for(lambda: len(_ids(settings)) == 2_500, "everything is in the log")
            wait_for(lambda: _read_to_its_end(settings), "the end is said")
            assert worker.running, worker.said
            assert worker.stop() == 0


def test_every_codec_of_every_client_comes_into_the_log(settings: Settings, tmp_path: Path) -> None:
    """One worker reads what aiokafka, kafka-python and librdkafka producers send, plain and in all four codecs."""
    raw, number = topics(settings)[Name.RAW].name, 0
    for send in PRODUCERS.values():
        for codec in CODECS:
            send(settings, raw, codec, [json.dumps(ticket(number, created_at=_now(), text=TEXT)).encode()])
            number += 1
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("intake")
        wait_for(lambda: len(_ids(settings)) == number, "every record is in the log")
        assert worker.metric("early_warning_rejects_total") == 0
    assert _ids(settings) == Counter({f"T{n}": 1 for n in range(15)})


def test_a_database_that_goes_away_holds_up_no_ticket(
    settings: Settings, postgres: Postgres, postgres_name: str, tmp_path: Path
) -> None:
    """While PostgreSQL is killed, and while it stands still for long, tickets of a registered source come into the log;
    the same process notes in the database afterwards when the source was heard.
    """
    settings = Settings.model_validate(settings.model_dump() | {"store": store_at(postgres, postgres_name)})
    count = 0

    def send_and_find() -> None:
        nonlocal count
        produce(
            settings,
            Name.RAW,
            [(value, at, [("source", b"desk")]) for value, at, _ in _raw(*range(count, count + 100))],
        )
        count += 100
        wait_for(lambda: len(_ids(settings)) == count, "everything is in the log")

    with database_of(settings) as database, Cluster(settings, tmp_path) as cluster:
        worker = cluster.start("intake")
        build_accounts(database).add_source("desk", "canonical")
        send_and_find()
        postgres.kill()
        try:
            send_and_find()
        finally:
            postgres.start()
        postgres.pause()
        try:
            stands_still = time.monotonic() + STANDS_STILL
            send_and_find()
            wait_for(lambda: time.monotonic() > stands_still, "it has stood still for long")
            send_and_find()
            assert worker.health() == {"alive": True, "ready": True, "detail": ""}
        finally:
            postgres.resume()
        resumed = datetime.now(UTC)
        send_and_find()
        wait_for(lambda: SqlLog(database).heard()["desk"].received_at > resumed, "the source was heard since")
        assert worker.running, worker.said
        assert worker.stop() == 0
    assert set(_ids(settings)) == {f"T{n}" for n in range(count)}
