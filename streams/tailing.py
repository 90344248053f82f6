"""Reading a topic of one partition from a position that somebody else remembers, a few records at a time."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.connection import aiokafka_options
from streams.reading import Message, message_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.settings import Settings

POLL_MS = 500
AT_ONCE = 500
LARGEST_FETCH = 32 << 20

_LOG = logging.getLogger(__name__)


class Tail:
    """A consumer outside any group, at a position of its own."""

    def __init__(self, settings: Settings, topic: str) -> None:
        self._settings = settings
        self._place = TopicPartition(topic, 0)
        self._consumer: AIOKafkaConsumer | None = None

    async def begin(self, offset: int) -> int:
        """Go to a position; where retention deleted what was there, to the oldest that is kept, and say so.

        Returns where it went: who remembers positions must forget one that the topic, made anew perhaps, is not at.
        """
        await self.end()
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings),
            enable_auto_commit=False,
            auto_offset_reset="none",
            max_partition_fetch_bytes=LARGEST_FETCH,
            fetch_max_bytes=LARGEST_FETCH,
        )
        await consumer.start()
        self._consumer = consumer
        consumer.assign([self._place])
        oldest = (await consumer.beginning_offsets([self._place]))[self._place]
        newest = (await consumer.end_offsets([self._place]))[self._place]
        if not oldest <= offset <= newest:
            lost = {"topic": self._place.topic, "wanted": offset, "oldest": oldest, "newest": newest}
            _LOG.error(
                "the topic no longer has what was to be read next; it is read from its oldest record", extra=lost
            )
            offset = oldest
        consumer.seek(self._place, offset)
        return offset

    @property
    def begun(self) -> bool:
        """Whether it is at a position."""
        return self._consumer is not None

    async def next(self) -> Sequence[Message]:
        """Return the next records, or none after a moment in which none came."""
        if self._consumer is None:
            raise RuntimeError("the tail was not begun")
        batch = await self._consumer.getmany(self._place, timeout_ms=POLL_MS, max_records=AT_ONCE)
        return [message_of(record) for record in batch.get(self._place, ())]

    async def end(self) -> None:
        """Let go."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()
