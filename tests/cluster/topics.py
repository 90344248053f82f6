"""The cluster's topics by what they are for: made, written to, read whole."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer

from streams.admin import apply_topics
from streams.reading import Message, RangeReader
from streams.topics import Name, topics
from warning.settings import Settings


def smaller(settings: Settings, data: Path, *, partitions: int = 3, inputs: int = 2) -> Settings:
    """Return settings with few partitions and a database in a folder; the topics are made."""
    values = settings.model_dump()
    values["kafka"] |= {"partitions": partitions, "input_partitions": inputs}
    values["service"]["data"] = str(data)
    values["cluster"] |= {"port": 0}
    made = Settings.model_validate(values)
    apply_topics(made)
    return made


def produce(settings: Settings, name: Name, values: Iterable[tuple[bytes | None, int | None, list[Any]]]) -> None:
    """Write (value, partition, headers) in their order."""

    async def write() -> None:
        async with AIOKafkaProducer(
            bootstrap_servers=settings.kafka.bootstrap, acks="all", linger_ms=2, max_request_size=20 << 20
        ) as producer:
            for value, partition, headers in values:
                await producer.send(topics(settings)[name].name, value, key=b"k", partition=partition, headers=headers)
            await producer.flush()

    asyncio.run(write())


def read(settings: Settings, name: Name, partition: int = 0) -> list[Message]:
    """Return all that is in a partition."""

    async def every() -> list[Message]:
        reader, topic = RangeReader(settings), topics(settings)[name].name
        oldest, _ = await reader.bounds(topic, partition)
        return [message async for message in reader.read(topic, partition, oldest)]

    return asyncio.run(every())
