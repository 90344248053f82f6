"""Signing in has threads and a waiting room of its own: a crowd at the door stands in nobody else's way."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from warning.api.problems import BUSY, wait
from warning.service.credentials import HASHING_AT_ONCE
from warning.service.words import Words

T = TypeVar("T")

WAITING = 8
"""Who waits at most: at a tenth of a second a password the last of them is served within the second."""


class Door:
    """Checks a few passwords at a time, lets some people wait, and refuses further ones at once."""

    def __init__(self, at_once: int = HASHING_AT_ONCE, waiting: int = WAITING) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._room = at_once + waiting
        self._inside = 0

    async def run(self, check: Callable[..., T], *given: object, **named: object) -> T:
        """Call a function in a thread when its turn comes; raises ProblemError (503) when the waiting room is full."""
        if self._inside >= self._room:
            detail = Words("登录人数过多,请稍后重试。", "Too many people sign in just now. Try again in a second.")
            raise wait(BUSY, detail, 1)
        self._inside += 1
        try:
            return await to_thread.run_sync(partial(check, *given, **named), limiter=self._limiter)
        finally:
            self._inside -= 1
