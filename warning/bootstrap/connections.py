"""HTTP connections that wait only so long for a client that sends or takes nothing: uvicorn itself would for ever.

A body has a deadline of its own (:class:`warning.api.limits.Body`), and so has an idle connection between requests.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 20.0
"""A client on the worst of lines sends its head in a few seconds; one that takes longer means to hold a connection."""
TAKE_SECONDS = 25.0
"""Less than the live stream's own limit: so a listener that reads nothing has left, and is no failure of ours."""


class PatientProtocol(H11Protocol):
    """A connection that ends when its client is too slow.

    head_seconds : from when a request could begin, or its first byte came, to the end of its head
    take_seconds : from when what is sent to the client piles up to when it takes some of it; it is then cut off without
        waiting for the rest to be taken
    """

    head_seconds: ClassVar[float] = HEAD_SECONDS
    take_seconds: ClassVar[float] = TAKE_SECONDS
    _head_late: asyncio.TimerHandle | None = None
    _takes_nothing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take what came; the wait ends with the head, and begins anew with the first byte of the next one."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._head_is_here()
        elif self._head_late is None:
            self._wait_for_head()

    def pause_writing(self) -> None:
        """Give the client some time to take what has piled up."""
        super().pause_writing()
        self._takes_nothing = self.loop.call_later(self.take_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client took some."""
        self._it_takes()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._head_is_here()
        self._it_takes()
        super().connection_lost(exc)

    def _wait_for_head(self) -> None:
        self._head_late = self.loop.call_later(self.head_seconds, self.timeout_keep_alive_handler)

    def _head_is_here(self) -> None:
        if self._head_late is not None:
            self._head_late.cancel()
            self._head_late = None

    def _it_takes(self) -> None:
        if self._takes_nothing is not None:
            self._takes_nothing.cancel()
            self._takes_nothing = None
