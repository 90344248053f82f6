"""The cluster's way in under fire: what was answered with 202 is counted once, whoever is killed or frozen."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from time import sleep

import httpx
import pytest
from kafka import KafkaAdminClient
from sqlalchemy import select

from streams.admin import apply_topics
from streams.connection import kafka_python_options
from streams.reading import RangeReader
from streams.records import Outcomes, decode
from streams.topics import Name, topics
from tests.cluster.chaos import Chaos
from tests.cluster.intake_child import CLOCK
from tests.cluster.plugin import city_settings, store_at
from tests.cluster.stored import database_of
from tests.cluster.topics import produce, read
from tests.cluster.workers import Cluster, wait_for
from tests.kafka.broker import Broker
from tests.kafka.harness import Kafka
from tests.kafka.plugin import delete_topics
from tests.postgres import Postgres
from warning.bootstrap.accounts import build_accounts
from warning.domain.bucket import HOUR_MS, MINUTE_MS
from warning.domain.outcome import RowOutcome
from warning.engine.records import OUTCOME_ORDER, Tick
from warning.runtime.clock import now_ms
from warning.settings import Settings
from warning.store.logfile import decode_record
from warning.store.sql.tables import tickets

SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
SOURCE = "desk"
AT_ONCE = 5
FROZEN_SECONDS = 4.0
"""Twice as long as the front waits for anybody."""


@pytest.fixture(name="settings")
def _settings(kafka3: Kafka, prefix: str, postgres: Postgres, postgres_name: str, tmp_path: Path) -> Iterator[Settings]:
    """Three brokers, of which one may be away."""
    kafka3.restart()
    place = {"replication": 3, "min_insync": 2, "partitions": 2}
    settings = city_settings(kafka3.bootstrap, prefix, store_at(postgres, postgres_name), tmp_path, **place)
    apply_topics(settings)
    yield settings
    kafka3.restart()
    delete_topics(settings)


class Platform(threading.Thread):
    """Pushes tickets by HTTP, a few at a time, each again until it is answered; new ones as long as it is let."""

    def __init__(self, name: str, address: Callable[[], str], key: str) -> None:
        super().__init__(name=name, daemon=True)
        self._address = address
        self._headers = {"Authorization": f"Bearer {key}"}
        self.ended = threading.Event()
        self.taken: list[str] = []
        """What was answered with 202."""
        self.refused: list[str] = []
        """Answers that are neither that nor a request to wait."""

    def run(self) -> None:
        count = 0
        while not self.ended.is_set():
            self._push([event(f"{self.name}-{count + each}", now_ms()) for each in range(AT_ONCE)])
            count += AT_ONCE

    def _push(self, items: list[dict[str, str]]) -> None:
        while not self.ended.is_set():
            try:
                url = f"{self._address()}/api/v1/tickets"
                answer = httpx.post(url, json=items, headers=self._headers, timeout=20, trust_env=False)
            except httpx.HTTPError:
                self.ended.wait(0.1)
                continue
            if answer.status_code == 202 and answer.json()["accepted"] == len(items):
                self.taken += [item["ticket_id"] for item in items]
                return
            if answer.status_code != 503:
                self.refused.append(f"{answer.status_code} {answer.text}")
                return
            self.ended.wait(min(1.0, float(answer.headers["Retry-After"])))


def event(identity: str, at: int) -> dict[str, str]:
    """Return a ticket of a time (milliseconds of the epoch)."""
    created = datetime.fromtimestamp(at / 1000, UTC).isoformat()
    return {"ticket_id": identity, "created_at": created, "category": "Noise", "area": "Testville/North"}


class Front:
    """A whole cluster, platforms that push to it, and what befalls it."""

    def __init__(self, cluster: Cluster, key: str, kafka: Kafka, postgres: Postgres) -> None:
        self._cluster = cluster
        self._settings = cluster.settings
        self._kafka = kafka
        self._random = random.Random(SEED)
        self._chaos = Chaos(cluster, SEED, kinds=("api", "intake", "detect", "alerts"))
        self.platforms = [Platform(name, self._address, key) for name in ("A", "B")]
        self._faults: dict[str, Callable[[], None]] = {
            "the API is killed": lambda: self._again("api"),
            "intake is killed": lambda: self._again("intake"),
            "a broker is killed": self._without_a_broker,
            "a broker stands still": lambda: _frozen(self._leader()),
            "the database stands still": lambda: _frozen(postgres),
        }

    def start(self) -> None:
        for kind in self._chaos.kinds:
            self._cluster.start(kind)
        for worker in self._cluster.workers:
            worker.wait_until_ready()
        for platform in self.platforms:
            platform.start()

    def harm(self) -> None:
        """Do all faults, each after pushes went on."""
        for name in self._random.sample(sorted(self._faults), len(self._faults)):
            self.goes_on()
            print(f"fault: {name}")  # noqa: T201
            self._faults[name]()
        self.goes_on()

    def goes_on(self) -> None:
        """Wait until every platform has had another answer."""
        before = [len(each.taken) for each in self.platforms]

        def more() -> bool:
            self.mend()
            return all(len(each.taken) > count for each, count in zip(self.platforms, before, strict=True))

        wait_for(more, "pushes go on")

    def mend(self) -> None:
        """Start what ended by itself, as an orchestrator would."""
        self._chaos.mend()

    def end(self) -> None:
        """Let the platforms end."""
        for platform in self.platforms:
            platform.ended.set()
            if platform.is_alive():
                platform.join(30)

    def _address(self) -> str:
        """Return where the API is, or was before it was killed."""
        return [worker for worker in self._cluster.workers if worker.kind == "api"][-1].address

    def _again(self, kind: str) -> None:
        worker = self._cluster.of(kind)[-1]
        worker.kill()
        self._cluster.start(kind, worker.name)

    def _without_a_broker(self) -> None:
        self._leader().kill()
        self.goes_on()
        self._kafka.restart()

    def _leader(self) -> Broker:
        """Return the broker to which all goes that is pushed: that of one source is in one partition."""
        topic = topics(self._settings)[Name.PUSHED].name
        places = range(self._settings.kafka.input_partitions)
        bounds = asyncio.run(RangeReader(self._settings).all_bounds(topic, places))
        (written,) = [partition for partition, (_, end) in bounds.items() if end]
        admin = KafkaAdminClient(**kafka_python_options(self._settings))
        try:
            (described,) = admin.describe_topics([topic])
        finally:
            admin.close()
        leaders = {each["partition_index"]: each["leader_id"] for each in described["partitions"]}
        return next(broker for broker in self._kafka.brokers if broker.number == leaders[written])


def _frozen(server: Broker | Postgres) -> None:
    server.pause()
    try:
        sleep(FROZEN_SECONDS)
    finally:
        server.resume()


def test_what_was_answered_is_counted_once(
    settings: Settings, kafka3: Kafka, postgres: Postgres, tmp_path: Path
) -> None:
    """The API, intake and a broker are killed, a broker and PostgreSQL frozen, in random order, while platforms push:
    pushes go on after each fault, and every item that was answered with 202 is in the store, accepted exactly once.
    """
    print(f"FAULT_SEED={SEED}")  # noqa: T201  to run it again
    with database_of(settings) as database:
        accounts = build_accounts(database)
        accounts.add_source(SOURCE, "canonical")
        key = accounts.add_key(SOURCE).secret
    with Cluster(settings, tmp_path) as cluster:
        front = Front(cluster, key, kafka3, postgres)
        try:
            front.start()
            front.harm()
        finally:
            front.end()
        assert [each.refused for each in front.platforms] == [[], []]
        taken = {identity for platform in front.platforms for identity in platform.taken}

        def whole() -> bool:
            front.mend()
            return taken <= stored(settings).keys()

        wait_for(whole, "all that was taken is stored")
    found = stored(settings)
    assert {found[identity] for identity in taken} == {RowOutcome.ACCEPTED.value}
    accepted = accepted_in(settings)
    assert {identity: accepted[identity] for identity in taken} == dict.fromkeys(taken, 1)


def stored(settings: Settings) -> dict[str, str]:
    """Return the outcome of each ticket that is in the store."""
    with database_of(settings) as database, database.read() as connection:
        wanted = select(tickets.c.ticket_id, tickets.c.outcome)
        return {row.ticket_id: row.outcome for row in connection.execute(wanted)}


def accepted_in(settings: Settings) -> Counter[str]:
    """Return how often each ticket was accepted, by what the detect worker said of each record of the log."""
    said = [decode(message.value or b"", Outcomes) for message in read(settings, Name.OUTCOMES)]
    records = {(each.partition, each.offset): each for each in said}
    return Counter(
        identity
        for each in records.values()
        for identity, outcome in zip(each.ticket_id, each.outcome, strict=True)
        if OUTCOME_ORDER[outcome] is RowOutcome.ACCEPTED
    )


def test_a_worker_whose_clock_jumps(settings: Settings, tmp_path: Path) -> None:
    """An hour and a half forward and back, believed at once: what comes behind is late and not lost, ticks never go
    back, and all goes on when time has caught up.
    """
    clock, begin = tmp_path / "clock", now_ms()

    def show(minutes: int) -> None:
        new = clock.with_suffix(".new")
        new.write_text(str(begin + minutes * MINUTE_MS))
        new.replace(clock)

    def outcome_of(identity: str, minutes: int) -> str:
        value = json.dumps(event(identity, begin + minutes * MINUTE_MS)).encode()
        produce(settings, Name.RAW, [(value, 0, [])])
        return str(wait_for(lambda: stored(settings).get(identity), f"{identity} is stored"))

    def ticked_past(minutes: int) -> bool:
        """Whether the watermark has come to what the clock allows."""
        ticks = ticks_of(settings)
        return bool(ticks) and ticks[-1].watermark > begin + minutes * MINUTE_MS - HOUR_MS - 5 * MINUTE_MS

    show(0)
    child = {"intake": [sys.executable, "-m", "tests.cluster.intake_child"]}
    with Cluster(settings, tmp_path, programs=child, **{CLOCK: str(clock)}) as cluster:
        for kind in ("intake", "detect", "alerts"):
            cluster.start(kind)
        assert outcome_of("true", 0) == "accepted"
        show(90)
        assert outcome_of("ahead", 90) == "accepted"
        wait_for(lambda: ticked_past(90), "ticks follow the clock")
        ticks = ticks_of(settings)
        show(0)
        assert outcome_of("behind", 0) == "late"
        assert ticks_of(settings)[-1] == ticks[-1], "no tick while the clock is behind"
        show(120)
        assert outcome_of("caught up", 120) == "accepted"
        wait_for(lambda: ticked_past(120), "ticks go on")
        assert all(worker.running for worker in cluster.workers)
    numbers = [tick.number for tick in ticks_of(settings)]
    assert numbers == sorted(set(numbers))


def ticks_of(settings: Settings) -> list[Tick]:
    """Return the ticks of the clock, in order."""
    records = [decode_record(message.value or b"", message.place) for message in read(settings, Name.CLOCK)]
    return [record for record in records if isinstance(record, Tick)]
