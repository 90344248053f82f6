"""Reading a range of a topic's partition, outside any group: what catches a state up with the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, KafkaTimeoutError, OffsetOutOfRangeError, UnknownTopicOrPartitionError

from streams.connection import aiokafka_options
from warning.domain.errors import EarlyWarningError
from warning.runtime.clock import steady_seconds

if TYPE_CHECKING:
    from warning.settings import Settings

RECORDS_AT_ONCE = 500
PATIENCE_SECONDS = 60.0
"""How long brokers may be away before a reader gives up: they are back sooner after a restart."""
_RETRY_SECONDS = 0.5
_WAIT_MS = 1_000
_LARGEST_FETCH = 32 << 20

_LOG = logging.getLogger(__name__)


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
            "load history with --force, which begins anew with what is kept."
        )
        self.zh = (
            f"{topic}/{partition}: 需要记录 {first} 到 {oldest - 1},但已被保留策略删除 (现存最早为 {oldest})。"
            "请恢复较新的数据库备份 (含快照),或用 --force 载入历史,从现存记录重新开始。"
        )
        self.first, self.oldest = first, oldest


class LogLostError(EarlyWarningError):
    """A state is ahead of its partition: the topic was deleted and made anew, or the brokers lost its end."""

    def __init__(self, topic: str, partition: int, first: int, end: int) -> None:
        super().__init__(
            f"{topic}/{partition}: ends at {end}, but what is stored is of {first}: the topic was made anew, or its "
            "brokers lost records. Restore the topic, or begin with a new database and another kafka.prefix."
        )
        self.zh = (
            f"{topic}/{partition}: 日志止于 {end},而已存状态到 {first}: 主题被重建或记录丢失。"
            "请恢复该主题,或换用新数据库和新的 kafka.prefix。"
        )
        self.first, self.end = first, end


class RangeReader:
    """Reads partitions by assignment and offsets.

    patience : seconds for which brokers that are away are tried again, before KafkaError is raised
    """

    def __init__(self, settings: Settings, patience: float = PATIENCE_SECONDS) -> None:
        self._options = aiokafka_options(settings)
        self._patience = patience

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """Return the oldest offset that is kept, and the one that the next record will get."""
        return (await self.all_bounds(topic, [partition]))[partition]

    async def all_bounds(self, topic: str, partitions: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Return :meth:`bounds` of several partitions."""
        async with self._consumer() as consumer:
            return await self._bounds(consumer, [TopicPartition(topic, partition) for partition in partitions])

    async def at_time(self, topic: str, partition: int, at_ms: int) -> int:
        """Return the offset of the first record written at or after a time; the end where there is none."""
        place = TopicPartition(topic, partition)
        async with self._consumer() as consumer:
            found = (await consumer.offsets_for_times({place: at_ms}))[place]
            if found is not None:
                return int(found.offset)
            return (await self._bounds(consumer, [place]))[partition][1]

    async def partitions(self, topic: str) -> int:
        """Return how many partitions a topic has; 0 where there is no such topic."""
        deadline = steady_seconds() + self._patience
        while True:
            admin = AIOKafkaAdminClient(**self._options)
            try:
                await admin.start()
                (found,) = await admin.describe_topics([topic])
            except KafkaError as error:
                await _again_or_raise(error, deadline)
            else:
                return 0 if found["error_code"] == UnknownTopicOrPartitionError.errno else len(found["partitions"])
            finally:
                await admin.close()

    async def read(
        self, topic: str, partition: int, first: int, until: int | None = None
    ) -> AsyncGenerator[Message, None]:
        """Yield the records from an offset up to another, which is not included (None: to the present end).

        Raises RangeGoneError when the first of them are no longer there, LogLostError when the partition ends before.
        """
        place = TopicPartition(topic, partition)
        async with self._consumer() as consumer:
            consumer.assign([place])
            oldest, end = (await self._bounds(consumer, [place]))[partition]
            if first < oldest and (until is None or first < until):
                raise RangeGoneError(topic, partition, first, oldest)
            if first > end:
                raise LogLostError(topic, partition, first, end)
            until = end if until is None else until
            consumer.seek(place, first)
            try:
                async for record in _records(consumer, place, until):
                    yield record
            except OffsetOutOfRangeError as error:
                oldest, _ = (await self._bounds(consumer, [place]))[partition]
                raise RangeGoneError(topic, partition, first, oldest) from error

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = await self._started()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def _started(self) -> AIOKafkaConsumer:
        deadline = steady_seconds() + self._patience
        while True:
            consumer = new_consumer(self._options)
            try:
                await consumer.start()
            except KafkaError as error:
                await consumer.stop()
                await _again_or_raise(error, deadline)
            except BaseException:
                await consumer.stop()
                raise
            else:
                return consumer

    async def _bounds(self, consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> dict[int, tuple[int, int]]:
        deadline = steady_seconds() + self._patience
        while True:
            try:
                oldest = await consumer.beginning_offsets(places)
                newest = await consumer.end_offsets(places)
            except KafkaError as error:
                await _again_or_raise(error, deadline)
            else:
                return {place.partition: (oldest[place], newest[place]) for place in places}


class Ends:
    """Tells again and again where partitions end, over one connection."""

    def __init__(self, settings: Settings) -> None:
        self._options = aiokafka_options(settings)
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Connect."""
        self._consumer = new_consumer(self._options)
        await self._consumer.start()

    async def stop(self) -> None:
        """Let go."""
        if self._consumer is not None:
            await self._consumer.stop()

    async def of(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """Return the offset that the next record of each partition will get; nothing while brokers are away."""
        places = [TopicPartition(topic, partition) for partition in partitions]
        if self._consumer is None or not places:
            return {}
        try:
            found = await self._consumer.end_offsets(places)
        except KafkaError as error:
            _LOG.debug("the ends of partitions are not known", extra={"reason": repr(error)})
            return {}
        return {place.partition: end for place, end in found.items()}


def new_consumer(options: dict[str, Any]) -> AIOKafkaConsumer:
    """Make a consumer outside any group."""
    return AIOKafkaConsumer(
        **options,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=_LARGEST_FETCH,
        fetch_max_bytes=_LARGEST_FETCH,
    )


async def _records(consumer: AIOKafkaConsumer, place: TopicPartition, until: int) -> AsyncIterator[Message]:
    while await consumer.position(place) < until:
        batch = await consumer.getmany(place, timeout_ms=_WAIT_MS, max_records=RECORDS_AT_ONCE)
        for record in batch.get(place, ()):
            if record.offset >= until:
                return
            yield message_of(record)


async def _again_or_raise(error: KafkaError, deadline: float) -> None:
    """Wait a little before another try; raise what no try mends, or when the time is over."""
    if not (error.retriable or isinstance(error, KafkaTimeoutError)) or steady_seconds() > deadline:
        raise error
    await asyncio.sleep(_RETRY_SECONDS)


def message_of(record: Any) -> Message:
    """Return an aiokafka record as a message."""
    return Message(
        record.topic, record.partition, record.offset, record.key, record.value, tuple(record.headers), record.timestamp
    )
