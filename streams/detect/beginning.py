"""Where a partition begins that no snapshot can be used of: history first, then the log from its beginning.

The log may consist of several generations: what older ones hold of a partition's shards is read before the present
one, whose own records the follower reads.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.merging import Merging, Span
from streams.reading import RangeGoneError
from streams.records import CLOCK_HEADER, number_in
from streams.topics import Name, topics
from warning.engine.records import Record, Tick
from warning.store.logfile import decode_record

if TYPE_CHECKING:
    from streams.generations import Generation
    from streams.poison import PoisonRows
    from streams.reading import RangeReader
    from warning.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """How a partition begins.

    offset : of its first record that is kept
    clock : ticks and controls up to this offset in the clock are passed over (-1: none)
    spans : of older generations, oldest first, what is read before
    """

    offset: int
    clock: int
    spans: list[list[Span]]


class LogBeginning:
    """Finds where the log begins.

    generations : oldest first; the last is the log now
    """

    def __init__(self, reader: RangeReader, settings: Settings, generations: list[Generation]) -> None:
        self._reader = reader
        self._clock = topics(settings)[Name.CLOCK].name
        self._generations = generations

    async def whole(self, partition: int, shards: Iterable[int]) -> Beginning:
        """Return how a partition begins with all that was ever written.

        Raises RangeGoneError or GenerationGoneError where some of it is gone.
        """
        spans = []
        wanted = list(shards)
        for generation in self._generations[:-1]:
            generation.require()
            bounds = await self._reader.all_bounds(generation.topic, generation.partitions_of(wanted))
            for each, (oldest, _) in bounds.items():
                _refuse_gap(generation.topic, each, oldest)
            spans.append(
                [
                    Span(topic=generation.topic, partition=each, first=0, until=end)
                    for each, (_, end) in sorted(bounds.items())
                ]
            )
        topic = self._generations[-1].topic
        oldest, _ = await self._reader.bounds(topic, partition)
        _refuse_gap(topic, partition, oldest)
        return Beginning(offset=0, clock=-1, spans=spans)

    async def kept(self, partition: int, clock: int) -> Beginning:
        """Return how a partition begins with what is kept of the present generation, from a place in the clock."""
        oldest, _ = await self._reader.bounds(self._generations[-1].topic, partition)
        return Beginning(offset=oldest, clock=clock - 1, spans=[])

    async def common_clock(self) -> int:
        """Return the first place in the clock that all partitions of the log still have; 0: all that was ever written.

        Where older generations lack something, the present one is all there is.
        """
        last = self._generations[-1]
        found = 0
        for generation in self._generations:
            if generation.gone:
                found = 1
                continue
            bounds = await self._reader.all_bounds(generation.topic, range(generation.partitions))
            if generation is not last and any(oldest for oldest, _ in bounds.values()):
                found = max(found, 1)
            if generation is last and (found or any(oldest for oldest, _ in bounds.values())):
                clocks = [await self._first_clock(last.topic, each, *of) for each, of in bounds.items()]
                found = max([found, *clocks])
        return found

    async def _first_clock(self, topic: str, partition: int, oldest: int, end: int) -> int:
        async with aclosing(self._reader.read(topic, partition, oldest, end)) as messages:
            async for message in messages:
                clock = number_in(message.headers, CLOCK_HEADER)
                if clock is not None:
                    return clock
        return 0

    async def live_since(self, clock: int) -> int | None:
        """Return the watermark of the first tick beyond a place in the clock; None where there is none yet."""
        oldest, end = await self._reader.bounds(self._clock, 0)
        first = max(oldest, clock + 1)
        if first >= end:
            return None
        async with aclosing(self._reader.read(self._clock, 0, first, end)) as messages:
            async for message in messages:
                if message.value is not None:
                    record = decode_record(message.value, message.place)
                    if isinstance(record, Tick):
                        return record.watermark
        return None

    async def older(self, beginning: Beginning, poison: PoisonRows) -> AsyncGenerator[tuple[Record, int], None]:
        """Yield what older generations hold, and after each record the place in the clock that is reached."""
        merging = Merging(self._reader, poison)
        for spans in beginning.spans:
            async with aclosing(merging.merge(spans)) as records:
                async for record in records:
                    yield record, merging.last_clock


def _refuse_gap(topic: str, partition: int, oldest: int) -> None:
    if oldest > 0:
        raise RangeGoneError(topic, partition, 0, oldest)
