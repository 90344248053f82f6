"""The live stream over real connections: nothing missed, nobody waited for."""

from __future__ import annotations

import json
import random
import socket
import threading
from collections.abc import Iterator
from time import monotonic
from urllib.parse import urlsplit

import pytest
from anyio import run, sleep

from tests.warning.api.servers import listening, serving
from tests.warning.api.worlds import ALERT, World, headers_of
from tests.warning.service.accounts_in_memory import START
from warning.api.feed import IN_MEMORY, Feed
from warning.api.routes import stream
from warning.domain.account import Role


@pytest.fixture(name="url")
def _url(world: World) -> Iterator[str]:
    with serving(world.app()) as base:
        yield f"{base}/api/v1/alerts/stream"


@pytest.fixture(name="viewer")
def _viewer(world: World) -> dict[str, str]:
    return headers_of(world, Role.VIEWER)


def _tell(world: World, count: int = 1) -> None:
    for _ in range(count):
        world.alerts.tell("alert", ALERT, "UPDATE-1", START)


def test_a_change_arrives(url: str, viewer: dict[str, str], world: World) -> None:
    """A stream says where it begins, then tells what changes as it changes."""
    _tell(world, 3)
    with listening(url, viewer) as events:
        assert (first := next(events)).kind == "ready"
        assert first.id == 3
        _tell(world)
        change = next(events)
    assert (change.kind, change.id) == ("change", 4)
    assert json.loads(change.data) == {
        "sequence": 4,
        "at": "2026-03-02T08:00:00Z",
        "kind": "alert",
        "subject": ALERT,
        "change": "UPDATE-1",
    }


def test_nothing_is_missed_across_reconnects(url: str, viewer: dict[str, str], world: World) -> None:
    """A client cut off again and again at random moments sees every change once and in order."""
    chance, whole = random.Random(5), 3 * IN_MEMORY
    with listening(url, viewer) as events:
        last = next(events).id
    writer = threading.Thread(target=_tell, args=(world, whole))
    writer.start()
    seen: list[int] = []
    while last < whole:
        with listening(url, viewer | {"Last-Event-ID": str(last)}) as events:
            assert next(events).kind == "ready"
            for _ in range(min(chance.randint(1, 400), whole - last)):
                last = next(events).id
                seen.append(last)
    writer.join()
    assert seen == list(range(1, whole + 1))


def test_what_is_no_longer_kept_is_said(url: str, viewer: dict[str, str], world: World) -> None:
    """A client whose last id is older than what is kept, or newer than there is, gets a reset and goes on from now."""
    _tell(world, 10)
    del world.alerts.feed[:6]
    for after, kind, begins in ((5, "reset", 10), (6, "ready", 6), (99, "reset", 10)):
        with listening(f"{url}?after={after}", viewer) as events:
            first = next(events)
        assert (first.kind, first.id) == (kind, begins)


def test_a_crowd_costs_no_threads(url: str, viewer: dict[str, str], world: World) -> None:
    """Hundreds of listeners share one task: each hears of a change, and no thread is added for any."""
    address = urlsplit(url)
    request = f"GET {address.path} HTTP/1.1\r\nHost: x\r\nCookie: {viewer['Cookie']}\r\n\r\n".encode()
    crowd = [socket.create_connection((str(address.hostname), address.port or 0), timeout=20) for _ in range(300)]
    try:
        for each in crowd:
            each.sendall(request)
        for each in crowd:
            _read_until(each, b"event: ready")
        threads = threading.active_count()
        _tell(world)
        for each in crowd:
            _read_until(each, b"event: change")
        assert threading.active_count() <= threads + 2
        assert threads < 60
    finally:
        for each in crowd:
            each.close()


def _read_until(connection: socket.socket, wanted: bytes) -> None:
    got = b""
    while wanted not in got:
        more = connection.recv(65536)
        assert more, got
        got += more


def test_who_takes_nothing_is_dropped(viewer: dict[str, str], world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that takes nothing is dropped after a while, and until then costs no memory."""
    monkeypatch.setattr(stream, "SEND_SECONDS", 0.2)
    app = world.app()
    feed: Feed = app.state.feed
    with serving(app) as base:
        address = urlsplit(base)
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect((str(address.hostname), address.port))
            deaf.sendall(f"GET {stream.router.prefix}/alerts/stream?after=0 HTTP/1.1\r\nHost: x\r\n".encode())
            deaf.sendall(f"Cookie: {viewer['Cookie']}\r\n\r\n".encode())
            _tell(world, 60_000)
            run(_until_nobody_listens, feed)


async def _until_nobody_listens(feed: Feed) -> None:
    seen = False
    for _ in range(1000):
        seen = seen or feed._listeners == 1
        if seen and feed._listeners == 0:
            return
        await sleep(0.02)
    pytest.fail(f"{feed._listeners} listeners are left")


def test_a_stream_ends_by_itself(
    url: str, viewer: dict[str, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream ends after its time, so that rights are looked at again when the client comes back."""
    monkeypatch.setattr(stream, "LONGEST_SECONDS", 0.0)
    with listening(url, viewer) as events:
        next(events)
        _tell(world)
        assert len(list(events)) <= 1


@pytest.mark.parametrize("told", [True, False], ids=["changes", "quiet"])
def test_who_is_let_in_no_more_hears_no_more(
    *, told: bool, url: str, viewer: dict[str, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream ends within seconds once its user is deactivated, whether or not anything happens."""
    monkeypatch.setattr(stream, "BELIEVED_SECONDS", 0.0)
    with listening(url, viewer) as events:
        next(events)
        _tell(world)
        assert next(events).kind == "change"
        world.accounts.deactivate("viewer")
        began = monotonic()
        if told:
            _tell(world)
        assert list(events) == []
        assert monotonic() - began < 5


@pytest.mark.parametrize("last", ["x", "-1", "99999999999999999999"])
def test_a_wrong_last_id(last: str, url: str, viewer: dict[str, str]) -> None:
    """A Last-Event-ID that is no number we gave is refused."""
    import httpx

    answer = httpx.get(url, headers=viewer | {"Last-Event-ID": last})
    assert answer.status_code == 422
