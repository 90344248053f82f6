"""The clock: the only place that asks what time it is. Everything else is told."""

from __future__ import annotations

import threading
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


def awake_seconds() -> float:
    """Return seconds that only ever grow, also while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class GuardedClock:
    """The wall clock, but for its jumps: a service that follows a short one closes buckets that are still to come.

    A jump of more than ``largest_ms`` is believed once the wall clock has stood by it for ``patience`` seconds; until
    then time goes on as it passes. Thread-safe.
    """

    def __init__(
        self,
        wall: Clock = now_ms,
        elapsed: Callable[[], float] = awake_seconds,
        *,
        largest_ms: int = 10 * 60_000,
        patience: float = 600.0,
    ) -> None:
        self._wall = wall
        self._elapsed = elapsed
        self._largest_ms = largest_ms
        self._patience = patience
        self._believed, self._at = wall(), elapsed()
        self._jump_ms, self._jumped_at = 0, 0.0
        self._lock = threading.Lock()

    @property
    def jump_ms(self) -> int:
        """How far the wall clock has jumped and is not believed yet; 0 when all is well."""
        return self._jump_ms

    def __call__(self) -> int:
        with self._lock:
            wall, at = self._wall(), self._elapsed()
            steady = self._believed + int(1000 * (at - self._at))
            self._believed = wall if self._believes(wall - steady, at) else steady
            self._at = at
            return self._believed

    def _believes(self, off_ms: int, at: float) -> bool:
        if abs(off_ms) <= self._largest_ms:
            self._jump_ms = 0
            return True
        if abs(off_ms - self._jump_ms) > self._largest_ms:
            self._jump_ms, self._jumped_at = off_ms, at
        if at - self._jumped_at < self._patience:
            return False
        self._jump_ms = 0
        return True


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
