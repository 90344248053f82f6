"""Strangers in numbers: they wait for each other, and take nothing from those who have a right to it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from typing import NoReturn

import anyio
import httpx
import pytest
from anyio import to_thread

from tests.warning.api.worlds import ALERT, PASSWORD, World, headers_of
from warning.api.door import WAITING
from warning.api.limits import Limits
from warning.api.security import STRANGERS
from warning.domain.account import Role
from warning.service.accounts import SignInRefusedError
from warning.service.credentials import HASHING_AT_ONCE

JSON = {"Content-Type": "application/json"}
ROOM = HASHING_AT_ONCE + WAITING


def _client(world: World, limits: Limits | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(world.app(limits=limits)), base_url="http://city.example")


def test_a_crowd_at_the_door_is_refused_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond those being checked and a few who wait, a sign-in gets 503 at once, and everybody else is served."""
    opened = threading.Event()

    def slow(name: str, password: str) -> NoReturn:
        assert opened.wait(20)
        raise SignInRefusedError

    monkeypatch.setattr(world.accounts, "sign_in", slow)
    answers: list[httpx.Response] = []
    turned_away = anyio.Event()

    async def sign_in(client: httpx.AsyncClient) -> None:
        answers.append(await client.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD}))
        if len(answers) == 5:
            turned_away.set()

    async def crowd() -> None:
        async with _client(world) as client, anyio.create_task_group() as tasks:
            for _ in range(ROOM + 5):
                tasks.start_soon(sign_in, client)
            with anyio.fail_after(10):
                await turned_away.wait()
            alerts = await client.get("/api/v1/alerts", headers=headers_of(world, Role.VIEWER))
            assert (alerts.status_code, len(answers)) == (200, 5)
            opened.set()

    anyio.run(crowd)
    assert [answer.status_code for answer in answers] == [503] * 5 + [401] * ROOM
    assert answers[0].headers["retry-after"] == "1"


def test_health_and_pushes_need_no_common_thread(world: World) -> None:
    """While every thread that requests share is taken, health is told, and a platform's push gets through the gate."""

    async def asked() -> list[int]:
        shared = to_thread.current_default_thread_limiter()
        for _ in range(int(shared.total_tokens)):
            shared.acquire_on_behalf_of_nowait(object())
        async with _client(world) as client:
            with anyio.fail_after(10):
                live = [await client.get(path) for path in ("/health/live", "/health/ready", "/metrics")]
                push = await client.post(
                    "/api/v1/tickets", content=b'{"ticket_id": "A"}', headers=headers_of(world, "key") | JSON
                )
        return [answer.status_code for answer in (*live, push)]

    assert anyio.run(asked) == [200, 200, 200, 202]


def test_strangers_bodies_take_nothing_from_pushes(world: World) -> None:
    """However many bodies strangers begin and hold back, a push finds room."""
    limits = Limits(body_bytes=100_000, bytes_in_flight=200_000, form_bytes=100)
    held = STRANGERS + 2
    hold, full = anyio.Event(), anyio.Event()
    refused: list[int] = []

    async def held_back() -> AsyncIterator[bytes]:
        yield b"x" * 100
        await hold.wait()

    async def begin(client: httpx.AsyncClient) -> None:
        answer = await client.post("/api/v1/session", content=held_back(), headers=JSON)
        refused.append(answer.status_code)
        if len(refused) == 2:
            full.set()

    async def crowd() -> int:
        async with _client(world, limits) as client, anyio.create_task_group() as tasks:
            for _ in range(held):
                tasks.start_soon(begin, client)
            with anyio.fail_after(20):
                await full.wait()
            headers = headers_of(world, "key") | JSON
            pushed = await client.post("/api/v1/tickets", content=b'["' + b"x" * 90_000 + b'"]', headers=headers)
            assert refused == [503, 503]
            hold.set()
        return pushed.status_code

    assert anyio.run(crowd) == 202


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        (None, "/api/v1/session", 413),
        (None, "/api/v1/tickets", 401),
        (Role.ADMIN, "/api/v1/tickets", 403),
        (Role.OPERATOR, f"/api/v1/alerts/{ALERT}/note", 413),
        ("key", "/api/v1/tickets", 202),
    ],
)
def test_only_a_push_may_be_large(who: Role | str | None, path: str, status: int, world: World) -> None:
    """A body of more than 64 KB is taken of a platform that pushes, and of nobody else."""

    async def post() -> int:
        async with _client(world) as client:
            body = b'["' + b"x" * (64 << 10) + b'"]'
            return (await client.post(path, content=body, headers=headers_of(world, who) | JSON)).status_code

    assert anyio.run(post) == status
