"""The service as a process: HTTP in front, the runtime behind, and a clean end."""

from __future__ import annotations

import logging
import resource
import signal
import socket
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Protocol

import uvicorn

from warning.api.app import ROUTERS, create_app
from warning.api.limits import Limits
from warning.bootstrap.connections import PatientProtocol
from warning.bootstrap.live import build_live
from warning.runtime.clock import Clock
from warning.runtime.http_metrics import MeasuredApp
from warning.service.errors import BadInputError
from warning.web.pages import build_error_page, build_router, static_files

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI

    from warning.bootstrap.live import LiveService
    from warning.runtime.metrics import Metrics
    from warning.service.services import Services
    from warning.settings import Settings

KEEP_ALIVE_SECONDS = 30
DRAIN_SECONDS = 5
"""How long open requests and live streams may take to end when the service stops."""
MEGABYTE = 1_000_000
BACKLOG = 2048
OPEN_FILES = 16_384


class Part(Protocol):
    """Something that runs in threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End, and wait until it has."""


class Hosted(Part, Protocol):
    """A service that can be put behind HTTP, in whatever way it runs."""

    @property
    def settings(self) -> Settings: ...

    @property
    def services(self) -> Services: ...

    @property
    def metrics(self) -> Metrics: ...


def build_app(service: Hosted, routers: Sequence[APIRouter] = ()) -> FastAPI:
    """Put the API and the page in front of a service; ``routers`` are further routes of its own."""
    group = service.settings.service
    page = build_router(service.services)
    app = create_app(
        service.services,
        [page, *routers],
        static=static_files(),
        limits=Limits(
            body_bytes=group.body_mb * MEGABYTE,
            history_bytes=group.history_mb * MEGABYTE,
            items=group.items,
            items_a_minute=group.quota_per_minute,
        ),
        error_page=build_error_page(service.services),
    )
    routes = [route for router in (*ROUTERS, page, *routers) for route in router.routes]
    app.add_middleware(MeasuredApp, metrics=service.metrics, routes=routes)
    return app


class Host(uvicorn.Server):
    """Serves a service until it is told to stop, or the service fails.

    build : puts the service together; gets what the service is to call when it has failed
    ready : called with the address once it listens
    routers : further routes of the service's own
    """

    def __init__(
        self,
        settings: Settings,
        build: Callable[[Callable[[], None]], Hosted],
        *,
        ready: Callable[[str], None],
        routers: Sequence[APIRouter] = (),
    ) -> None:
        self.hosted = build(self._fail)
        self.failed = False
        self._ready = ready
        group = settings.service
        super().__init__(
            uvicorn.Config(
                build_app(self.hosted, routers),
                host=group.host,
                port=group.port,
                forwarded_allow_ips=group.proxies,
                proxy_headers=True,
                http=PatientProtocol,
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )

    def run_until_stopped(self, beside: Sequence[Part] = ()) -> bool:
        """Serve, with other parts running beside; returns whether the end was a clean one."""
        _allow_open_files()
        parts: list[Part] = [self.hosted, *beside]
        listening = _listening(self.config.host, self.config.port)
        for part in parts:
            part.start()
        try:
            self.run(sockets=[listening])
        finally:
            for part in reversed(parts):
                part.stop()
        return not self.failed

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop cleanly; a second Ctrl-C waits for no open request.

        Uvicorn would raise the signal again at its end, before what was taken in is applied and a snapshot taken.
        """
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        if self.started:
            host, port = self.servers[0].sockets[0].getsockname()[:2]
            shown = "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104  compared, not bound
            self._ready(f"http://{shown}:{port}{self.hosted.settings.service.prefix}")

    def _fail(self) -> None:
        logging.getLogger(__name__).critical("the engine has failed; the service ends, so that it is started anew")
        self.failed = True
        self.should_exit = True


class Server(Host):
    """Serves the service that runs on this machine alone."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, ready: Callable[[str], None]) -> None:
        def build(failed: Callable[[], None]) -> LiveService:
            self.service = build_live(settings, clock=clock, on_failure=failed)
            return self.service

        super().__init__(settings, build, ready=ready)


def _allow_open_files() -> None:
    """Take the most open files the system gives: by default often 1,024, which a thousand connections use up."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _listening(host: str, port: int) -> socket.socket:
    """Open the port; raises BadInputError that says why it cannot be."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise BadInputError(
            f"service.port {host}:{port}",
            f"cannot be listened on ({error.strerror or error})",
            "Stop what uses it, or give another with --port (0: any free one).",
            f"service.port: 无法监听 {host}:{port} ({error.strerror or error})。请停止占用者,或用 --port 另选端口。",
        ) from error
