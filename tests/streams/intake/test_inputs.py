"""Polls of the inputs: a backlog comes in the order in which it was written."""

import asyncio
from collections.abc import Iterable
from typing import Any

from kafka import KafkaProducer

from streams.admin import apply_topics
from streams.connection import REBALANCE_SECONDS, kafka_python_options
from streams.intake.inputs import Inputs
from streams.topics import Name, topics
from warning.runtime.clock import now_ms, steady_seconds
from warning.settings import Settings

RECORDS = 12_000


def test_no_partition_of_a_backlog_runs_ahead(kafka_settings: Settings) -> None:
    """Of a backlog over several partitions no poll is far ahead of what another partition still holds."""
    apply_topics(kafka_settings)
    raw = topics(kafka_settings)[Name.RAW]
    begin = now_ms() - RECORDS
    producer = KafkaProducer(**kafka_python_options(kafka_settings))
    for number in range(RECORDS):
        producer.send(raw.name, b"{}", partition=number % raw.partitions, timestamp_ms=begin + number)
    producer.flush()
    producer.close()
    ahead = asyncio.run(_ahead(kafka_settings, raw.partitions))
    # A share or two of each partition; one partition after the other would be all of it.
    assert ahead < RECORDS / 2


async def _ahead(settings: Settings, partitions: int) -> int:
    """Read the backlog; returns the most records of one partition that came before ones written earlier elsewhere."""
    inputs = Inputs(settings, [topics(settings)[Name.RAW].name], now_ms)
    await inputs.start()
    read = dict.fromkeys(range(partitions), 0)
    most, deadline = 0, steady_seconds() + 60
    try:
        while sum(read.values()) < RECORDS and steady_seconds() < deadline:
            async with inputs.turn:
                for record in await inputs.poll():
                    read[record.partition] += 1
            most = max(most, (max(read.values()) - min(read.values())) * partitions)
    finally:
        await inputs.stop()
    assert sum(read.values()) == RECORDS
    return most


def test_an_input_that_ends_does_not_hold_up_the_others(kafka_settings: Settings) -> None:
    """Records of one partition alone come at once, though the others have none."""
    apply_topics(kafka_settings)
    raw = topics(kafka_settings)[Name.RAW]
    producer = KafkaProducer(**kafka_python_options(kafka_settings))
    for _ in range(RECORDS):
        producer.send(raw.name, b"{}", partition=1)
    producer.flush()
    producer.close()
    assert asyncio.run(_ahead(kafka_settings, raw.partitions)) >= RECORDS


class _Asked(Inputs):
    """Notes when it is asked for its partitions."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.asked = asyncio.Event()

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        self.asked.set()
        await super().on_partitions_revoked(revoked)


def test_a_poll_ends_while_partitions_move(kafka_settings: Settings) -> None:
    """Another worker joins amid a poll: it ends, so that partitions can go, long before the group gives up on it."""
    apply_topics(kafka_settings)
    asyncio.run(_moved(kafka_settings))


async def _moved(settings: Settings) -> None:
    names = [topics(settings)[Name.RAW].name]
    first = _Asked(settings, names, now_ms)
    other = settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"instance": "other"})})
    second = Inputs(other, names, now_ms)
    await first.start()
    first.asked.clear()
    joining = asyncio.create_task(second.start())
    try:
        async with first.turn:
            await asyncio.wait_for(first.asked.wait(), 60)
            assert await asyncio.wait_for(first.poll(), REBALANCE_SECONDS / 2) == []
        await asyncio.wait_for(joining, 60)
    finally:
        joining.cancel()
        await first.stop()
        await second.stop()
