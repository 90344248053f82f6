"""Topics of a test's own: made, written to, trimmed, deleted."""

from __future__ import annotations

from collections.abc import Iterable

from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from streams.reading import Message
from tests.cluster.workers import wait_for
from warning.settings import Settings


def make(settings: Settings, name: str, partitions: int = 1) -> str:
    """Make a topic; returns its name with the prefix."""
    topic = settings.kafka.prefix + name
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    try:
        admin.create_topics({topic: {"num_partitions": partitions, "replication_factor": 1}})
        admin.wait_for_topics([topic])
    finally:
        admin.close()
    return topic


def delete(settings: Settings, topic: str) -> None:
    """Delete a topic, and wait until it is gone."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    try:
        admin.delete_topics([topic])
        wait_for(lambda: topic not in admin.list_topics(), f"{topic} is gone")
    finally:
        admin.close()


def write(
    settings: Settings, topic: str, values: Iterable[bytes], partition: int = 0, timestamps: Iterable[int] | None = None
) -> None:
    """Write records with their number as key and a header."""
    producer = KafkaProducer(bootstrap_servers=settings.kafka.bootstrap, acks="all")
    try:
        times = None if timestamps is None else iter(timestamps)
        for number, value in enumerate(values):
            producer.send(
                topic,
                value,
                key=b"%d" % number,
                headers=[("n", b"%d" % number)],
                partition=partition,
                timestamp_ms=None if times is None else next(times),
            )
        producer.flush()
    finally:
        producer.close()


def trim(settings: Settings, topic: str, before: int, partition: int = 0) -> None:
    """Delete the records before an offset, as retention would."""
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    try:
        admin.delete_records({TopicPartition(topic, partition): before})
    finally:
        admin.close()


def message(topic: str, offset: int, value: bytes = b"", partition: int = 0) -> Message:
    """Return a record as it is delivered."""
    return Message(topic, partition, offset, None, value, (), 0)
