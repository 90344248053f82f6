"""SIGTERM in the middle of everything: a clean and quick end, and what was answered is there after it."""

from __future__ import annotations

import socket
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from threading import Thread
from time import sleep

import httpx

from tests.faults.real import Place, Real, now_ms, running, settings_of, ticket, until

PLATFORMS = 8


class Platform(Thread):
    """Pushes one batch after the other until the service is gone; keeps what was answered 202."""

    def __init__(self, real: Real, name: str) -> None:
        super().__init__(daemon=True)
        self.accepted: list[str] = []
        self.others: list[int] = []
        self._real = real
        self._name = name

    def run(self) -> None:
        try:
            for number in count():
                identities = [f"{self._name}-{number}-{item}" for item in range(10)]
                answer = self._real.push([ticket(identity, now_ms()) for identity in identities])
                if answer.status_code == 202:
                    self.accepted += identities
                else:
                    self.others.append(answer.status_code)
        except httpx.HTTPError:
            pass  # the service is gone


def test_a_stop_amid_pushes_loses_nothing(tmp_path: Path) -> None:
    """With pushes, a live stream and half a body it ends within 10 s; all that was answered 202 is counted once."""
    place = Place(tmp_path / "data", tmp_path / "aside")
    place.prepare()
    settings = settings_of(place.data)
    with running(place, settings) as real, ExitStack() as stack:
        browser = stack.enter_context(real.signed_in())
        stack.enter_context(browser.stream("GET", "/api/v1/alerts/stream"))
        half = stack.enter_context(socket.create_connection(("127.0.0.1", real.port)))
        key = f"Authorization: Bearer {place.key}"
        half.sendall(f"POST /api/v1/tickets HTTP/1.1\r\nHost: a\r\n{key}\r\nContent-Length: 100\r\n\r\n[".encode())
        platforms = [Platform(real, f"P{number}") for number in range(PLATFORMS)]
        for platform in platforms:
            platform.start()
        until(lambda: sum(len(platform.accepted) for platform in platforms) > 200)
        assert real.stop() < 10
        for platform in platforms:
            platform.join(10)
    accepted = {identity for platform in platforms for identity in platform.accepted}
    assert {status for platform in platforms for status in platform.others} <= {503}
    with running(place, settings) as real:
        until(lambda: real.metric("applied_lag_records") == 0)
        assert real.outcome(min(accepted)) == "accepted"
        real.stop()
    stored = place.rows("SELECT ticket_id FROM tickets WHERE times_received = 1 AND outcome = 'accepted'")
    assert accepted <= {identity for (identity,) in stored}
    assert place.rows("SELECT count(*) FROM tickets") == [(len(stored),)]
    assert "request failed" not in place.said


def test_a_second_stop_is_quick_too(tmp_path: Path) -> None:
    """Told to stop twice it ends cleanly all the same."""
    place = Place(tmp_path / "data", tmp_path / "aside")
    place.prepare()
    with running(place, settings_of(place.data)) as real:
        real.process.terminate()
        sleep(0.05)
        assert real.stop() < 10
