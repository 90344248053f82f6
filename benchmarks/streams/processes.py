"""Contestants as processes: started, watched, ended, and what each has used of the processor."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.process import ROOT
from tests.cluster.workers import Cluster, environment_of
from warning.settings import ENVIRONMENT_PREFIX, Settings

PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
_END_SECONDS = 20.0
_LOOKS, _LOOK_SECONDS = 3, 1.0
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Contestant:
    """One process of a contestant; ``part`` says which half it is."""

    part: str
    process: subprocess.Popen[bytes]
    log: Path

    def used(self) -> float:
        """Return the processor seconds it has used so far, all its threads."""
        return processor_seconds(self.process.pid)

    def check(self) -> None:
        """Fail where it has ended by itself."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.part} ended with {self.process.returncode}:\n{self._said()}")

    def terminate(self) -> None:
        """Ask it to end."""
        if self.process.poll() is None:
            self.process.terminate()

    def end(self) -> float:
        """Wait until it has ended, and return the processor seconds it used in all."""
        deadline = time.monotonic() + _END_SECONDS
        while self.process.returncode is None:
            pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
            if pid:
                self.process.returncode = os.waitstatus_to_exitcode(status)
                return usage.ru_utime + usage.ru_stime
            if time.monotonic() > deadline:
                self.process.kill()
                deadline += _END_SECONDS
            time.sleep(0.02)
        return 0.0

    def _said(self) -> str:
        return self.log.read_text("utf-8", "replace")[-4_000:]


def processor_seconds(pid: int) -> float:
    """Return what a running process has used of the processor, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def peer(settings: Settings, folder: Path, module: str, part: str, *arguments: str) -> Contestant:
    """Start one half of a peer in the peers' environment."""
    words = [str(PEERS_PYTHON), "-m", f"benchmarks.streams.peers.{module}", part, *arguments]
    return _started(settings, folder, part, words)


def worker(cluster: Cluster, kind: str, name: str = "") -> Contestant:
    """Start a worker of the cluster."""
    started = cluster.start(kind, name)
    return Contestant(started.name, started.process, started.log)


def output_of_peer(settings: Settings, module: str, *arguments: str) -> tuple[str, float]:
    """Run a peer to its end; returns what it printed last, and the processor seconds it used."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [str(PEERS_PYTHON), "-m", f"benchmarks.streams.peers.{module}", *arguments]
    done = subprocess.run(words, cwd=ROOT, env=_environment(settings), check=True, stdout=subprocess.PIPE, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout.split()[-1], used


def until_quiet(processes: Sequence[Contestant], patience: float = 90.0) -> None:
    """Wait until processes that have nothing to do use hardly any processor time: they have started."""
    deadline = time.monotonic() + patience
    before = [0.0 for _ in processes]
    quiet = 0
    while quiet < _LOOKS:
        if time.monotonic() > deadline:
            raise TimeoutError("the processes did not become quiet")
        time.sleep(_LOOK_SECONDS)
        for one in processes:
            one.check()
        now = [one.used() for one in processes]
        # A busy machine may keep a process waiting before it has begun: imports alone take more than this.
        still = all(used > 1.0 and used - last < 0.1 for used, last in zip(now, before, strict=True))
        quiet = quiet + 1 if still else 0
        before = now


def _started(settings: Settings, folder: Path, part: str, words: list[str]) -> Contestant:
    log = folder / f"{part}-{time.monotonic_ns()}.log"
    with log.open("wb") as file:
        process = subprocess.Popen(words, cwd=ROOT, env=_environment(settings), stdout=file, stderr=subprocess.STDOUT)
    return Contestant(part, process, log)


def _environment(settings: Settings) -> dict[str, str]:
    mine = {name: text for name, text in os.environ.items() if not name.startswith(ENVIRONMENT_PREFIX)}
    return mine | environment_of(settings)


def peers_are_there() -> bool:
    """Whether ``make peers`` has been run."""
    return PEERS_PYTHON.exists() and sys.platform != "win32"
