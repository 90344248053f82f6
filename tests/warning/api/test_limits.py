"""The limits' arithmetic."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive

from warning.api.limits import Body, Limits, Pool, Quotas
from warning.api.problems import ProblemError


@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.floats(0, 100), st.integers(0, 500)), max_size=60),
)
def test_no_key_gets_more_than_its_quota(quota: int, requests: list[tuple[float, int]]) -> None:
    """Whatever comes when, a key gets no more than a minute's items, its rate, and the request that overdrew it."""
    quotas, now, got, last = Quotas(quota), 0.0, 0, 0
    for pause, items in requests:
        now += pause
        try:
            quotas.admit("a", now)
        except ProblemError as error:
            wait = int(error.problem.headers["Retry-After"])
            quotas.admit("a", now + wait)
            continue
        quotas.charge("a", items, now)
        got, last = got + items, items
    assert got <= quota + now * quota / 60 + last + 1e-6


def test_keys_have_accounts_of_their_own() -> None:
    """One key's flood costs another nothing."""
    quotas = Quotas(10)
    quotas.charge("a", 100, 0.0)
    quotas.admit("b", 0.0)
    with pytest.raises(ProblemError):
        quotas.admit("a", 0.0)


def test_bodies_share_the_memory() -> None:
    """What all bodies hold together is limited, and given back when they are done."""
    pool, limits = Pool(10), Limits(body_bytes=8)

    async def held_by(*sizes: int) -> None:
        bodies = [Body(_giving(b"x" * size), limits, pool, "") for size in sizes]
        try:
            for body in bodies:
                await body()
        finally:
            for body in bodies:
                body.close()

    anyio.run(held_by, 8, 2)
    with pytest.raises(ProblemError) as caught:
        anyio.run(held_by, 8, 3)
    assert caught.value.problem.headers["Retry-After"] == "1"
    assert pool.held == 0


def test_forms_are_small() -> None:
    """What is filled in takes no more than a push may, in size and in time."""
    assert Limits().of_form().body_bytes == 64 << 10
    tight = Limits(body_bytes=100, body_seconds=0.5).of_form()
    assert (tight.body_bytes, tight.body_seconds) == (100, 0.5)


def test_a_slow_body_is_cut_off() -> None:
    """A body that is not whole in time is refused, however often a little of it comes."""

    async def drip() -> Message:
        await anyio.sleep(0.02)
        return {"type": "http.request", "body": b"x", "more_body": True}

    async def read() -> None:
        body = Body(drip, Limits(body_seconds=0.1), Pool(1000), "")
        while True:
            await body()

    with pytest.raises(ProblemError) as caught:
        anyio.run(read)
    assert caught.value.problem.kind.status == 408


def test_after_the_body_nothing_is_timed() -> None:
    """Once the body is whole its time limit is over: a stream may wait for the client to go as long as it likes."""
    messages: list[Message] = [{"type": "http.request", "body": b""}, {"type": "http.disconnect"}]

    async def receive() -> Message:
        if len(messages) == 1:
            await anyio.sleep(0.05)
        return messages.pop(0)

    async def read() -> str:
        body = Body(receive, Limits(body_seconds=0.01), Pool(1000), "")
        await body()
        kind: str = (await body())["type"]
        return kind

    assert anyio.run(read) == "http.disconnect"


def _giving(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    return receive
