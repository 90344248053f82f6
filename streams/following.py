"""Following a partition: a state that knows its next offset, whatever is delivered, twice, late or not at all.

Faust delivers records at least once in most cases and skips some in others (after a rebalance, after an error). A
delivered record is therefore only news that the partition has grown: what is known already is skipped, what was left
out is read from the topic itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from warning.domain.errors import EarlyWarningError

if TYPE_CHECKING:
    from streams.reading import Message


class Followed(Protocol):
    """A state derived from one partition."""

    next_offset: int
    """The first record that is not in the state."""

    async def load(self) -> None:
        """Begin from the newest snapshot, or from nothing; sets ``next_offset``."""

    async def apply(self, message: Message) -> None:
        """Take the record at ``next_offset`` in; the follower counts it when this returns."""


class Reads(Protocol):
    """Gives the records of a partition from one offset up to another: see :class:`streams.reading.RangeReader`."""

    def read(
        self, topic: str, partition: int, first: int, until: int | None = None
    ) -> AsyncGenerator[Message, None]: ...


class RecordFailedError(EarlyWarningError):
    """A record could not be applied: the process must end, so that the next one begins from what is stored."""

    def __init__(self, message: Message, cause: BaseException) -> None:
        super().__init__(f"{message.place} could not be applied ({type(cause).__name__})")
        self.message = message


class Follower:
    """Keeps one state at the end of its partition.

    Methods may be called by several tasks; they take turns. A caller that is cancelled (Faust cancels agents when
    partitions move) does not stop what it began half-way; what then befalls that stands in :attr:`failure`.
    """

    def __init__(self, reader: Reads, topic: str, partition: int, state: Followed) -> None:
        self.state = state
        self.failure: BaseException | None = None
        """Why the state can go no further: the process must end."""
        self.reading = False
        """Whether it reads the partition up to its end now."""
        self.caught_up = False
        """Whether it was at the partition's end since it was loaded."""
        self.missed = 0
        """How many records were read that had not been delivered."""
        self._reader = reader
        self._topic = topic
        self._partition = partition
        self._turn = asyncio.Lock()
        self._loaded = False
        self._working: set[asyncio.Task[None]] = set()

    async def deliver(self, message: Message) -> None:
        """Bring the state to just after this record."""
        await self._whole(self._reach(message))

    async def catch_up(self) -> None:
        """Bring the state to the partition's present end."""
        await self._whole(self._to_the_end())

    async def reload(self) -> None:
        """Begin anew from what is stored, and catch up."""
        await self._whole(self._anew())

    async def between(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something with the state while no record is applied; not before it is loaded."""
        await self._whole(self._alone(work))

    async def settle(self) -> None:
        """Wait until what was begun is done."""
        async with self._turn:
            pass

    async def drop(self) -> None:
        """Break off what was begun: another process has the partition, and the state is no longer used."""
        tasks = list(self._working)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _whole(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._ended)
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.failure = self.failure or task.exception()

    async def _reach(self, message: Message) -> None:
        async with self._turn:
            await self._load()
            if message.offset > self.state.next_offset:
                await self._read(message.offset)
            if message.offset == self.state.next_offset:
                await self._apply(message)

    async def _to_the_end(self) -> None:
        self.reading = True
        try:
            async with self._turn:
                await self._load()
                await self._read(None)
                self.caught_up = True
        finally:
            self.reading = False

    async def _anew(self) -> None:
        async with self._turn:
            self._loaded = self.caught_up = False
        await self._to_the_end()

    async def _alone(self, work: Callable[[], Awaitable[None]]) -> None:
        async with self._turn:
            if self._loaded:
                await work()

    async def _load(self) -> None:
        if not self._loaded:
            await self.state.load()
            self._loaded = True

    async def _read(self, until: int | None) -> None:
        records = self._reader.read(self._topic, self._partition, self.state.next_offset, until)
        async with aclosing(records) as missed:
            async for message in missed:
                self.missed += 1
                await self._apply(message)
        if until is not None:
            self.state.next_offset = max(self.state.next_offset, until)

    async def _apply(self, message: Message) -> None:
        try:
            await self.state.apply(message)
        except EarlyWarningError:
            raise
        except Exception as error:
            raise RecordFailedError(message, error) from error
        self.state.next_offset = message.offset + 1
