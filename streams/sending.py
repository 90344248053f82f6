"""Sending to Kafka: a record counts when every copy that must have it has it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaProducer

from streams.connection import aiokafka_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.settings import Settings

LARGEST = 16 << 20
BATCH = 1 << 20
"""Bytes that wait together for one partition: by default 16 kB, less than one record of ours."""
LINGER_MS = 5
COMPRESSION = "zstd"
"""At a third of what aiokafka's lz4 costs (75 MB/s: its level is 9) the log is two thirds as large: 29 bytes of 100."""


class Sender:
    """An idempotent producer whose sends can be gathered and awaited together."""

    def __init__(self, settings: Settings) -> None:
        self._options = aiokafka_options(settings)
        self._producer: AIOKafkaProducer | None = None
        self._pending: set[asyncio.Future[Any]] = set()

    async def start(self) -> None:
        """Connect."""
        self._producer = AIOKafkaProducer(
            **self._options,
            enable_idempotence=True,
            acks="all",
            compression_type=COMPRESSION,
            linger_ms=LINGER_MS,
            max_batch_size=BATCH,
            max_request_size=LARGEST,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Wait for what was sent, and let go."""
        if self._producer is not None:
            await self._producer.stop()

    async def send(
        self,
        topic: str,
        value: bytes | None,
        *,
        key: bytes | None = None,
        partition: int | None = None,
        headers: Sequence[tuple[str, bytes]] = (),
    ) -> asyncio.Future[Any]:
        """Hand a record over; the future gives its place once it counts. :meth:`settle` waits for all.

        Who waits for the future may be cancelled: that is not taken for the record's fate.
        """
        if self._producer is None:
            raise RuntimeError("the sender was not started")
        future: asyncio.Future[Any] = await self._producer.send(
            topic, value, key=key, partition=partition, headers=list(headers)
        )
        self._pending.add(future)
        future.add_done_callback(self._done)
        return asyncio.shield(future)

    async def settle(self) -> None:
        """Wait until all that was sent before counts; raises what befell one of them."""
        if self._pending:
            # Not gather: where who waits is cancelled, it would cancel what the producer still has to send.
            done, _ = await asyncio.wait(self._pending.copy())
            for future in done:
                future.result()

    @property
    def failure(self) -> BaseException | None:
        """What befell a send, where one has failed: nobody may go on as if it counted."""
        ended = (future for future in self._pending if future.done() and not future.cancelled())
        return next((future.exception() for future in ended), None)

    def _done(self, future: asyncio.Future[Any]) -> None:
        """Forget a send that counts; one that failed stays, so that :meth:`settle` raises it."""
        if not future.cancelled() and future.exception() is None:
            self._pending.discard(future)
