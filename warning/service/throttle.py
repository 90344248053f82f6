"""Slows down guessing: after some free attempts each further one has to wait twice as long."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

FREE = 5
"""Attempts without waiting: what a person with a forgotten password needs."""
LONGEST = timedelta(minutes=5)
"""A longer wait would serve whoever wants to lock somebody out; 288 guesses a day find no password of 12 characters."""
FORGOTTEN_AFTER = timedelta(hours=1)
NAMES = 10_000
"""Names remembered; beyond it the one longest untouched is dropped. Pushing one out costs as many password checks."""


@dataclass(frozen=True, slots=True)
class _Failures:
    count: int
    last_at: datetime


class Throttle:
    """Counts attempts by name. An attempt counts as failed from its start, so guessing in parallel gains nothing."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self._lock = Lock()

    def admit(self, name: str) -> int:
        """Let an attempt in and return 0, or return the seconds to wait, which does not count as an attempt."""
        with self._lock:
            now = self._now()
            before = self._failures.get(name)
            wait = _wait(before, now) if before else timedelta()
            if wait > timedelta():
                return math.ceil(wait.total_seconds())
            count = before.count if before and now - before.last_at < FORGOTTEN_AFTER else 0
            self._failures[name] = _Failures(count + 1, now)
            self._failures.move_to_end(name)
            if len(self._failures) > NAMES:
                self._failures.popitem(last=False)
            return 0

    def forget(self, name: str) -> None:
        """Forget the failures of a name: it has signed in."""
        with self._lock:
            self._failures.pop(name, None)


def _wait(failures: _Failures, now: datetime) -> timedelta:
    """Return how long an attempt has to wait; a clock that was set back makes nobody wait for it."""
    if failures.count < FREE or now < failures.last_at:
        return timedelta()
    delay = min(LONGEST, timedelta(seconds=2.0 ** min(failures.count - FREE, 20)))
    return failures.last_at + delay - now
