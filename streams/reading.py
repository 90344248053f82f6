"""Reading a range of a topic's partition, outside any group: what catches a state up with the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.connection import aiokafka_options
from warning.domain.errors import EarlyWarningError

if TYPE_CHECKING:
    from warning.settings import Settings

RECORDS_AT_ONCE = 500
_WAIT_MS = 1_000
_LARGEST_FETCH = 32 << 20


@dataclass(frozen=True, slots=True)
class Message:
    """A record of a partition as clients of either kind give it; ``timestamp`` in milliseconds of the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp: int

    @property
    def place(self) -> str:
        """Where it stands, for people."""
        return f"{self.topic}/{self.partition}@{self.offset}"


class RangeGoneError(EarlyWarningError):
    """Records that a state needs were deleted by retention."""

    def __init__(self, topic: str, partition: int, first: int, oldest: int) -> None:
        super().__init__(
            f"{topic}/{partition}: the records {first} to {oldest - 1} are needed, but retention deleted them; the "
            f"oldest that is kept is at {oldest}. Restore a newer backup of the database (its snapshots are in it), or "
            "begin anew with `early-warning replay`."
        )
        self.zh = (
            f"{topic}/{partition}: 需要记录 {first} 到 {oldest - 1},但已被保留策略删除 (现存最早为 {oldest})。"
            "请恢复较新的数据库备份 (含快照),或用 early-warning replay 重建。"
        )
        self.first, self.oldest = first, oldest


class RangeReader:
    """Reads partitions by assignment and offsets."""

    def __init__(self, settings: Settings) -> None:
        self._options = aiokafka_options(settings)

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Return the oldest offset that is kept, and the one that the next record will get."""
        place = TopicPartition(topic, partition)
        async with self._consumer() as consumer:
            return await _bounds(consumer, place)

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; 0 where there is no such topic."""
        async with self._consumer() as consumer:
            await consumer.topics()
            return len(consumer.partitions_for_topic(topic) or ())

    async def read(self, topic: str, partition: int, first: int, until: int | None = None) -> AsyncIterator[Message]:
        """Yield the records from an offset up to another, which is not included (None: to the present end).

        Raises RangeGoneError when the first of them are no longer there.
        """
        place = TopicPartition(topic, partition)
        async with self._consumer() as consumer:
            consumer.assign([place])
            oldest, end = await _bounds(consumer, place)
            if first < oldest and (until is None or first < until):
                raise RangeGoneError(topic, partition, first, oldest)
            until = end if until is None else until
            consumer.seek(place, first)
            while await consumer.position(place) < until:
                batch = await consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=RECORDS_AT_ONCE)
                for record in batch.get(place, ()):
                    if record.offset >= until:
                        return
                    yield message_of(record)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            **self._options,
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=_LARGEST_FETCH,
            fetch_max_bytes=_LARGEST_FETCH,
        )
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()


async def _bounds(consumer: AIOKafkaConsumer, place: TopicPartition) -> tuple[int, int]:
    oldest = await consumer.beginning_offsets([place])
    newest = await consumer.end_offsets([place])
    return oldest[place], newest[place]


def message_of(record: Any) -> Message:
    """Return an aiokafka record as a message."""
    return Message(
        record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers), record.timestamp
    )
