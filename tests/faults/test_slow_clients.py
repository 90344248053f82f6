"""Slow clients: they hold neither the service nor its memory, and are cut off."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.faults.real import PATIENCE, Place, Real, now_ms, running, settings_of, ticket, until
from warning.store.sql.database import Database
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.tables import feed

SLOW = 200
CUT_AFTER = 2.0
"""Seconds that the service is told to wait here; as it ships 20 for a head, 60 for a body, 25 for who takes nothing."""
ON_A_BUSY_MACHINE = 3.0
"""Seconds that something takes at most which takes some milliseconds on one that does nothing else."""
MEMORY = 30_000_000


@pytest.fixture(name="real", scope="module")
def _real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    place = Place(tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("aside"))
    place.prepare()
    with running(place, settings_of(place.data), patience=CUT_AFTER) as real:
        yield real
        assert real.stop() < 10


@contextmanager
def _connected(real: Real, number: int, first: bytes = b"") -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        clients = []
        for _ in range(number):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", real.port), timeout=PATIENCE))
            client.sendall(first)
            clients.append(client)
        yield clients


def _drip(real: Real, clients: Sequence[socket.socket], drops: bytes) -> float:
    """Send a byte a second from every client while a normal one is served; returns its longest wait."""
    longest = 0.0
    for drop in drops:
        for client in clients:
            _send(client, bytes([drop]))
        end = monotonic() + 1
        while monotonic() < end:
            began = monotonic()
            assert real.push([ticket(f"{began}", now_ms())]).status_code == 202
            longest = max(longest, monotonic() - began)
            sleep(0.05)
    return longest


def _send(client: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # it was cut off
        client.sendall(data)


def _answer(client: socket.socket) -> bytes:
    try:
        return client.recv(1 << 16)
    except ConnectionResetError:
        return b""


def _whole_answer(client: socket.socket) -> bytes:
    answer = b""
    while not answer.endswith(b"}"):
        answer += client.recv(1 << 16)
    return answer


def test_slow_heads_are_cut_off(real: Real) -> None:
    """200 clients that send a byte of their head a second keep nobody waiting, and are closed after some time."""
    with _connected(real, SLOW) as clients:
        assert _drip(real, clients, b"POST /api"[: int(CUT_AFTER) + 2]) < ON_A_BUSY_MACHINE
        assert [_answer(client) for client in clients] == [b""] * SLOW


def test_silent_connections_are_cut_off(real: Real) -> None:
    """A connection on which nothing is ever sent is closed too."""
    with _connected(real, 1) as (client,):
        began = monotonic()
        assert _answer(client) == b""
        assert monotonic() - began < CUT_AFTER + ON_A_BUSY_MACHINE


def test_slow_bodies_are_cut_off(real: Real) -> None:
    """200 clients that send a byte of their body a second keep nobody waiting, and are told why they are cut off."""
    head = (
        f"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {real.place.key}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    )
    with _connected(real, SLOW, head.encode()) as clients:
        assert _drip(real, clients, b" " * (int(CUT_AFTER) + 2)) < ON_A_BUSY_MACHINE
        answers = [_answer(client) for client in clients]
    assert {answer[:13] for answer in answers} == {b"HTTP/1.1 408 "}
    assert b"too-slow" in answers[0]


def test_a_second_request_has_its_own_time(real: Real) -> None:
    """A connection that was served stays open between requests; a second head that drips is cut off like a first."""
    with _connected(real, 1) as (client,):
        for _ in range(2):
            client.sendall(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"Running." in _whole_answer(client)
            sleep(CUT_AFTER / 2 + 0.5)
        began = monotonic()
        client.sendall(b"GET")
        assert _answer(client) == b""
        assert monotonic() - began < CUT_AFTER + ON_A_BUSY_MACHINE


def test_a_stream_that_nobody_reads_is_dropped(real: Real) -> None:
    """While 60,000 changes pass, a listener that reads nothing holds no memory and is dropped; another gets all."""
    with real.signed_in() as browser, _connected(real, 1) as (client,):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        cookie = f"ew_session={browser.cookies['ew_session']}"
        client.sendall(f"GET /api/v1/alerts/stream HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n".encode())
        until(lambda: real.metric("sse_clients") == 1)
        with browser.stream("GET", "/api/v1/alerts/stream") as reader:
            lines = reader.iter_lines()
            assert next(lines).startswith("id:")
            real.forget_peak()
            before = real.memory()
            last = _many_changes(real.place, 60_000)
            assert any(line == f"id: {last}" for line in lines)
            until(lambda: real.metric("sse_clients") == 1, CUT_AFTER + 5)
            until(lambda: _connections(real) == 1)
        assert real.memory("VmHWM") - before < MEMORY
    until(lambda: real.metric("sse_clients") == 0)
    until(lambda: _connections(real) == 0)
    assert '"level": "error"' not in real.place.said


def _connections(real: Real) -> int:
    """Count the connections that the service holds (those it has let go have no inode)."""
    lines = map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
    port = f":{real.port:04X}"
    return sum(line[1].endswith(port) and line[3] != "0A" and line[9] != "0" for line in lines)


def _many_changes(place: Place, number: int) -> int:
    """Write changes into the feed as fast as the store takes them; returns the last one's number."""
    database = Database(place.database)
    at = moment_of_ms(now_ms())
    rows = [{"at": at, "kind": "alert", "subject": f"alert-{i}", "change": "OPEN-1"} for i in range(number // 60)]
    for _ in range(60):
        with database.write() as connection:
            connection.execute(feed.insert(), rows)
            last = connection.exec_driver_sql("SELECT max(sequence) FROM feed").scalar_one()
    database.close()
    return int(last)
