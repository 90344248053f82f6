"""Memory of processes over time, and how steeply it grows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

EVERY_SECONDS = 5.0
_HOUR = 3_600.0


class Memory:
    """Looks at the resident memory of processes every few seconds, in a thread of its own.

    pids : gives the processes of now by name
    """

    def __init__(self, pids: Callable[[], Mapping[str, int]]) -> None:
        self._pids = pids
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: dict[str, list[tuple[float, float]]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY_SECONDS):
            for name, pid in self._pids().items():
                megabytes = resident_mb(pid)
                if megabytes is not None:
                    self.seen.setdefault(name, []).append((time.monotonic(), megabytes))


def resident_mb(pid: int) -> float | None:
    """Return a process' resident memory, in MiB; None where it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return None
    lines = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(lines[0].split()[1]) / 1024 if lines else None


def slope(seen: list[tuple[float, float]]) -> tuple[float, float]:
    """Return MiB an hour by regression, and the standard error of that."""
    times, sizes = (np.array(column) for column in zip(*seen, strict=True))
    hours = (times - times.mean()) / _HOUR
    spread = float((hours**2).sum())
    rise = float((hours * sizes).sum() / spread)
    rest = sizes - sizes.mean() - rise * hours
    return rise, float(np.sqrt((rest**2).sum() / max(1, len(sizes) - 2) / spread))
