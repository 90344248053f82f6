"""Small things done again and again beside the agent: each is a task; they run in the process that is active."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from streams.alerts.insisting import KAFKA_TROUBLE, RETRY_SECONDS
from streams.process import or_end_process
from warning.service.ports import StoreBusyError

if TYPE_CHECKING:
    from streams.alerts.insisting import Insistence

_LOG = logging.getLogger(__name__)


class Repeated(Protocol):
    """Something done in steps."""

    pause: float
    """Seconds between steps when there is nothing to do."""

    async def step(self) -> bool:
        """Do some of it; returns whether there is more to do at once."""

    async def stop(self) -> None:
        """Let go of connections; a later step takes them again."""


class Loops:
    """Runs steps while ``active`` is set; implements :class:`streams.process.Part`.

    A database or brokers that are away are waited for; any other error ends the process.
    """

    def __init__(self, repeated: Sequence[Repeated], *, active: asyncio.Event, insistence: Insistence) -> None:
        self._repeated = repeated
        self._active = active
        self._insistence = insistence
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        self._tasks = [asyncio.create_task(or_end_process(self._run(each))) for each in self._repeated]

    async def stop(self) -> None:
        """End after the steps at hand, or without them where they take long."""
        for task in self._tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)
        for each in self._repeated:
            await each.stop()

    async def _run(self, repeated: Repeated) -> None:
        while True:
            await self._active.wait()
            if not await self._tried(repeated):
                await asyncio.sleep(repeated.pause)

    async def _tried(self, repeated: Repeated) -> bool:
        try:
            more = await repeated.step()
        except StoreBusyError as error:
            self._insistence.failed(type(repeated).__name__, error)
        except KAFKA_TROUBLE as error:
            _LOG.warning("Kafka refuses; it is tried again", extra={"part": type(repeated).__name__, "why": str(error)})
            await repeated.stop()
        else:
            self._insistence.worked(type(repeated).__name__)
            return more
        await asyncio.sleep(RETRY_SECONDS)
        return True
