"""Servers of the live benchmarks, each a process of its own on 127.0.0.1, and how a client starts and reaches one.

``python -m benchmarks.live_server service '{"data": ...}'`` serves the real service over a data folder, ``bare '{}'``
a FastAPI endpoint that only parses what it gets, under the same configuration of uvicorn. Each prints one line of JSON
once it listens, and ends cleanly on SIGTERM.
"""

from __future__ import annotations

import http.client
import json
import math
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import uvicorn
from fastapi import FastAPI, Request

from benchmarks.process import ROOT
from warning.bootstrap.serving import KEEP_ALIVE_SECONDS, Server
from warning.runtime.clock import Clock, FastClock, now_ms, steady_seconds
from warning.settings import Settings

CORES = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set[int]()
"""The cores there are, before anything is pinned."""
POLL_SECONDS = 0.02
START_SECONDS = 600.0
SOURCE = "desk"
SESSION_COOKIE = "ew_session"
JSON, NDJSON = "application/json", "application/x-ndjson"


@dataclass(slots=True)
class Client:
    """One connection, kept open."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def get(self, path: str) -> bytes:
        """Return what a path gives; anything but success is an error."""
        return self.send("GET", path)

    def send(self, method: str, path: str, body: bytes | None = None, media_type: str = JSON) -> bytes:
        """Make a request; returns the answer's body."""
        headers = self.headers | ({} if body is None else {"Content-Type": media_type})
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        told = answer.read()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {told[:500]!r}")
        return told

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the lines of a stream as they come, until it ends or :meth:`close` is called."""
        self.connection.request("GET", path, headers=self.headers)
        with suppress(OSError, ValueError, AttributeError):  # how reading ends when the socket goes
            yield from self.connection.getresponse()

    def close(self) -> None:
        """End what is being read, in another thread too."""
        if self.connection.sock is not None:
            self.connection.sock.shutdown(socket.SHUT_RDWR)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that runs.

    facts : what it said when it listened
    began : when its process was started (steady seconds, the same clock in all processes of a machine)
    """

    process: subprocess.Popen[str]
    facts: dict[str, Any]
    began: float

    def client(self, **headers: str) -> Client:
        """Open a connection."""
        return Client(self.facts["port"], headers)

    def sign_in(self) -> Client:
        """Open a connection as the admin, in a session that the service began when it started."""
        return self.client(Cookie=f"{SESSION_COOKIE}={self.facts['session']}")

    def ready(self) -> float:
        """Wait until the service says that it is ready; returns the seconds since its process was started."""
        client = self.client()
        while time.monotonic() < self.began + START_SECONDS:
            client.connection.request("GET", "/health/ready")
            answer = client.connection.getresponse()
            answer.read()
            if answer.status == 200:
                return time.monotonic() - self.began
            time.sleep(POLL_SECONDS)
        raise TimeoutError("the service did not become ready")

    def cpu_seconds(self) -> float:
        """Return the processor time it has used, all threads; not a number where there is no /proc."""
        stat = Path(f"/proc/{self.process.pid}/stat")
        if not stat.exists():
            return math.nan
        fields = stat.read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it cleanly."""
        self.process.terminate()
        if self.process.wait(120):
            raise RuntimeError("the server did not end cleanly")

    def kill(self) -> None:
        """End it at once, as ``kill -9`` does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(kind: str, **arguments: object) -> Iterator[Running]:
    """Start a server pinned to the first core (clients keep to the last), wait until it listens, end it at the end."""
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.live_server", kind, json.dumps(arguments)]
    with _born_on(min(CORES, default=0)):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the server ended before it listened")
        server = Running(process=process, facts=json.loads(line), began=began)
        try:
            yield server
        finally:
            if process.poll() is None:
                server.stop()


def service(
    data: str, settings: Mapping[str, Any] | None = None, start_ms: int = 0, factor: float = 1.0
) -> Callable[[], bool]:
    """Make a service; with ``start_ms`` its clock begins there and runs ``factor`` times as fast."""
    chosen = Settings.model_validate(dict(settings or {}))
    chosen = chosen.model_copy(update={"service": chosen.service.model_copy(update={"data": data, "port": 0})})
    clock: Clock = now_ms
    facts: dict[str, Any] = {}
    if start_ms:
        clock = FastClock(start_ms, factor)
        clock.run()
        facts |= {"start_ms": start_ms, "factor": factor, "started": steady_seconds()}
    server = Server(chosen, clock=clock, ready=lambda address: _tell(address, facts))
    accounts = server.service.services.accounts
    accounts.first_admin()
    accounts.add_source(SOURCE, "canonical")
    session = accounts.sign_in_once(accounts.one_time_token("admin"))
    facts |= {"key": accounts.add_key(SOURCE).secret, "session": session.token}
    return server.run_until_stopped


def bare() -> Callable[[], bool]:
    """Make the endpoint that only parses: a JSON array, or a value a line."""
    app = FastAPI()

    @app.post("/json", status_code=202)
    async def array(request: Request) -> dict[str, int]:
        return {"accepted": len(json.loads(await request.body()))}

    @app.post("/ndjson", status_code=202)
    async def lines(request: Request) -> dict[str, int]:
        return {"accepted": len([json.loads(line) for line in (await request.body()).splitlines()])}

    server = _Bare(
        uvicorn.Config(
            app,
            port=0,
            proxy_headers=True,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
    )

    def run() -> bool:
        server.run()
        return True

    return run


class _Bare(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        """Listen, then say where."""
        await super().startup(sockets)
        _tell(f"http://127.0.0.1:{self.servers[0].sockets[0].getsockname()[1]}", {})

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End without raising the signal again."""
        self.should_exit = True


def _tell(address: str, facts: Mapping[str, Any]) -> None:
    click.echo(json.dumps({"port": int(address.rpartition(":")[2]), **facts}))
    sys.stdout.flush()


@contextmanager
def _born_on(core: int) -> Iterator[None]:
    """Let processes started in the block run on one core, and this thread on the last one from then on."""
    if CORES:
        os.sched_setaffinity(0, {core})
    yield
    if CORES:
        os.sched_setaffinity(0, {max(CORES)})


def _main(kind: str, arguments: str) -> int:
    made: Callable[..., Callable[[], bool]] = service if kind == "service" else bare
    serve = made(**json.loads(arguments))
    return 0 if serve() else 1


if __name__ == "__main__":
    sys.exit(_main(*sys.argv[1:]))
