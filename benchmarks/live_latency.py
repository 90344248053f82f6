"""Seconds from the tick that makes an alert possible to the alert's event at a client of the live stream.

A tick is *due* when the service's clock passes a step (a minute by default). Bursts of tickets are pushed inside every
step, each of its own category; the first tick that can know of one is due when that step ends, or when the push was
answered if that was later. From then the seconds run until the line of the event (``OPEN-1`` of an alert of the burst's
own category) has been read by a client that listens to ``/api/v1/alerts/stream``. They hold the wait until the engine's
loop looks for due ticks (up to 0.2 s), the tick's write to the log, its detectors, the commit, the feed and the stream.
An alert that a later tick raises counts from the first tick too.

The clock is a fast one, 60 s in each second, so that a hundred ticks take less than two minutes: the service has sixty
times the ticks of a real day, and buckets that close all the time.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.city import START
from benchmarks.live_server import SOURCE, Client, Running, running
from benchmarks.process import Figures
from warning.bootstrap.history import load_history
from warning.domain.bucket import MINUTE_MS
from warning.settings import Settings

FACTOR = 60.0
BURST = 12
"""Tickets of a burst, all of one category and district, where one in some hours is usual. All bursts together stay
below what the city's history has, so that they do not become one city-wide alert."""
GRACE_SECONDS = 10.0
_INTO_STEP = 0.3
"""Where in a step bursts are pushed: far from its ends."""
_ZONE = "Asia/Shanghai"


def alerts(csv: str, mapping: str, days: int, bursts: int, categories: int) -> Figures:
    """Teach a service a city's history, let one category after the other burst, one a tick."""
    with TemporaryDirectory(prefix="early-warning-bench-") as folder:
        settings = Settings(jurisdiction="City", zone=_ZONE)
        settings = settings.model_copy(update={"service": settings.service.model_copy(update={"data": folder})})
        start = int((START + timedelta(days=days, hours=9)).timestamp() * 1000)
        load_history([Path(csv)], mapping=mapping, settings=settings, source=SOURCE, clock=lambda: start)
        chosen = {"jurisdiction": "City", "zone": _ZONE}
        with running("service", data=folder, settings=chosen, start_ms=start, factor=FACTOR) as server:
            server.ready()
            return _measured(server, bursts, categories)


def _measured(server: Running, bursts: int, categories: int) -> Figures:
    heard: list[tuple[float, dict[str, Any]]] = []
    signed_in = server.sign_in().headers
    listening = server.client(**signed_in)
    threading.Thread(target=_listen, args=(listening, heard), daemon=True).start()
    pusher = server.client(Authorization=f"Bearer {server.facts['key']}")
    _begin(server, pusher, categories)
    due = [_burst(server, pusher, number, categories) for number in range(bursts)]
    _await(heard, bursts)
    listening.close()
    reader = server.client(**signed_in)
    took: list[float] = []
    for at, event in heard:
        if _opens(event):
            alert = json.loads(reader.get(f"/api/v1/alerts/{event['subject']}"))
            took += [at - due[number] for number in _bursts_of(alert, bursts, categories)]
    if not took:
        raise RuntimeError("no burst gave an alert")
    return {
        "bursts": float(bursts),
        "alerts": float(len(took)),
        "p50": float(np.median(took)),
        "p99": float(np.quantile(took, 0.99)),
        "least": min(took),
        "most": max(took),
    }


def _opens(event: dict[str, Any]) -> bool:
    return bool(event["kind"] == "alert" and event["change"] == "OPEN-1")


def _await(heard: Sequence[tuple[float, dict[str, Any]]], alerts: int) -> None:
    """Wait until so many alerts were heard of, or some seconds."""
    end = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < end and sum(_opens(event) for _, event in heard) < alerts:
        time.sleep(0.1)


def _bursts_of(alert: dict[str, Any], bursts: int, categories: int) -> Sequence[int]:
    named = set(alert["categories"])
    return [number for number in range(bursts) if _category(number, categories) in named][:1]


def _begin(server: Running, client: Client, categories: int) -> None:
    """Push twice within a step: the first may be seen at once, so the second is what the tick at the step's end is for.

    From then on a tick is written whenever a step ends, and none in between.
    """
    _await_step(server)
    _push(server, client, _tickets(-1, categories, size=1))
    time.sleep(_INTO_STEP * MINUTE_MS / (1000 * FACTOR))
    _push(server, client, _tickets(-2, categories, size=1))


def _burst(server: Running, client: Client, number: int, categories: int) -> float:
    """Wait for the next step, push a burst within it; returns when the tick that can know of it is due."""
    _await_step(server)
    sent = _push(server, client, _tickets(number, categories))
    return max(_when(server, math.floor(_steps(server, sent)) + 1), time.monotonic())


def _await_step(server: Running) -> None:
    _sleep_until(_when(server, math.floor(_steps(server, time.monotonic())) + 1 + _INTO_STEP))


def _push(server: Running, client: Client, tickets: Sequence[dict[str, str]]) -> float:
    """Push tickets of the seconds before now; returns when they were sent."""
    sent = time.monotonic()
    now = _clock(server, sent)
    made = [ticket | {"created_at": _written(now - 500 * index)} for index, ticket in enumerate(tickets)]
    client.send("POST", "/api/v1/tickets", json.dumps(made).encode())
    return sent


def _written(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _tickets(number: int, categories: int, size: int = BURST) -> list[dict[str, str]]:
    return [_ticket(f"{number}-{index}", number % categories, categories) for index in range(size)]


def _ticket(name: str, subject: int, categories: int) -> dict[str, str]:
    district = (7 * subject) % 44
    return {
        "ticket_id": name,
        "area": f"City/Borough {district // 9 + 1}/District {district + 1:02d}",
        "category": _category(subject, categories),
        "text": "made up",
    }


def _category(number: int, categories: int) -> str:
    return f"Category {number % categories + 1:0{len(str(categories))}d}"


def _clock(server: Running, at: float) -> float:
    """Return what the service's clock shows at a moment."""
    return float(server.facts["start_ms"] + 1000 * FACTOR * (at - server.facts["started"]))


def _steps(server: Running, at: float) -> float:
    """Return how many steps of the service's clock have passed at a moment."""
    return _clock(server, at) / MINUTE_MS


def _when(server: Running, steps: float) -> float:
    facts = server.facts
    return float(facts["started"] + (steps * MINUTE_MS - facts["start_ms"]) / (1000 * FACTOR))


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _listen(client: Client, heard: list[tuple[float, dict[str, Any]]]) -> None:
    """Note each event with the moment it was read, until the stream ends or the connection is closed."""
    kind = ""
    for line in client.lines("/api/v1/alerts/stream"):
        at, text = time.monotonic(), line.decode().strip()
        if text.startswith("event:"):
            kind = text.removeprefix("event:").strip()
        elif text.startswith("data:") and kind == "change":
            heard.append((at, json.loads(text.removeprefix("data:"))))
