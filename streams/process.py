"""A worker as a process: its Faust app, its metrics and health over HTTP, a clean end on SIGTERM, and a loud one.

Whatever goes wrong beyond repair ends the process at once: every state is derived from the log and a snapshot, so the
next process begins where this one was, and nothing is made worse by code that goes on with half a state.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from streams.collector import tune_collector
from streams.failures import frames_of
from warning.domain.errors import EarlyWarningError
from warning.runtime.clock import steady_seconds
from warning.service.errors import BadInputError

if TYPE_CHECKING:
    import faust

    from warning.settings import Settings

DRAIN_SECONDS = 9.0
"""A worker that was told to stop is gone after so long, whether or not its last snapshot could be stored."""
_WATCH_SECONDS = 0.5
_FAILED = 1

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a worker does.

    alive : False when it should be started anew: records wait and none was applied for too long
    ready : restored and caught up, or otherwise at work
    detail : in words, for people
    """

    alive: bool = True
    ready: bool = True
    detail: str = ""


class Part(Protocol):
    """Something that begins before the app and ends after it."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Process:
    """Runs one worker until it is told to stop.

    Parameters
    ----------
    app : with the worker's agents and services
    parts : begun in order before the app, ended in reverse order after it
    registry : of the metrics
    health : gives how the worker does
    announced : called with the address of metrics and health once it works
    """

    def __init__(
        self,
        app: faust.App,
        settings: Settings,
        *,
        parts: Sequence[Part] = (),
        registry: CollectorRegistry,
        health: Callable[[], Health],
        announced: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._app = app
        self._settings = settings
        self._parts = parts
        self._registry = registry
        self._health = health
        self._announced = announced
        self._stopping: asyncio.Event = asyncio.Event()

    def run(self) -> NoReturn:
        """Run, then end the process: a thread that hangs in a database would otherwise be waited for without limit."""
        tune_collector()
        _leave(asyncio.Runner().run(self._run()))

    async def _run(self) -> int:
        loop = asyncio.get_running_loop()
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, self._stopping.set)
        runner = await self._listen()
        if not await self._started():
            _LOG.info("stopped while starting")
            return 0
        failed = await self._watch()
        deadline = steady_seconds() + DRAIN_SECONDS
        for step in (self._app.stop, *(part.stop for part in reversed(self._parts)), runner.cleanup):
            await _within(step, deadline)
        return _FAILED if failed else 0

    async def _started(self) -> bool:
        """Begin everything; False when told to stop before, which brokers that say nothing can make very long."""
        starting = asyncio.create_task(self._start())
        stopping = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            return False
        await starting
        return True

    async def _start(self) -> None:
        for part in self._parts:
            await part.start()
        await self._app.start()

    async def _watch(self) -> bool:
        """Wait until told to stop (False), or until Faust is not well (True)."""
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _WATCH_SECONDS)
            if self._app.crashed or (self._app.should_stop and not self._stopping.is_set()):
                _LOG.critical("faust has crashed; the process ends", extra={"reason": repr(self._app.crash_reason)})
                return True
        return False

    async def _listen(self) -> web.AppRunner:
        host, port = self._settings.cluster.host, self._settings.cluster.port
        pages = web.Application()
        pages.router.add_get("/metrics", self._metrics)
        pages.router.add_get("/health/live", self._live)
        pages.router.add_get("/health/ready", self._ready)
        runner = web.AppRunner(pages, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise BadInputError(
                f"cluster.port {host}:{port}",
                f"cannot be listened on ({error.strerror or error})",
                "Stop what uses it, or give another (0: any free one).",
                f"cluster.port: 无法监听 {host}:{port} ({error.strerror or error})。请停止占用者或另选端口。",
            ) from error
        self._announced(f"http://{host}:{runner.addresses[0][1]}")
        return runner

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _live(self, _: web.Request) -> web.Response:
        health = self._health()
        return _told(health, good=health.alive)

    async def _ready(self, _: web.Request) -> web.Response:
        health = self._health()
        return _told(health, good=health.alive and health.ready)


def end_process(reason: BaseException) -> NoReturn:
    """End the process at once and say why; what it was told to do and has not done is done by the next one."""
    said = str(reason) if isinstance(reason, EarlyWarningError) else type(reason).__name__
    _LOG.critical("the process ends", extra={"reason": said, "trace": frames_of(reason)})
    _leave(_FAILED)


async def or_end_process(work: Awaitable[None]) -> None:
    """Wait for work whose failure nothing can go on from."""
    try:
        await work
    except asyncio.CancelledError:
        raise
    except BaseException as error:  # noqa: BLE001  the process loop of an agent: it ends loudly
        end_process(error)


async def _within(step: Callable[[], Awaitable[None]], deadline: float) -> None:
    try:
        await asyncio.wait_for(step(), max(0.1, deadline - steady_seconds()))
    except TimeoutError:
        _LOG.warning("a part did not end in time; it is left behind", extra={"part": repr(step)})


def _leave(code: int) -> NoReturn:
    """End now, whatever still runs."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)


def _told(health: Health, *, good: bool) -> web.Response:
    body = {"alive": health.alive, "ready": health.ready, "detail": health.detail}
    return web.json_response(body, status=200 if good else 503)
