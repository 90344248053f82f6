"""When a partition's state is kept, and how: taken between two records, stored while the next ones are applied."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from warning.runtime.clock import steady_seconds
from warning.service.ports import StoreBusyError
from warning.store.sql.snapshots import pack

if TYPE_CHECKING:
    from streams.detect.ports import SnapshotStore
    from warning.runtime.clock import Clock
    from warning.store.sql.snapshots import Kept

RETRY_SECONDS = 5.0

_LOG = logging.getLogger(__name__)


class Keeper:
    """Keeps the snapshots of one partition.

    Parameters
    ----------
    store : where to; while it is away nothing is kept, and all goes on
    scope : the partition's name there
    settle : waits until everything said so far has arrived, before a snapshot that will not say it again
    seconds, tickets : after which a snapshot is due
    """

    def __init__(
        self,
        store: SnapshotStore,
        scope: str,
        settle: Callable[[], Awaitable[None]],
        clock: Clock,
        *,
        seconds: float,
        tickets: int,
    ) -> None:
        self.taken_at: int | None = None
        """When the newest snapshot was taken, milliseconds of the epoch; None: there is none."""
        self.failure: BaseException | None = None
        """What befell the latest one, other than a store that is away, or the state: nothing more is kept, the process
        must end."""
        self._store = store
        self._scope = scope
        self._settle = settle
        self._clock = clock
        self._seconds = seconds
        self._tickets = tickets
        self._waiting: asyncio.Task[None] | None = None
        self._since = 0
        self._kept = -1
        self._due_at = steady_seconds() + seconds

    def begin(self, kept: Kept | None) -> None:
        """Begin from a snapshot, or from none."""
        self._kept = -1 if kept is None else kept.position
        self.taken_at = None if kept is None else int(kept.taken_at.timestamp() * 1000)
        self._since, self._due_at = 0, steady_seconds() + self._seconds

    def candidates(self, era: int) -> Iterator[Kept]:
        """Yield what is kept of an era, newest first; blocks."""
        return self._store.candidates(self._scope, era)

    def applied(self, tickets: int) -> None:
        """Note that so many tickets were applied."""
        self._since += tickets

    def is_due(self, position: int) -> bool:
        """Whether the state at a position should be kept now."""
        if position == self._kept or self._busy:
            return False
        return self._since >= self._tickets or steady_seconds() >= self._due_at

    @property
    def _busy(self) -> bool:
        return self._waiting is not None and not self._waiting.done()

    async def keep(self, era: int, position: int, state: Callable[[], dict[str, Any]]) -> None:
        """Take the state, and store it while others go on; one at a time."""
        if self._busy or self.failure is not None or position == self._kept:
            return
        at = self._clock()
        taken = await asyncio.to_thread(state)
        self._since, self._due_at = 0, steady_seconds() + self._seconds
        self._waiting = asyncio.create_task(self._save(era, position, taken, at))
        self._waiting.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait until what was taken is stored."""
        if self._waiting is not None:
            await asyncio.wait({self._waiting})

    async def _save(self, era: int, position: int, taken: dict[str, Any], at: int) -> None:
        await self._settle()
        try:
            await asyncio.to_thread(self._stored, era, position, taken, at)
        except StoreBusyError as error:
            _LOG.warning("a snapshot could not be stored; it is tried again", extra={"problem": str(error)})
            self._due_at = steady_seconds() + RETRY_SECONDS
            return
        self._kept, self.taken_at = position, at

    def _stored(self, era: int, position: int, taken: dict[str, Any], at: int) -> None:
        self._store.save(self._scope, era, position, pack(msgspec.msgpack.encode(taken)), at)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            self.failure = task.exception()
