"""The log of a cluster as one: its partitions merged in an order in which one engine says what the cluster said.

Ticks and controls are copied into every partition, with their offset in the clock. For each of them in order: first
the batches before it in each partition, then the record, once::

    partition 0   a  b  [7]  c       [8]
    partition 1   d     [7]     [7]  [8]  e        (7 was copied twice)
    partition 2         [7]  f
    merged        a b d [7] c f                    (8 has not reached partition 2)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.poison import PoisonRows, without
from streams.records import CLOCK_HEADER, number_in
from warning.domain.errors import InvalidInputError
from warning.engine.records import Record
from warning.intake.columns import TicketColumns
from warning.store.logfile import decode_record

if TYPE_CHECKING:
    from streams.following import Reads
    from streams.reading import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A part of a partition: from an offset up to another, which is not included."""

    topic: str
    partition: int
    first: int
    until: int


def decoded(message: Message) -> tuple[Record, int | None] | None:
    """Return a record of the log, and of a tick or control its offset in the clock; None for an empty record.

    Raises InvalidInputError for what is no record of a log.
    """
    if message.value is None:
        return None
    record = decode_record(message.value, message.place)
    if isinstance(record, TicketColumns):
        return record, None
    clock = number_in(message.headers, CLOCK_HEADER)
    if clock is None:
        advice = "Only the sequencer writes ticks and controls; remove what else writes to the log."
        raise InvalidInputError(message.place, "a tick or control without its place in the clock", advice)
    return record, clock


class Merging:
    """Merges spans of one generation after the other; remembers which clock record it gave last."""

    def __init__(self, reader: Reads, poison: PoisonRows, *, last_clock: int = -1) -> None:
        self.last_clock = last_clock
        self._reader = reader
        self._poison = poison

    async def merge(self, spans: Sequence[Span], *, whole: bool = True) -> AsyncGenerator[Record, None]:
        """Yield the records of some partitions of one topic.

        whole : end before the first clock record that has not reached every partition; False: what stands in any of
            them counts
        """
        async with AsyncExitStack() as stack:
            courses = [_Course(span, await self._messages(stack, span)) for span in spans]
            while True:
                for course in courses:
                    async with aclosing(self._batches(course)) as batches:
                        async for batch in batches:
                            yield batch
                waiting = [course for course in courses if course.head is not None]
                if not waiting or (whole and len(waiting) < len(courses)):
                    return
                record, self.last_clock = min((c.head for c in waiting if c.head), key=lambda head: head[1])
                yield record

    async def _messages(self, stack: AsyncExitStack, span: Span) -> AsyncIterator[Message]:
        return await stack.enter_async_context(
            aclosing(self._reader.read(span.topic, span.partition, span.first, span.until))
        )

    async def _batches(self, course: _Course) -> AsyncGenerator[TicketColumns, None]:
        """Yield a partition's batches up to its next clock record that was not given yet."""
        if course.head is not None and course.head[1] > self.last_clock:
            return
        course.head = None
        async for message in course.messages:
            read = decoded(message)
            if read is None:
                continue
            record, clock = read
            if isinstance(record, TicketColumns):
                kept = without(record, self._poison.of(message.topic, message.partition, message.offset))
                if len(kept):
                    yield kept
            elif clock is not None and clock > self.last_clock:
                course.head = record, clock
                return


class _Course:
    """A partition that is being read, and the clock record it stands at."""

    def __init__(self, span: Span, messages: AsyncIterator[Message]) -> None:
        self.span = span
        self.messages = messages
        self.head: tuple[Record, int] | None = None
