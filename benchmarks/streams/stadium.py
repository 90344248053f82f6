"""Where contestants run: a real Kafka with the input preloaded, all other topics new for each, and what came of it."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from benchmarks.city import City
from benchmarks.streams.preload import DAYS, beginning, preload
from benchmarks.streams.processes import Contestant, processor_seconds
from streams.admin import apply_topics
from streams.connection import kafka_python_options
from streams.topics import Name, topics
from tests.kafka.harness import Kafka
from tests.postgres import Postgres, binaries
from warning.runtime.clock import now_ms
from warning.settings import KafkaGroup, Settings, StoreGroup

RACE_PREFIX, IDLE_PREFIX = "race.", "idle."
_SILENCE_SECONDS = 120.0
"""A contestant that applies nothing for so long has failed."""

_SETTLED_SECONDS = 3.0


class _Counted(msgspec.Struct):
    partition: int
    offset: int
    outcome: list[int]


@dataclass
class Applied:
    """What the topic ``outcomes`` says: distinct tickets by outcome, and when the last of them was told of."""

    outcomes: Counter[int] = field(default_factory=Counter)
    batches: set[tuple[int, int]] = field(default_factory=set)
    last_ms: int = 0
    decoder: msgspec.json.Decoder[_Counted] = field(default_factory=lambda: msgspec.json.Decoder(_Counted))

    def add(self, message: Message) -> int:
        """Count a record unless it was told before; returns how many tickets it brought."""
        told = self.decoder.decode(message.value() or b"")
        place = (told.partition, told.offset)
        if place in self.batches:
            return 0
        self.batches.add(place)
        self.outcomes.update(told.outcome)
        self.last_ms = max(self.last_ms, message.timestamp()[1])
        return len(told.outcome)


class Stadium:
    """One broker and one PostgreSQL for all races."""

    def __init__(self, folder: Path, city: City, **groups: object) -> None:
        self.folder = folder
        self.city = city
        self.begin_ms = beginning(now_ms(), city.days)
        self._groups = groups
        # The broker is not what is measured: it gets room, and a compiler that is worth its start.
        self.kafka = Kafka(properties={"log.segment.bytes": 512 << 20})
        self.postgres: Postgres | None = None
        self.settings = Settings()

    def __enter__(self) -> Self:
        self.kafka.start()
        try:
            self.settings = self.settings_of(RACE_PREFIX)
            apply_topics(self.settings)
            raw = topics(self.settings)[Name.RAW]
            preload(self.kafka.bootstrap, raw.name, raw.partitions, self.city, self.begin_ms)
            apply_topics(self.settings_of(IDLE_PREFIX))
        except BaseException:
            self.kafka.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.postgres is not None:
            self.postgres.close()
        self.kafka.close()

    def settings_of(self, prefix: str, *, database: bool = False) -> Settings:
        """Return the settings of one prefix, with a new database of its own where one is needed."""
        kafka = KafkaGroup(bootstrap=self.kafka.bootstrap, prefix=prefix)
        store = self._new_store() if database else StoreGroup()
        return Settings.model_validate({"kafka": kafka, "store": store, "zone": "UTC", **self._groups})

    def reset(self) -> None:
        """Make everything new but the input: topics and what groups have read."""
        keep = topics(self.settings)[Name.RAW].name
        admin = KafkaAdminClient(**kafka_python_options(self.settings))
        try:
            mine = [name for name in admin.list_topics() if name.startswith(RACE_PREFIX) and name != keep]
            admin.delete_topics(mine)
            _wait(lambda: not set(mine) & set(admin.list_topics()), "topics are deleted", 30)
            _wait(lambda: _no_groups(admin), "groups are deleted", 90)
        finally:
            admin.close()
        apply_topics(self.settings)

    def broker_used(self) -> float:
        """Return the processor seconds that the broker has used."""
        return processor_seconds(self.kafka.brokers[0].pid)

    def watch(self, tickets: int, processes: Sequence[Contestant], *, settle: bool = True) -> Applied:
        """Wait until so many tickets are applied; fails where a process ends, or nothing moves for long.

        ``settle`` False: there is more to come than is waited for.
        """
        applied, done = Applied(), 0
        moved = time.monotonic()
        with reading(self.kafka.bootstrap, topics(self.settings)[Name.OUTCOMES].name) as consumer:
            while done < tickets:
                messages = consumer.consume(500, 0.2)
                for message in messages:
                    done += applied.add(message)
                if messages:
                    moved = time.monotonic()
                elif time.monotonic() - moved > _SILENCE_SECONDS:
                    raise TimeoutError(f"{done:,} of {tickets:,} tickets applied, and no more come")
                for one in processes:
                    one.check()
            if settle:
                self._settle(consumer)
        return applied

    def recount(self) -> Applied:
        """Count what was applied once nobody applies any more."""
        applied = Applied()
        name = topics(self.settings)[Name.OUTCOMES].name
        with reading(self.kafka.bootstrap, name) as consumer:
            _, end = consumer.get_watermark_offsets(TopicPartition(name, 0))
            read = 0
            while read < end:
                messages = consumer.consume(500, 1.0)
                read += len(messages)
                for message in messages:
                    applied.add(message)
        return applied

    def _settle(self, consumer: Consumer) -> None:
        """Wait until the log and the reports have not grown for a while: ticks come behind the last tickets."""
        table = topics(self.settings)
        places = [
            TopicPartition(table[name].name, partition)
            for name in (Name.TICKETS, Name.SIGNALS)
            for partition in range(table[name].partitions)
        ]
        ends: list[int] = []
        since = time.monotonic()
        while time.monotonic() - since < _SETTLED_SECONDS:
            now = [consumer.get_watermark_offsets(place)[1] for place in places]
            if now != ends:
                ends, since = now, time.monotonic()
            time.sleep(0.2)

    def first_ms(self) -> int:
        """Return when the first record was written into the log."""
        name = topics(self.settings)[Name.TICKETS]
        stamps = []
        for partition in range(name.partitions):
            with reading(self.kafka.bootstrap, name.name, partition) as consumer:
                stamps += [message.timestamp()[1] for message in consumer.consume(1, 2.0)]
        return min(stamps)

    def records(self, name: Name) -> list[bytes]:
        """Return everything in a topic of one partition."""
        found: list[bytes] = []
        with reading(self.kafka.bootstrap, topics(self.settings)[name].name) as consumer:
            _, end = consumer.get_watermark_offsets(TopicPartition(topics(self.settings)[name].name, 0))
            while len(found) < end:
                found += [message.value() or b"" for message in consumer.consume(500, 1.0)]
        return found

    def _new_store(self) -> StoreGroup:
        if self.postgres is None:
            programs = binaries()
            if programs is None:
                raise RuntimeError("the cluster needs PostgreSQL's programs")
            self.postgres = Postgres(Path(tempfile.mkdtemp(prefix="early-warning-postgres-")), programs)
        url = self.postgres.url(self.postgres.new_database())
        return StoreGroup(url=url, password_file=str(self.postgres.password_file))


class reading:  # noqa: N801  a context manager that reads like a function
    """A consumer of a partition from its beginning."""

    def __init__(self, bootstrap: str, topic: str, partition: int = 0) -> None:
        options = {"bootstrap.servers": bootstrap, "group.id": "benchmark", "enable.auto.commit": False}
        self._consumer = Consumer(options | {"fetch.message.max.bytes": 16 << 20})
        self._consumer.assign([TopicPartition(topic, partition, 0)])

    def __enter__(self) -> Consumer:
        return self._consumer

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()


def _no_groups(admin: KafkaAdminClient) -> bool:
    """Delete the race's groups; those whose members are remembered for a while stay until they are not."""
    mine = [str(group["group_id"]) for group in admin.list_groups() if group["group_id"].startswith(RACE_PREFIX)]
    if mine:
        with suppress(KafkaError):
            admin.delete_groups(mine)
    return not mine


def _wait(condition: Callable[[], bool], what: str, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited in vain until {what}")
        time.sleep(0.1)


CITY = City(tickets=400_000, days=DAYS)
