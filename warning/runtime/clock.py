"""The clock: the only place that asks what time it is. Everything else is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

Clock: TypeAlias = Callable[[], int]
"""Gives the time now, milliseconds of the epoch (UTC)."""


def now_ms() -> int:
    """Return the time now, milliseconds of the epoch (UTC)."""
    return time.time_ns() // 1_000_000


def steady_seconds() -> float:
    """Return seconds that only ever grow, whatever is done to the wall clock: for durations and time-outs."""
    return time.monotonic()


class FastClock:
    """A clock for demonstrations: ``start_ms``, plus ``factor`` times what has passed since :meth:`run` was called.

    It follows elapsed time, not the wall clock, so that it can go on later from where it was.
    """

    def __init__(self, start_ms: int, factor: float, elapsed: Callable[[], float] = steady_seconds) -> None:
        self.start_ms = start_ms
        self.factor = factor
        self._elapsed = elapsed
        self._running_since: float | None = None

    def run(self) -> None:
        """Let time pass from now on."""
        self._running_since = self._elapsed()

    def __call__(self) -> int:
        if self._running_since is None:
            return self.start_ms
        return self.start_ms + int(1000 * self.factor * (self._elapsed() - self._running_since))
