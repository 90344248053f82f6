"""Limits of what a request may bring, and how much of it a key may bring a minute."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import anyio
from starlette.types import Message, Receive

from warning.api.problems import BUSY, TOO_LARGE, TOO_MANY, TOO_SLOW, Kind, ProblemError, wait
from warning.service.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a request may bring; beyond it a problem names the limit.

    body_bytes : of one push
    form_bytes, form_seconds : of every other request but a file of history
    body_seconds : a body must be here by then, so that slow clients hold nothing
    bytes_in_flight : of all requests at a time, never less than two of the largest; beyond it 503
    history_bytes, history_seconds : of a file of history, which goes to the disk; all at a time together take no more
    items : of one push
    nesting : depth of objects and arrays in one item
    items_a_minute : of one key
    what : how the limits of a body are named in problems
    """

    body_bytes: int = 10_000_000
    form_bytes: int = 64 << 10
    form_seconds: float = 20.0
    body_seconds: float = 60.0
    bytes_in_flight: int = 200_000_000
    history_bytes: int = 2_000_000_000
    history_seconds: float = 3600.0
    items: int = 10_000
    nesting: int = 16
    items_a_minute: int = 600_000
    what: str = "body"

    def of_form(self) -> Limits:
        """Return the limits of a request that sends what a person or a program fills in."""
        size, seconds = min(self.form_bytes, self.body_bytes), min(self.form_seconds, self.body_seconds)
        return replace(self, body_bytes=size, body_seconds=seconds)

    def of_history(self) -> Limits:
        """Return the limits of a request that sends a file of history."""
        return replace(self, body_bytes=self.history_bytes, body_seconds=self.history_seconds, what="history")


def exceeded(kind: Kind, name: str, limit: int, zh: str, en: str) -> ProblemError:
    """Make the error that names a limit; the rest of the body is not waited for."""
    return ProblemError(
        kind, Words(zh, en), extra={"limit": {"name": name, "value": limit}}, headers={"Connection": "close"}
    )


class Pool:
    """Counts the bytes that all bodies being read or worked on take together."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.held = 0

    def take(self, size: int) -> None:
        """Hold so many more; raises ProblemError when they do not fit."""
        if self.held + size > self.limit:
            detail = Words(
                "同时传输的数据过多,请稍后重发。", "Too much is being sent at this moment. Send it again later."
            )
            raise wait(BUSY, detail, 1)
        self.held += size

    def give_back(self, size: int) -> None:
        """Hold so many less."""
        self.held -= size


class Body:
    """The ``receive`` of a request, which ends with a problem when its body is too large or too slow."""

    def __init__(self, receive: Receive, limits: Limits, pool: Pool, announced: str) -> None:
        self._receive = receive
        self._limits = limits
        self._pool = pool
        self._announced = int(announced) if announced.isdecimal() else 0
        self._deadline = anyio.current_time() + limits.body_seconds
        self._whole = False
        self.held = 0

    async def __call__(self) -> Message:
        """Return the next message; once the body is whole, messages pass as they are."""
        if self._whole:
            return await self._receive()
        self._check(self._announced)
        message = await self._in_time()
        if message["type"] == "http.request":
            self._count(len(message.get("body", b"")))
            self._whole = not message.get("more_body", False)
        return message

    def close(self) -> None:
        """Give back what the pool held for this body."""
        self._pool.give_back(self.held)
        self.held = 0

    async def _in_time(self) -> Message:
        with anyio.move_on_after(max(0.0, self._deadline - anyio.current_time())):
            return await self._receive()
        seconds = self._limits.body_seconds
        raise exceeded(
            TOO_SLOW,
            f"{self._limits.what}_seconds",
            math.ceil(seconds),
            f"请求体在 {seconds:g} 秒内未传完,请分成较小的请求。",
            f"The body was not complete within {seconds:g} s. Send smaller requests.",
        )

    def _count(self, size: int) -> None:
        self._check(self.held + size)
        self._pool.take(size)
        self.held += size

    def _check(self, size: int) -> None:
        limit = self._limits.body_bytes
        if size > limit:
            raise exceeded(
                TOO_LARGE,
                f"{self._limits.what}_bytes",
                limit,
                f"请求体超过 {limit:,} 字节,请分成较小的请求。",
                f"The body has more than {limit:,} bytes. Send smaller requests.",
            )


class Quotas:
    """Items a minute by key. A key whose account is not overdrawn may send one more request of any allowed size.

    So a request is never too large for its quota, and over time no key sends more than its quota; a refused request
    is refused before its body is read.
    """

    def __init__(self, items_a_minute: int) -> None:
        self._full = float(items_a_minute)
        self._rate = items_a_minute / 60
        self._accounts: dict[str, tuple[float, float]] = {}

    def admit(self, key: str, now: float) -> None:
        """Raise ProblemError that says how long to wait, if so. ``now`` in seconds of a clock that never jumps."""
        level = self._level(key, now)
        if level > 0:
            return
        seconds = max(1, math.ceil((1 - level) / self._rate))
        per_minute = f"{self._full:,.0f}"
        detail = Words(
            f"此密钥每分钟最多 {per_minute} 条,请 {seconds} 秒后重发。",
            f"This key may send {per_minute} items a minute. Send again in {seconds} s.",
        )
        raise wait(TOO_MANY, detail, seconds)

    def charge(self, key: str, items: int, now: float) -> None:
        """Take items off a key's account."""
        self._accounts[key] = (self._level(key, now) - items, now)

    def _level(self, key: str, now: float) -> float:
        level, then = self._accounts.get(key, (self._full, now))
        return min(self._full, level + (now - then) * self._rate)
