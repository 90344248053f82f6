"""The consumer of the inputs: polls of many records, and how far each partition was read when it was asked."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from streams.connection import member_options
from streams.intake.judging import Received
from warning.runtime.clock import steady_seconds

if TYPE_CHECKING:
    from warning.runtime.clock import Clock
    from warning.settings import Settings

MOST_RECORDS = 10_000
"""In a poll: the normaliser's cost of a call has vanished by then, and its memory is a few megabytes."""
MOST_BYTES = 16 << 20
_SHARE = 500
"""Records of one partition before another has its turn."""
_SLOWEST_MS = 100
"""So long the others wait for the partition that is furthest behind."""
_FETCH_BYTES = 4 << 20
_MOVING_SECONDS = 1.0
"""A read that lasts longer than it was given by so much waits for partitions to move."""
_IDLE_SECONDS = 0.25
"""A poll without a record ends after so long, so that others have their turn."""
_ASK_SECONDS = 5.0
_SECOND = 1000

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Ends:
    """Where partitions ended at a moment of the clock: whoever has read to there had read all there was then."""

    at: int = 0
    of: dict[TopicPartition, int] = field(default_factory=dict)


class Inputs(ConsumerRebalanceListener):  # type: ignore[misc]
    """Reads the inputs in the group of the intake workers.

    Whoever polls holds :attr:`turn` until what was polled is in the log and committed; partitions move only between.

    before_work : awaited whenever partitions were assigned, before anything of them is polled
    """

    def __init__(
        self,
        settings: Settings,
        topics: Iterable[str],
        clock: Clock,
        *,
        before_work: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.turn = asyncio.Lock()
        self.positions: dict[TopicPartition, int] = {}
        self.ends = Ends()
        self._flush_seconds = settings.cluster.flush_milliseconds / _SECOND
        self._topics = list(topics)
        self._clock = clock
        self._before_work = before_work
        self._came: dict[TopicPartition, int] = {}
        self._held = asyncio.Event()
        self._settings = settings
        self._running: AIOKafkaConsumer | None = None

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        if self._running is None:
            raise RuntimeError("the inputs were not started")
        return self._running

    @property
    def assigned(self) -> bool:
        """Whether the group has given its partitions to this worker (perhaps none)."""
        return self._held.is_set()

    async def start(self) -> None:
        """Join the group."""
        self._running = AIOKafkaConsumer(
            **member_options(self._settings, "intake", "intake"), max_partition_fetch_bytes=_FETCH_BYTES
        )
        self._running.subscribe(self._topics, listener=self)
        await self._running.start()

    async def stop(self) -> None:
        """Leave what is not done to others."""
        if self._running is not None:
            await self._running.stop()

    async def poll(self) -> list[Received]:
        """Return records once there are some: those that come within the flush time of the first, or very many."""
        found: list[Received] = []
        size, until = 0, steady_seconds() + _IDLE_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(self._held.wait(), _IDLE_SECONDS)
        while self.assigned and len(found) < MOST_RECORDS and size < MOST_BYTES:
            left = until - steady_seconds()
            if left <= 0:
                break
            polled = await self._in_order(left)
            if polled and not found:
                until = steady_seconds() + self._flush_seconds
            for place, records in polled.items():
                self.positions[place] = records[-1].offset + 1
                self._came[place] = records[-1].timestamp
                found += map(_received, records)
                size += sum(len(record.value) for record in records if record.value is not None)
        return found

    async def _in_order(self, left: float) -> dict[TopicPartition, list[Any]]:
        """Return some records of the partition that is furthest behind, by when they came; of any if it has none.

        Left to itself the client gives all of one partition before any of the next. In a backlog the watermark would
        wait for the last partition, and the first tick would find days of tickets in buckets that nobody closed.
        """
        behind = [place for place in self._consumer.assignment() if self._waits(place)]
        if len(behind) > 1:
            slowest = min(behind, key=lambda place: self._came.get(place, 0))
            wait = min(int(left * _SECOND), _SLOWEST_MS)
            polled = await self._read(slowest, wait_ms=wait)
            if polled:
                return polled
        return await self._read(wait_ms=int(left * _SECOND) + 1)

    async def _read(self, *places: TopicPartition, wait_ms: int) -> dict[TopicPartition, list[Any]]:
        """Return records; none in the end while the group moves partitions.

        The client would wait until they are moved, which does not happen before the poll in hand has ended.
        """
        records = self._consumer.getmany(*places, timeout_ms=wait_ms, max_records=_SHARE)
        with suppress(TimeoutError):
            return await asyncio.wait_for(records, wait_ms / _SECOND + _MOVING_SECONDS)
        return {}

    def _waits(self, place: TopicPartition) -> bool:
        """Whether a partition may have more, as far as is known."""
        end = max(self._consumer.highwater(place) or 0, self.ends.of.get(place, 0))
        known = place in self.ends.of or place in self.positions
        return not known or self.positions.get(place, 0) < end

    async def ask_ends(self) -> None:
        """Learn where the partitions end now; what was known stays where the brokers do not say."""
        at = self._clock()
        places = list(self._consumer.assignment())
        try:
            ends = await asyncio.wait_for(self._consumer.end_offsets(places), _ASK_SECONDS) if places else {}
            for place in places:
                if place not in self.positions:
                    self.positions[place] = await asyncio.wait_for(self._consumer.position(place), _ASK_SECONDS)
        except (TimeoutError, KafkaError, IllegalStateError) as error:
            _LOG.warning("the brokers do not say where the inputs end", extra={"reason": repr(error)})
            return
        self.ends = Ends(at, ends)

    def lag(self, topic: str) -> int:
        """Return how many records of a topic waited when the ends were asked for."""
        return sum(
            max(0, end - self.positions.get(place, end)) for place, end in self.ends.of.items() if place.topic == topic
        )

    async def commit(self, places: Iterable[TopicPartition]) -> None:
        """Note in the group what is in the log; where that fails it is read again, which does no harm."""
        try:
            await self._consumer.commit({place: self.positions[place] for place in places})
        except (KafkaError, IllegalStateError) as error:
            _LOG.warning("how far the inputs were read could not be committed", extra={"reason": repr(error)})

    # --- of the group -------------------------------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let the poll in hand end before partitions go."""
        async with self.turn:
            self._held.clear()
            self.positions.clear()
            self.ends = Ends()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Go on from what is committed; say so where retention has eaten some of it."""
        try:
            await self._look_for_losses(list(assigned))
        except KafkaError as error:
            _LOG.warning("whether retention deleted unread records is not known", extra={"reason": repr(error)})
        if self._before_work is not None:
            await self._before_work()
        self._held.set()

    async def _look_for_losses(self, places: list[TopicPartition]) -> None:
        oldest = await self._consumer.beginning_offsets(places) if places else {}
        for place in places:
            committed = await self._consumer.committed(place)
            if committed is not None and committed < oldest[place]:
                _LOG.error(
                    "retention deleted input records that nobody had read",
                    extra={
                        "topic": place.topic,
                        "partition": place.partition,
                        "first": committed,
                        "last": oldest[place] - 1,
                    },
                )


def _received(record: Any) -> Received:
    return Received(record.topic, record.partition, record.offset, record.value, record.headers)
