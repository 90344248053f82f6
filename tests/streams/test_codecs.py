"""Whatever client a platform uses and however that compresses: every record is read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from kafka import KafkaAdminClient, KafkaProducer

from streams.connection import aiokafka_options, kafka_python_options
from tests.streams.tiny_app import run_tiny_app
from warning.settings import Settings

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
RECORDS = 20
TEXT = "噪声扰民,工地夜间施工。Noise at night. " * 200
"""Long and dull, so that compression shows."""


def _values(name: str) -> list[bytes]:
    return [f"{name} {number} {TEXT}".encode() for number in range(RECORDS)]


def _by_kafka_python(settings: Settings, topic: str, codec: str, values: list[bytes]) -> None:
    kind = None if codec == "none" else codec
    producer = KafkaProducer(**kafka_python_options(settings), compression_type=kind, linger_ms=50)
    sent = [producer.send(topic, value) for value in values]
    for each in sent:
        each.get(timeout=20)
    producer.close()


def _by_aiokafka(settings: Settings, topic: str, codec: str, values: list[bytes]) -> None:
    async def send() -> None:
        kind = None if codec == "none" else codec
        async with AIOKafkaProducer(**aiokafka_options(settings), compression_type=kind, linger_ms=50) as producer:
            await asyncio.gather(*[await producer.send(topic, value) for value in values])

    asyncio.run(send())


def _by_librdkafka(settings: Settings, topic: str, codec: str, values: list[bytes]) -> None:
    options: dict[str, str | int] = {"bootstrap.servers": settings.kafka.bootstrap, "linger.ms": 50}
    producer = confluent_kafka.Producer(options | {"compression.codec": codec})
    for value in values:
        producer.produce(topic, value)
    assert producer.flush(20) == 0


Send = Callable[[Settings, str, str, list[bytes]], None]
PRODUCERS: dict[str, Send] = {
    "kafka-python": _by_kafka_python,
    "aiokafka": _by_aiokafka,
    "librdkafka": _by_librdkafka,
}


def _topic(settings: Settings, name: str) -> str:
    topic = f"{settings.kafka.prefix}{name}"
    admin = KafkaAdminClient(**kafka_python_options(settings))
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    return topic


def _stored(settings: Settings, topic: str) -> int:
    """Return the bytes that the broker keeps of a topic: as it got them."""
    admin = KafkaAdminClient(**kafka_python_options(settings))
    try:
        found = admin.describe_log_dirs([topic])
    finally:
        admin.close()
    folders = [folder for broker in found for folder in broker["log_dirs"]]
    parts = [part for folder in folders for each in folder["topics"] for part in each["partitions"]]
    return sum(int(part["partition_size"]) for part in parts)


async def _get_many(settings: Settings, topic: str, count: int) -> list[bytes]:
    """Read as the intake worker does."""
    read: list[bytes] = []
    async with AIOKafkaConsumer(**aiokafka_options(settings), auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        async with asyncio.timeout(20):
            while len(read) < count:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    read += [bytes(record.value) for record in records]
    return read


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("client", PRODUCERS)
def test_getmany(kafka_settings: Settings, client: str, codec: str) -> None:
    """Batches of every codec by every client are read by getmany to the byte, and were compressed indeed."""
    topic, values = _topic(kafka_settings, codec), _values(codec)
    PRODUCERS[client](kafka_settings, topic, codec, values)
    assert asyncio.run(_get_many(kafka_settings, topic, RECORDS)) == values
    plain = sum(len(value) for value in values)
    assert (_stored(kafka_settings, topic) < plain / 3) == (codec != "none")


def test_a_faust_agent(kafka_settings: Settings, tmp_path: Path) -> None:
    """One Faust agent reads batches of every codec by every client from one partition, in their order."""
    topic = _topic(kafka_settings, "mixed")
    expected: list[bytes] = []
    for client, send in PRODUCERS.items():
        for codec in CODECS:
            values = _values(f"{client} {codec}")
            send(kafka_settings, topic, codec, values)
            expected += values
    assert run_tiny_app(kafka_settings, topic, len(expected), tmp_path) == expected
