"""What only a real connection shows: huge bodies, slow senders, and a crowd."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.warning.api.servers import serving
from tests.warning.api.worlds import World, headers_of
from warning.api.limits import Limits
from warning.api.routes.tickets import PUSHES_AT_ONCE

PUSH = "/api/v1/tickets"
GIGABYTE = 1_000_000_000


@pytest.fixture(name="base")
def _base(world: World) -> Iterator[str]:
    with serving(world.app(limits=Limits(body_seconds=1.0))) as address:
        yield address


def _connected(base: str, world: World, framing: str) -> socket.socket:
    address = urlsplit(base)
    connection = socket.create_connection((str(address.hostname), address.port or 0), timeout=10)
    connection.sendall(_head(world, framing))
    return connection


def _head(world: World, framing: str) -> bytes:
    authorization = headers_of(world, "key")["Authorization"]
    head = f"POST {PUSH} HTTP/1.1\r\nHost: x\r\nAuthorization: {authorization}\r\n"
    return f"{head}Content-Type: application/json\r\n{framing}\r\n\r\n".encode()


def _answer(connection: socket.socket) -> bytes:
    got = b""
    try:
        while more := connection.recv(65536):
            got += more
    except ConnectionResetError:
        pass
    return got


def test_a_gigabyte_is_refused_early(base: str, world: World) -> None:
    """A client that streams a gigabyte is cut off after little more than the limit, and costs no memory."""
    before, sent, piece = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        0,
        b"%x\r\n" % 1_000_000 + b" " * 1_000_000,
    )
    with _connected(base, world, "Transfer-Encoding: chunked") as connection:
        try:
            while sent < GIGABYTE:
                connection.sendall(piece + b"\r\n")
                sent += 1_000_000
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = _answer(connection)
    assert sent < 40_000_000
    assert b"413" in answer.split(b"\r\n")[0]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000  # kilobytes


def test_an_announced_gigabyte_is_refused_at_once(base: str, world: World) -> None:
    """A client that announces a gigabyte and waits for leave to send it is refused before it sends."""
    framing = f"Content-Length: {GIGABYTE}\r\nExpect: 100-continue"
    with _connected(base, world, framing) as connection:
        answer = _answer(connection)
    assert answer.startswith(b"HTTP/1.1 413")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["limit"]["name"] == "body_bytes"


def test_a_slow_sender_is_cut_off(base: str, world: World) -> None:
    """A client that does not finish its body in time is told so, and its connection is closed."""
    with _connected(base, world, "Content-Length: 1000") as connection:
        connection.sendall(b"[")
        answer = _answer(connection)
    assert answer.startswith(b"HTTP/1.1 408")
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["limit"] == {"name": "body_seconds", "value": 1}


def test_a_client_that_leaves_is_no_failure(base: str, world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A client that goes away in the middle of its body is no error of ours, and the next one is served."""
    for _ in range(3):
        with _connected(base, world, "Content-Length: 1000") as connection:
            connection.sendall(b"[")
    answer = httpx.post(base + PUSH, json=[{"ticket_id": "A"}], headers=headers_of(world, "key"))
    assert answer.status_code == 202
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_thousand_at_once(world: World) -> None:
    """A thousand pushes that come together are all taken, each with its answer, by a bounded number of threads."""

    async def push_all(base: str) -> list[bytes]:
        return await asyncio.gather(*(_push_one(base, world, number) for number in range(1000)))

    threads = threading.active_count()
    with serving(world.app()) as base:
        assert asyncio.run(push_all(base)) == [b"HTTP/1.1 202 Accepted\r\n"] * 1000
        assert threading.active_count() - threads <= PUSHES_AT_ONCE + 40
    assert len({event["ticket_id"] for _, event, _ in world.intake.taken if isinstance(event, dict)}) == 1000


async def _push_one(base: str, world: World, number: int) -> bytes:
    """Push one ticket over a connection of its own; returns the first line of the answer."""
    address, body = urlsplit(base), b'[{"ticket_id": "T%d"}]' % number
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(_head(world, f"Content-Length: {len(body)}\r\nConnection: close") + body)
    status = await reader.readline()
    await reader.read()
    writer.close()
    await writer.wait_closed()
    return status
