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
        self.problem = ""
        """Why the database refuses at present; empty when it does not."""
        self.problem_zh = ""

    async def on(self, work: Callable[[], T]) -> T:
        """Do something that blocks, until it is done."""
        while True:
            try:
                done = await asyncio.to_thread(work)
            except StoreBusyError as error:
                self.failed(error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                self.worked()
                return done

    def failed(self, error: StoreBusyError) -> None:
        """Note that the database refused."""
        if not self.problem:
            _LOG.warning("the database refuses; it is tried again", extra={"problem": str(error)})
        self.problem, self.problem_zh = str(error), error.zh

    def worked(self) -> None:
        """Note that it did not."""
        if self.problem:
            _LOG.warning("the database takes what it is given again")
        self.problem = self.problem_zh = ""


KAFKA_TROUBLE = (KafkaError, ConnectionError, TimeoutError)
"""What passes by itself when brokers are back."""
