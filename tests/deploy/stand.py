"""Every service of the compose file at work on this machine (Grafana is a page over Prometheus, and left out)."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from tests.cluster.workers import PROGRAM, Worker, wait_for
from tests.deploy import compose
from tests.deploy.host import Host, start
from tests.deploy.platform import Broker, database
from tests.deploy.watchers import PROGRAMS, alertmanager_file, prometheus_folder

FILE = compose.load()
OURS = compose.ours(FILE)
WATCHERS = {"prometheus": 9090, "alertmanager": 9093}
JOB = "topics"
PATIENCE = 180.0
"""Seconds: on a machine that does nothing else a tenth of it is enough."""


class Stand:
    """Starts everything when entered, in the order in which the compose file lets it start; ends it when left.

    settings : variables of all our containers, as the operator's deploy/settings.env gives them
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.host = Host(folder)
        self.workers: list[Worker] = []
        self.received: list[dict[str, Any]] = []
        self._settings = settings
        self._others: list[subprocess.Popen[bytes]] = []
        self._after = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def address(self, name: str) -> str:
        """Return the address of the first container of a service, or of a watcher."""
        if name in WATCHERS:
            return f"http://{self.host.address(name, WATCHERS[name])}"
        return next(worker.address for worker in self.workers if worker.kind == name)

    def run(self, *arguments: str, service: str = "api", text: str = "") -> str:
        """Run a command in a container, as ``docker compose exec`` would; returns what it printed."""
        variables = os.environ | self._variables(service, f"{service}-1")
        done = subprocess.run(
            [PROGRAM, *arguments], env=variables, input=text, capture_output=True, text=True, check=False, timeout=180
        )
        assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def wait(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> Any:
        """Wait until something is true, and return what it was; fails with all logs."""
        try:
            return wait_for(condition, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs()}") from error

    def logs(self) -> str:
        """Return the ends of all logs."""
        return "\n".join(f"--- {path.stem}\n{path.read_text()[-3000:]}" for path in self.host.folder.glob("*.log"))

    # --- starting -----------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        self._make_secrets(self._after.enter_context(_Hook(self.received)))
        broker = Broker(self.host)
        self._after.callback(broker.kill)
        broker.start()
        self._after.callback(database(self.host).close)
        broker.wait()
        self.run(*OURS[JOB]["command"], service=JOB)
        for kind in OURS:
            for number in range(compose.replicas(OURS[kind]) if kind != JOB else 0):
                self._start_worker(kind, f"{kind}-{number + 1}")
        self._start_watchers()
        for worker in self.workers:
            self.wait(worker.ready, f"{worker.name} is ready")
        for name in WATCHERS:
            self.wait(partial(_answers, f"{self.address(name)}/-/ready"), f"{name} is ready")

    def _make_secrets(self, hook: str) -> None:
        make = [str(compose.ROOT / "deploy/make-secrets.sh"), "--into", str(self.host.secrets), "--webhook", hook]
        subprocess.run(make, check=True, capture_output=True)

    def _variables(self, service: str, container: str) -> dict[str, str]:
        return self._settings | self.host.environment(OURS[service], container)

    def _start_worker(self, kind: str, name: str) -> None:
        log = self.host.folder / f"{name}.log"
        process = start([PROGRAM, *OURS[kind]["command"]], self._variables(kind, name), log)
        inside = 8311 if kind == "api" else 8312
        self.workers.append(Worker(kind, name, process, f"http://{self.host.address(name, inside)}", log))

    def _start_watchers(self) -> None:
        targets = {name: [self.host.address(name, port)] for name, port in WATCHERS.items()}
        for worker in self.workers:
            targets.setdefault(worker.kind, []).append(worker.address.removeprefix("http://"))
        (self.host.folder / "alertmanager.yml").write_text(alertmanager_file(self.host.secrets))
        file = prometheus_folder(self.host.folder / "prometheus", targets)
        folders = {
            "/etc/prometheus": file.parent,
            "/prometheus": self.host.folder / "prometheus-data",
            "/etc/alertmanager": self.host.folder,
            "/alertmanager": self.host.folder / "alertmanager-data",
        }
        for name, port in WATCHERS.items():
            words = [_placed(word, folders) for word in compose.services(FILE)[name]["command"]]
            command = [PROGRAMS[name], *words, f"--web.listen-address={self.host.address(name, port)}"]
            self._others.append(start(command, {}, self.host.folder / f"{name}.log"))

    def _end(self) -> None:
        for worker in self.workers:
            worker.kill()
        for process in self._others:
            process.kill()
            process.wait()
        self._after.close()


class _Hook:
    """Takes what Alertmanager sends; entered, it gives its address."""

    def __init__(self, received: list[dict[str, Any]]) -> None:
        self._server = HTTPServer(("127.0.0.1", 0), _taker(received.append))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _taker(take: Callable[[dict[str, Any]], None]) -> type[BaseHTTPRequestHandler]:
    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:  # noqa: A002  the library's name
            pass

    return Taker


def _placed(word: str, folders: dict[str, Path]) -> str:
    """Put folders of this machine for those of a container in an argument."""
    option, equals, value = word.partition("=")
    for inside, here in folders.items():
        if value == inside or value.startswith(f"{inside}/"):
            return f"{option}{equals}{here}{value.removeprefix(inside)}"
    return word


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False
