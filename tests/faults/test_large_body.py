"""A body of a gigabyte is refused early and clearly, takes no memory, and nobody else notices."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from threading import Thread

import pytest

from tests.faults.real import Place, Real, now_ms, running, settings_of, ticket

GIGABYTE = 1 << 30
PART = b"x" * (1 << 16)
MEMORY = 50_000_000


@pytest.fixture(name="real", scope="module")
def _real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    place = Place(tmp_path_factory.mktemp("data"), tmp_path_factory.mktemp("aside"))
    place.prepare()
    with running(place, settings_of(place.data)) as real:
        yield real
        real.stop()


class Sender(Thread):
    """Sends a gigabyte as long as it is taken, then reads the answer."""

    def __init__(self, real: Real, head: str, *, chunked: bool) -> None:
        super().__init__(daemon=True)
        self.sent = 0
        self.answer = b""
        self._chunked = chunked
        self._socket = socket.create_connection(("127.0.0.1", real.port), timeout=30)
        key = f"Authorization: Bearer {real.place.key}\r\n"
        self._socket.sendall(f"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\n{key}{head}\r\n".encode())

    def run(self) -> None:
        part = b"%x\r\n%b\r\n" % (len(PART), PART) if self._chunked else PART
        try:
            while self.sent < GIGABYTE:
                self._socket.sendall(part)
                self.sent += len(PART)
        except OSError:
            pass
        with self._socket:
            while part := self._read():
                self.answer += part

    def _read(self) -> bytes:
        try:
            return self._socket.recv(1 << 16)
        except OSError:
            return b""


@pytest.mark.parametrize(
    ("head", "chunked", "most"),
    [
        (f"Content-Type: application/json\r\nContent-Length: {GIGABYTE}\r\n", False, 8_000_000),
        ("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n", True, 24_000_000),
    ],
    ids=["announced", "not announced"],
)
def test_a_gigabyte_is_refused_early(real: Real, head: str, chunked: bool, most: int) -> None:
    """Of a gigabyte little more than the limit is taken, the answer names it, memory stays, others are served."""
    real.forget_peak()
    before = real.memory()
    sender = Sender(real, head, chunked=chunked)
    sender.start()
    served, waiting = 0, True
    while waiting:
        waiting = sender.is_alive()
        assert real.push([ticket(f"{chunked}-{served}", now_ms())]).status_code == 202
        served += 1
    sender.join()
    assert sender.sent < most
    _is_clear(sender.answer)
    assert real.memory("VmHWM") - before < MEMORY


def _is_clear(answer: bytes) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in head.lower()
    problem = json.loads(body)
    assert problem["limit"] == {"name": "body_bytes", "value": 10_000_000}
    assert "10,000,000" in problem["detail_en"]
    assert "请分成较小的请求" in problem["detail_zh"]


def test_who_asks_first_sends_nothing(real: Real) -> None:
    """A client that waits for ``100 Continue`` hears of the limit before it has sent a byte of the body."""
    with socket.create_connection(("127.0.0.1", real.port), timeout=10) as client:
        client.sendall(
            f"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {real.place.key}\r\n"
            f"Content-Length: {GIGABYTE}\r\nExpect: 100-continue\r\n\r\n".encode()
        )
        answer = b""
        while part := client.recv(1 << 16):
            answer += part
    _is_clear(answer)
