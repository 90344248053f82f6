"""One term of the sequencer: from the moment the group gives it the clock until it takes it away or something fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

from streams.clock.marks import Marks
from streams.clock.order import REVIEW_HEADER, Order
from streams.connection import aiokafka_options
from streams.reading import RangeReader, message_of
from streams.records import POSITION_HEADER, Flushed, clock_header, decode, number_in
from streams.topics import Name, topics
from warning.bootstrap.folder import jurisdiction_of
from warning.domain.bucket import MINUTE_MS
from warning.domain.control import Control
from warning.domain.errors import InvalidInputError
from warning.engine.records import Record, Tick
from warning.runtime.clock import steady_seconds
from warning.store.logfile import decode_record, encode_record

if TYPE_CHECKING:
    from streams.log_topic import LogTopic
    from streams.reading import Message
    from streams.sending import Sender
    from warning.runtime.clock import Clock
    from warning.settings import Settings

AT_ONCE = 500
_WAIT_MS = 200
_READ_MS = 1_000
_LONGEST_READ_SECONDS = 2.0
_LOOK_SECONDS = 30.0
"""Between two looks at how many partitions the inputs have."""


class Term:
    """Appends ticks and controls to ``clock``, and copies what holds of it into every partition of the log.

    Parameters
    ----------
    elected : the consumer of the group, which holds the clock's one partition
    on_tick : called when a tick was written
    """

    def __init__(
        self,
        settings: Settings,
        *,
        elected: AIOKafkaConsumer,
        sender: Sender,
        log: LogTopic,
        clock: Clock,
        on_tick: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._names = {name: topic.name for name, topic in topics(settings).items()}
        self._place = TopicPartition(self._names[Name.CLOCK], 0)
        self._elected = elected
        self._sender = sender
        self._log = log
        self._clock = clock
        self._on_tick = on_tick
        self._reader = RangeReader(settings)
        self._order = Order()
        self._appended = 0
        self._position = 0
        self._marks = Marks(
            jurisdiction_of(settings),
            (),
            step_ms=settings.service.tick_minutes * MINUTE_MS,
            lateness_ms=settings.engine.lateness_minutes * MINUTE_MS,
        )
        self._looked = 0.0
        self._told: AIOKafkaConsumer | None = None

    async def begin(self) -> None:
        """Copy what was appended before and not copied; know what was appended last."""
        first, self._order = await self._committed()
        self._elected.seek(self._place, first)
        ends = await self._elected.end_offsets([self._place])
        self._appended = ends[self._place]
        await self._copy()
        if self._order.tick is not None:  # after a clean hand-over nothing was left to copy, and nobody has said it
            self._marks.resume(self._order.tick)
        self._position = self._order.position
        await self._look_at_inputs()
        self._told = await self._hear()

    async def step(self) -> None:
        """Take in what was said since, append what is due of it, copy what was appended.

        Raises TimeoutError where the clock is being taken away: the term is over.
        """
        if self._told is None:
            raise RuntimeError("the term has not begun")
        if steady_seconds() - self._looked >= _LOOK_SECONDS:
            await self._look_at_inputs()
        polled = await self._told.getmany(timeout_ms=_WAIT_MS, max_records=AT_ONCE)
        for place, records in polled.items():
            if place.topic == self._names[Name.FLUSHED]:
                for record in records:
                    self._note(record)
            else:
                await self._decide(list(map(message_of, records)))
        tick = self._marks.due()
        if tick is not None:
            await self._append(tick, ())
            self._marks.wrote(tick)
            self._on_tick()
        await self._copy()

    async def end(self) -> None:
        """Let go."""
        if self._told is not None:
            await self._told.stop()

    # --- where it begins ----------------------------------------------------------------------------------------------

    async def _committed(self) -> tuple[int, Order]:
        """Return the first record that is not copied, and the order before it."""
        admin = AIOKafkaAdminClient(**aiokafka_options(self._settings))
        await admin.start()
        try:
            found = await admin.list_consumer_group_offsets(f"{self._settings.kafka.prefix}sequencer")
        finally:
            await admin.close()
        kept = found.get(self._place)
        oldest, _ = await self._reader.bounds(self._place.topic, self._place.partition)
        if kept is None or kept.offset < oldest:
            return oldest, Order()
        order = Order.from_text(kept.metadata, jurisdiction_of(self._settings))
        return kept.offset, order or await self._order_before(oldest, kept.offset)

    async def _order_before(self, oldest: int, until: int) -> Order:
        """Return the order before a record where nobody kept it: somebody else has moved the group's offset."""
        order = Order()
        async for message in self._reader.read(self._place.topic, self._place.partition, oldest, until):
            order, _ = order.after(message)
        return order

    async def _look_at_inputs(self) -> None:
        for name in (self._names[Name.RAW], self._names[Name.PUSHED]):
            self._marks.expect((name, each) for each in range(await self._reader.partitions(name)))
        self._looked = steady_seconds()

    async def _hear(self) -> AIOKafkaConsumer:
        """Return what hears the intake workers from the beginning, and people from where they were last heard."""
        consumer = AIOKafkaConsumer(
            **aiokafka_options(self._settings), enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        flushed, reviews = (TopicPartition(self._names[name], 0) for name in (Name.FLUSHED, Name.REVIEWS))
        consumer.assign([flushed, reviews])
        oldest = await consumer.beginning_offsets([flushed, reviews])
        consumer.seek(flushed, oldest[flushed])
        consumer.seek(reviews, max(oldest[reviews], self._order.review))
        return consumer

    # --- what it does -------------------------------------------------------------------------------------------------

    def _note(self, record: Any) -> None:
        if record.value is not None:
            self._marks.note(decode(record.value, Flushed), self._clock())

    async def _decide(self, reviews: list[Message]) -> None:
        """Append what people decided; what was relayed twice is appended once."""
        for message in reviews:
            control = decode_record(message.value or b"", message.place)
            if not isinstance(control, Control):
                raise InvalidInputError(message.place, "is no control", "Only controls belong into this topic.")
            headers = [(REVIEW_HEADER, b"%d" % message.offset)]
            position = number_in(message.headers, POSITION_HEADER)
            if position is not None:
                if position <= self._position:
                    continue
                headers.append((POSITION_HEADER, b"%d" % position))
            await self._append(control, headers)
            self._position = max(self._position, position or 0)

    async def _append(self, record: Record, headers: list[tuple[str, bytes]] | tuple[()]) -> None:
        future = await self._sender.send(self._place.topic, encode_record(record), partition=0, headers=headers)
        await self._sender.settle()
        offset = future.result().offset
        if offset < 0:  # the broker had it already, from an attempt whose answer was lost
            ends = await self._elected.end_offsets([self._place])
            offset = ends[self._place] - 1
        self._appended = max(self._appended, offset + 1)

    async def _copy(self) -> None:
        """Copy everything that is in ``clock``, at least what is known to have been appended."""
        while True:
            behind = await self._elected.position(self._place) < self._appended
            # While the group moves the clock the client waits for it, and the group waits for this step to end.
            read = self._elected.getmany(self._place, timeout_ms=_READ_MS if behind else 0, max_records=AT_ONCE)
            polled = await asyncio.wait_for(read, _LONGEST_READ_SECONDS)
            records = polled.get(self._place, ())
            for record in records:
                await self._copy_one(message_of(record))
            if records:
                kept = OffsetAndMetadata(records[-1].offset + 1, self._order.to_text())
                await self._elected.commit({self._place: kept})
            elif not behind:
                return

    async def _copy_one(self, message: Message) -> None:
        """Copy a record into every partition of the log, all of them before the next: so none ever has a gap."""
        self._order, record = self._order.after(message)
        if record is None:
            return
        for partition in range(self._log.partitions):
            await self._sender.send(
                self._log.name, message.value, partition=partition, headers=clock_header(message.offset)
            )
        await self._sender.settle()
        if isinstance(record, Tick):
            self._marks.resume(record)
        await asyncio.sleep(0)
