"""Topics that were deleted and made anew: they are told from the old ones, however long they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient

from streams import identity
from streams.admin import apply_topics
from streams.connection import kafka_python_options
from streams.identity import TopicMadeAnewError, TopicWatch, check_topics_stand
from streams.topics import Name
from tests.cluster.topics import smaller
from tests.cluster.workers import Cluster, wait_for
from tests.kafka.broker import free_ports
from tests.streams.places import delete, make, write
from warning.bootstrap.folder import open_store
from warning.settings import Settings
from warning.store.sql import meta, tables
from warning.store.sql.database import Database

PARTITIONS = 3
INVALID = b"not read"
UNKNOWN = "whether topics were made anew is not known"


@pytest.fixture
def settings(kafka_settings: Settings, tmp_path: Path) -> Settings:
    """Settings of a cluster whose topics are made."""
    return smaller(kafka_settings, tmp_path / "data", partitions=PARTITIONS)


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """A database that has noted which topics there are."""
    database = open_store(settings)
    check_topics_stand(settings, database)
    yield database
    database.close()


def anew(settings: Settings, name: str, partitions: int, records: int = 0) -> str:
    """Delete a topic and make it again, with records in each partition."""
    topic = settings.kafka.prefix + name
    delete(settings, topic)
    make(settings, name, partitions)
    for partition in range(partitions if records else 0):
        write(settings, topic, [INVALID] * records, partition)
    return topic


def add_partitions(settings: Settings, name: str, partitions: int) -> None:
    admin = KafkaAdminClient(**kafka_python_options(settings))
    try:
        admin.create_partitions({settings.kafka.prefix + name: partitions})
        wait_for(
            lambda: len(admin.describe_topics([settings.kafka.prefix + name])[0]["partitions"]) == partitions,
            "partitions are there",
        )
    finally:
        admin.close()


@pytest.mark.parametrize(("name", "partitions"), [("tickets", 3), ("tickets", 2), ("clock", 1), ("signals", 1)])
def test_another_topic_of_the_same_name_is_told(
    settings: Settings, database: Database, name: str, partitions: int
) -> None:
    """By its id, however many partitions and records it has; what is to be done is said in both languages."""
    check_topics_stand(settings, database)
    topic = anew(settings, name, partitions, records=2)
    with pytest.raises(TopicMadeAnewError, match=f"{topic}: has {partitions} partitions .*made anew") as raised:
        check_topics_stand(settings, database)
    assert "another kafka.prefix" in str(raised.value)
    assert "已被删除并重建" in raised.value.zh


def test_a_topic_that_was_restored_is_taken_by_a_person(settings: Settings, database: Database) -> None:
    """Without the row that the message names, the topic that is there is noted."""
    anew(settings, "clock", 1)
    with pytest.raises(TopicMadeAnewError, match="'topic:clock'"):
        check_topics_stand(settings, database)
    with database.write() as connection:
        connection.execute(tables.meta.delete().where(tables.meta.c.key == "topic:clock"))
    check_topics_stand(settings, database)
    anew(settings, "clock", 1)
    with pytest.raises(TopicMadeAnewError):
        check_topics_stand(settings, database)


def test_partitions_that_were_added_count_in_the_log_only(settings: Settings, database: Database) -> None:
    """There they would carry other shards than what is stored; of the others the first partition is all."""
    add_partitions(settings, "signals", 2)
    check_topics_stand(settings, database)
    add_partitions(settings, "tickets", 5)
    with pytest.raises(TopicMadeAnewError, match=r"has 5 partitions .* one with 3 .*were added.*repartition"):
        check_topics_stand(settings, database)


def test_what_is_not_there_is_no_other_topic(settings: Settings, database: Database) -> None:
    """A topic that was deleted is for those to tell who need it; made again, it is another one."""
    delete(settings, settings.kafka.prefix + "reviews")
    check_topics_stand(settings, database)
    apply_topics(settings)
    with pytest.raises(TopicMadeAnewError, match="reviews"):
        check_topics_stand(settings, database)


def test_a_later_generation_of_the_log_is_noted_when_it_is_the_log(settings: Settings, database: Database) -> None:
    """And the older ones are still what they were."""
    with database.write() as connection:
        meta.put(connection, meta.LOG_TOPIC, f"{Name.TICKETS}.g2")
    make(settings, f"{Name.TICKETS}.g2", 2)
    check_topics_stand(settings, database)
    anew(settings, f"{Name.TICKETS}.g2", 2)
    with pytest.raises(TopicMadeAnewError, match=r"tickets\.g2"):
        check_topics_stand(settings, database)


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What would have ended the process."""
    found: list[BaseException] = []

    def end(reason: BaseException) -> None:
        found.append(reason)

    monkeypatch.setattr(identity, "end_process", end)
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(identity, "AGAIN_SECONDS", 0.05)
    return found


@asynccontextmanager
async def watching(settings: Settings, database: Database, **options: Any) -> AsyncIterator[TopicWatch]:
    watch = TopicWatch(settings, database, **options)
    await watch.start()
    try:
        yield watch
    finally:
        await watch.stop()


def test_it_is_looked_at_again_and_again(settings: Settings, database: Database, ended: list[BaseException]) -> None:
    """A topic that is made anew under a running worker ends that too, also if nobody asks for its end meanwhile."""

    async def story() -> None:
        async with watching(settings, database):
            assert ended == []
            await asyncio.to_thread(anew, settings, "signals", 1, 2)
            await asyncio.to_thread(wait_for, lambda: ended, "the process ends")

    asyncio.run(story())
    assert isinstance(ended[0], TopicMadeAnewError)


def test_a_database_without_tables_is_waited_for(settings: Settings, ended: list[BaseException]) -> None:
    """An intake worker begins before its database answers; the topics are noted once it does."""
    database = open_store(settings)
    ready: list[bool] = []

    async def story() -> None:
        async with watching(settings, database, usable=lambda: bool(ready)) as watch:
            assert not await watch.stands()
            assert noted(database) is None
            ready.append(True)
            assert await watch.stands()
            assert noted(database)

    with closing(database):
        asyncio.run(story())
    assert ended == []


def test_brokers_that_are_away_are_asked_again(
    tmp_path: Path, ended: list[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    """The worker begins all the same, and is told that it is not known yet."""
    (port,) = free_ports(1)
    told = {"kafka": {"bootstrap": f"127.0.0.1:{port}"}, "service": {"data": str(tmp_path)}}
    settings = Settings.model_validate(told)
    database = open_store(settings)

    async def story() -> None:
        async with watching(settings, database):
            await asyncio.to_thread(wait_for, lambda: caplog.messages.count(UNKNOWN) > 2, "it is asked again")

    with closing(database):
        asyncio.run(story())
    assert ended == []


def noted(database: Database) -> str | None:
    with database.read() as connection:
        return meta.get(connection, f"topic:{Name.TICKETS}")


@pytest.mark.parametrize(
    ("kind", "name", "partitions"),
    [("detect", "tickets", 3), ("detect", "tickets", 2), ("detect", "clock", 1), ("alerts", "signals", 1)]
    + [("intake", "clock", 1), ("alerts", "reviews", 1)],
)
@pytest.mark.usefixtures("database")
def test_a_worker_does_not_begin_with_another_topic(
    settings: Settings, tmp_path: Path, kind: str, name: str, partitions: int
) -> None:
    """It ends as failed and names the topic, before a record of it is read: there is none that could be."""
    topic = anew(settings, name, partitions, records=5)
    with Cluster(settings, tmp_path) as cluster:
        worker = cluster.start(kind)
        wait_for(lambda: not worker.running, "the worker ends")
        assert worker.process.returncode == 1, worker.said[-2000:]
        assert f"{topic}: has {partitions} partitions" in worker.said, worker.said[-2000:]
        assert "deleted and made anew" in worker.said
