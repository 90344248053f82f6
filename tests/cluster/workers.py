"""Workers as processes that a test starts, kills, pauses and stops."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import nan
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import BaseModel

from tests.kafka.broker import free_ports
from warning.settings import ENVIRONMENT_PREFIX, Settings

PROGRAM = Path(sys.executable).with_name("early-warning")
PATIENCE = 60.0
"""Seconds after which a test gives up waiting."""
_PDEATHSIG = 1


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the variables that say what the settings say."""
    return {f"{ENVIRONMENT_PREFIX}{name}": text for name, text in _variables(settings)}


def _variables(group: BaseModel, before: str = "") -> Iterator[tuple[str, str]]:
    for name, value in group:
        if isinstance(value, BaseModel):
            yield from _variables(value, f"{before}{name}__".upper())
        elif value != "":
            yield f"{before}{name}".upper(), str(value)


def wait_for(condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> Any:
    """Wait until something is true, and return what it was."""
    end = monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if monotonic() > end:
            raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")
        sleep(0.05)


@dataclass
class Worker:
    """One process of the cluster."""

    kind: str
    name: str
    process: subprocess.Popen[bytes]
    address: str
    log: Path

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    @property
    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def ready(self) -> bool:
        """Whether it says that it is; fails where it has ended."""
        assert self.running, f"{self.name} ended with {self.process.returncode}:\n{self.said[-4000:]}"
        answer = self._get("/health/ready")
        return answer is not None and answer.status_code == 200

    def wait_until_ready(self) -> Self:
        wait_for(self.ready, f"{self.name} is ready\n{self.said[-2000:]}")
        return self

    def health(self) -> dict[str, Any]:
        """Return how it says it does; nothing where it does not answer."""
        answer = self._get("/health/ready")
        return {} if answer is None else dict(answer.json())

    def metric(self, name: str) -> float:
        """Return the sum of a metric over its labels; NaN where it does not answer."""
        answer = self._get("/metrics")
        if answer is None:
            return nan
        lines = [line for line in answer.text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def kill(self) -> None:
        """End it as a loss of power would."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self, seconds: float = 15.0) -> int:
        """Ask it to end, and return its exit code."""
        self.process.terminate()
        return self.process.wait(seconds)

    def _get(self, path: str) -> httpx.Response | None:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.address}{path}", timeout=5, trust_env=False)
        return None


class Cluster:
    """Starts workers over one Kafka and one database; all that still run are killed at the end."""

    def __init__(
        self, settings: Settings, folder: Path, *, programs: Mapping[str, Sequence[str]] | None = None, **more: str
    ) -> None:
        """``programs``: run in place of a kind's own command; ``more``: variables that all processes get."""
        self.settings = settings
        self.folder = folder
        self._programs = programs or {}
        self._more = more
        self.workers: list[Worker] = []
        self._started = 0

    def run(self, *arguments: str, code: int = 0) -> str:
        """Run a command to its end, which has this exit code; returns what it printed."""
        done = subprocess.run(
            [PROGRAM, *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, kind: str, name: str = "", **variables: str) -> Worker:
        """Start a worker (api, intake, detect, alerts); a name that was used before is that worker started again."""
        self._started += 1
        name = name or f"{kind}{self._started}"
        (port,) = free_ports(1)
        own = {"KAFKA__INSTANCE": name, "CLUSTER__PORT": str(port), "SERVICE__PORT": str(port)}
        environment = self._environment() | {f"{ENVIRONMENT_PREFIX}{key}": text for key, text in own.items()}
        log = self.folder / f"{name}-{self._started}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                self._programs.get(kind, [PROGRAM, "cluster", kind]),
                env=environment | variables,
                stdout=file,
                stderr=subprocess.STDOUT,
                preexec_fn=_die_with_parent,  # noqa: PLW1509  nothing else is done between fork and exec
            )
        worker = Worker(kind, name, process, f"http://127.0.0.1:{port}", log)
        self.workers.append(worker)
        return worker

    def of(self, kind: str) -> list[Worker]:
        """Return the running workers of a kind."""
        return [worker for worker in self.workers if worker.kind == kind and worker.running]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for worker in self.workers:
            worker.kill()
        if error is not None:
            for worker in self.workers:
                print(f"--- {worker.name} (exit {worker.process.returncode})\n{worker.said[-3000:]}")  # noqa: T201

    def _environment(self) -> dict[str, str]:
        mine = {name: text for name, text in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}
        return mine | environment_of(self.settings) | self._more


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
