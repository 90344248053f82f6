"""What was looked up a moment ago, so that a busy client does not cost a query a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")

ENTRIES = 4_096
"""When there are more, all are forgotten: they are cheap to look up again, and live only for seconds."""


class Recent(Generic[T]):
    """Remembers values by key for a short life; a clock that was set back makes nothing live longer."""

    def __init__(self, life: timedelta, now: Callable[[], datetime]) -> None:
        self._life = life
        self._now = now
        self._entries: dict[str, tuple[datetime, T]] = {}
        self._lock = Lock()

    def get(self, key: str) -> T | None:
        """Return a value that is young enough."""
        entry = self._entries.get(key)
        if entry is None or not timedelta() <= self._now() - entry[0] < self._life:
            return None
        return entry[1]

    def put(self, key: str, value: T) -> T:
        """Remember a value, and return it."""
        with self._lock:
            if len(self._entries) >= ENTRIES:
                self._entries.clear()
            self._entries[key] = (self._now(), value)
        return value

    def drop(self, key: str) -> None:
        """Forget one value."""
        with self._lock:
            self._entries.pop(key, None)

    def clear(self) -> None:
        """Forget all values."""
        with self._lock:
            self._entries.clear()
