"""The live feed: one task reads what changed, any number of clients are told.

Nothing is kept for a client but the number it has seen: it takes what follows from the few that are in memory, or from
the store when it lags behind. So a slow client costs no memory, and nothing can be missed between reading and waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from anyio import CapacityLimiter, move_on_after, to_thread

from warning.domain.account import Right

if TYPE_CHECKING:
    from warning.service.ports import FeedEvent
    from warning.service.services import Services

IN_MEMORY = 1_000
"""Latest events in memory: what a burst brings; who is further behind reads from the store."""
AT_A_TIME = 500
WAIT_SECONDS = 1.0
"""How long one wait for the feed blocks its thread; so long the task takes to end."""
QUIET_SECONDS = 1.5
"""After so long without news a client's turn comes all the same: whether it may still listen is looked at then."""


class Feed:
    """Follows the feed while somebody listens. Belongs to one event loop."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._latest: deque[FeedEvent] = deque(maxlen=IN_MEMORY)
        self._newest: int | None = None
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listeners = 0
        self._reading = CapacityLimiter(4)

    async def bounds(self) -> tuple[int, int]:
        """Return the oldest and newest numbers that are kept."""
        return await to_thread.run_sync(self._services.desk.feed_bounds, limiter=self._reading)

    async def after(self, sequence: int) -> AsyncIterator[Sequence[FeedEvent]]:
        """Yield what follows a number, in order and without a gap, as it comes; empty when nothing came for a while."""
        self._listeners += 1
        try:
            while True:
                self._follow()
                changed = self._changed
                events = await self._next(sequence)
                if not events:
                    await _wait(changed)
                else:
                    sequence = events[-1].sequence
                yield events
        finally:
            self._listeners -= 1

    async def may_listen(self, token: str) -> bool:
        """Whether a session goes on, and gives the right to listen."""
        found = await to_thread.run_sync(self._services.accounts.session, token, limiter=self._reading)
        return found is not None and found[0].may(Right.READ)

    async def _next(self, sequence: int) -> Sequence[FeedEvent]:
        if self._newest is not None and sequence >= self._newest:
            return ()
        if self._latest and self._latest[0].sequence <= sequence + 1:
            return [event for event in self._latest if event.sequence > sequence][:AT_A_TIME]
        return await self._read(sequence)

    async def _read(self, sequence: int) -> Sequence[FeedEvent]:
        return await to_thread.run_sync(self._services.desk.feed_after, sequence, AT_A_TIME, limiter=self._reading)

    def _follow(self) -> None:
        """See to it that the task runs: it ends when nobody listens, and when the store fails."""
        if self._task is None or self._task.done():
            self._latest.clear()
            self._newest = None
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        """Read what changes into memory and wake those who listen, until nobody does."""
        _, newest = await self.bounds()
        self._newest = newest
        self._wake()  # for what came between a client's first look and this one
        while self._listeners:
            wait = self._services.runtime.wait_for_feed
            if not await to_thread.run_sync(wait, newest, WAIT_SECONDS, limiter=self._reading):
                continue
            events = await self._read(newest)
            if events:
                self._newest = newest = events[-1].sequence
                self._latest.extend(events)
                self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


async def _wait(changed: asyncio.Event) -> None:
    """Wait for a change, or a little while."""
    with move_on_after(QUIET_SECONDS):
        await changed.wait()
