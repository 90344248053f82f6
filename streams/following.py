"""Following a partition: a state that knows its next offset, whatever is delivered, twice, late or not at all.

Faust delivers records at least once in most cases and skips some in others (after a rebalance, after an error). A
delivered record is therefore only news that the partition has grown: what is known already is skipped, what was left
out is read from the topic itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol

from warning.domain.errors import EarlyWarningError

if TYPE_CHECKING:
    from streams.reading import Message, RangeReader


class Followed(Protocol):
    """A state derived from one partition."""

    next_offset: int
    """The first record that is not in the state."""

    async def load(self) -> None:
        """Begin from the newest snapshot, or from nothing; sets ``next_offset``."""

    async def apply(self, message: Message) -> None:
        """Take the record at ``next_offset`` in; the follower counts it when this returns."""


class RecordFailedError(EarlyWarningError):
    """A record could not be applied: the process must end, so that the next one begins from what is stored."""

    def __init__(self, message: Message, cause: BaseException) -> None:
        super().__init__(f"{message.place} could not be applied: {type(cause).__name__}: {cause}")
        self.message = message


class Follower:
    """Keeps one state at the end of its partition.

    Methods may be called by several tasks; they take turns. A caller that is cancelled (Faust cancels agents when
    partitions move) does not stop what it began half-way: see :meth:`deliver`.
    """

    def __init__(self, reader: RangeReader, topic: str, partition: int, state: Followed) -> None:
        self.state = state
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
        await self._whole(self._read_on(None))

    async def settle(self) -> None:
        """Wait until what was begun is done."""
        async with self._turn:
            pass

    async def _whole(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        await asyncio.shield(task)

    async def _reach(self, message: Message) -> None:
        async with self._turn:
            await self._load()
            if message.offset > self.state.next_offset:
                await self._read(message.offset)
            if message.offset == self.state.next_offset:
                await self._apply(message)

    async def _read_on(self, until: int | None) -> None:
        async with self._turn:
            await self._load()
            await self._read(until)

    async def _load(self) -> None:
        if not self._loaded:
            await self.state.load()
            self._loaded = True

    async def _read(self, until: int | None) -> None:
        async for missed in self._reader.read(self._topic, self._partition, self.state.next_offset, until):
            await self._apply(missed)
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
