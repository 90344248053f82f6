"""Counts what an HTTP application answers, from outside it, by the route that answered."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, Route

from warning.runtime.clock import steady_seconds
from warning.runtime.metrics import OTHER, Metrics

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_FAILED = 500
"""What an application that raised before it answered is counted as."""


class MeasuredApp:
    """An ASGI application whose requests are counted by method, path template and class of the status.

    app : answers
    metrics : counts
    routes : all that have a path template; what none of them answers counts as "other"
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._metrics = metrics
        known = [route for route in routes if isinstance(route, Route)]
        metrics.expect_routes((method, route.path) for route in known for method in sorted(route.methods or ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with ExitStack() as open_streams:
            answer = _Answer(scope, send, self._metrics, open_streams)
            try:
                await self._app(scope, receive, answer.send)
            finally:
                answer.count(_FAILED)


class _Answer:
    """One answer, counted when it begins; a live stream counts as open until it ends."""

    def __init__(self, scope: Scope, send: Send, metrics: Metrics, open_streams: ExitStack) -> None:
        self._scope = scope
        self._send = send
        self._metrics = metrics
        self._open_streams = open_streams
        self._began = steady_seconds()
        self._counted = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.count(message["status"])
            kind = dict(message.get("headers", ())).get(b"content-type", b"")
            if kind.startswith(b"text/event-stream"):
                self._open_streams.enter_context(self._metrics.stream())
        await self._send(message)

    def count(self, status: int) -> None:
        """Count the answer, once."""
        if not self._counted:
            self._counted = True
            route = getattr(self._scope.get("route"), "path", OTHER)
            self._metrics.request(self._scope["method"], route, status, steady_seconds() - self._began)
