"""Work on the database that is tried until the database takes it: away or full, it waits, and health says why."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from aiokafka.errors import KafkaError

from warning.service.ports import StoreBusyError

T = TypeVar("T")

RETRY_SECONDS = 1.0

_LOG = logging.getLogger(__name__)


class Insistence:
    """Does work in threads, again and again while the database refuses; remembers why it does."""

    def __init__(self) -> None:
        self._refused: dict[str, StoreBusyError] = {}

    @property
    def problem(self) -> str:
        """Why the database refuses at present; empty when it does not."""
        return next((str(error) for error in self._refused.values()), "")

    @property
    def problem_zh(self) -> str:
        """The same in Chinese."""
        return next((error.zh for error in self._refused.values()), "")

    async def on(self, work: Callable[[], T], what: str = "commit") -> T:
        """Do something that blocks, until it is done; ``what`` tells it from other work, which may be taken or not."""
        while True:
            try:
                done = await asyncio.to_thread(work)
            except StoreBusyError as error:
                self.failed(what, error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.worked(what)
                return done

    def failed(self, what: str, error: StoreBusyError) -> None:
        """Note that the database refused."""
        if what not in self._refused:
            _LOG.warning("the database refuses; it is tried again", extra={"part": what, "problem": str(error)})
        self._refused[what] = error

    def worked(self, what: str) -> None:
        """Note that it did not."""
        if self._refused.pop(what, None) is not None:
            _LOG.warning("the database takes what it is given again", extra={"part": what})


KAFKA_TROUBLE = (KafkaError, ConnectionError, TimeoutError)
"""What passes by itself when brokers are back."""
