"""Each measurement in a fresh process of its own, so that peak memory is of one job and nothing is warm by accident.

``python -m benchmarks.process benchmarks.engine:read '{"csv": ...}'`` runs one job and prints its figures as JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[1]
Figures = dict[str, float]


def measured(
    job: str, arguments: Mapping[str, object], *, one_core: bool = True, environment: Mapping[str, str] | None = None
) -> Figures:
    """Run ``module:function`` with keyword arguments in a fresh process; returns its figures and ``peak_mb``."""
    command = [sys.executable, "-m", "benchmarks.process", job, json.dumps(dict(arguments))]
    if not one_core:
        command.append("all-cores")
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | dict(environment or {}), stdout=subprocess.PIPE, text=True, check=True
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures


def command(arguments: list[str]) -> Figures:
    """Run a command as a user would, on this core: its seconds, interpreter start included, and ``peak_mb``.

    A job by itself, since a command's peak is never below what the process had that started it.
    """
    start = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, arguments)
    unit = 1 if sys.platform == "darwin" else 1024
    peak = usage.ru_maxrss * unit / 2**20
    return {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "peak_mb": peak}


def use_one_core() -> None:
    """Pin this process to one core, where the system can do that; libraries then start one thread each."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def peak_mb() -> float:
    """Return the most memory this process has had, in MiB.

    Linux's ru_maxrss survives exec and so tells of the parent; VmHWM in /proc is of this program alone.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text("ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def now_mb() -> float:
    """Return the memory this process has now, in MiB (where /proc is)."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text("ascii").split()[1]) * resource.getpagesize() / 2**20 if statm.exists() else peak_mb()


def timed(work: Callable[[], Any]) -> Figures:
    """Return the wall-clock ``seconds`` and the ``cpu_seconds`` (all threads) that a call takes."""
    start, cpu = time.perf_counter(), time.process_time()
    work()
    return {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - cpu}


def _run(job: str, arguments: str, *flags: str) -> None:
    if "all-cores" not in flags:
        use_one_core()
    module, _, name = job.partition(":")
    function = getattr(importlib.import_module(module), name)
    figures = function(**json.loads(arguments))
    click.echo(json.dumps({"peak_mb": peak_mb()} | figures))


if __name__ == "__main__":
    _run(*sys.argv[1:])
