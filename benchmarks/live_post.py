"""Tickets a second that ``POST /api/v1/tickets`` takes, beside an endpoint that only parses the same bodies."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.live_server import JSON, NDJSON, Client, Running, running
from benchmarks.process import Figures
from warning.bootstrap.accounts import DATABASE

_FORMS = {JSON: "/json", NDJSON: "/ndjson"}
_TEXTS = (
    "Street light number {n} has been dark since Tuesday evening, please send someone to repair it",
    "Loud music from the bar on the corner of street {n} every night until three in the morning",
    "小区 {n} 号楼从昨天下午开始停水, 物业说不清楚什么时候恢复, 请尽快处理",
    "Garbage has not been collected for {n} days, it smells; call me at 555-01{n:02d} or write to a@example.org",
)
_WARM = 2


def service(form: str, connections: int, requests: int, items: int) -> Figures:
    """Push to the service; each item is a new ticket of the last quarter of an hour."""
    with TemporaryDirectory(prefix="early-warning-bench-") as folder:
        quota = {"service": {"quota_per_minute": 1_000_000_000, "queue_items": 100_000}}
        with running("service", data=folder, settings=quota) as server:
            server.ready()
            key = {"Authorization": f"Bearer {server.facts['key']}"}
            figures = _pushed(server, "/api/v1/tickets", form, connections, requests, items, **key)
            began = time.monotonic()
            await_applied(Path(folder) / DATABASE)
            applied = time.monotonic() - began
    return figures | {"until_applied": figures["seconds"] + applied}


def bare(form: str, connections: int, requests: int, items: int) -> Figures:
    """Push the same to the endpoint that only parses."""
    with running("bare") as server:
        return _pushed(server, _FORMS[form], form, connections, requests, items)


def bodies(form: str, requests: int, items: int) -> list[bytes]:
    """Make the bodies of some requests: a city of 220 series of area and category, uneven, with texts."""
    random = np.random.default_rng(311)
    now = time.time()
    written = []
    for request in range(requests):
        draws = random.integers(0, 10_000, (items, 4)).tolist()
        rows = [_item(request * items + number, now, *draw) for number, draw in enumerate(draws)]
        if form == NDJSON:
            written.append(b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
        else:
            written.append(json.dumps(rows, ensure_ascii=False).encode())
    return written


def _item(number: int, now: float, place: int, subject: int, age: int, text: int) -> dict[str, str]:
    category, district = min(subject % 40, subject % 61), place % 44
    return {
        "ticket_id": f"2026-{number:08d}",
        "created_at": datetime.fromtimestamp(int(now - age % 900), UTC).isoformat(),
        "area": f"City/Borough {district % 5 + 1}/District {district + 1:02d}",
        "category": f"Category {category + 1:02d}",
        "department": f"Department {category % 12 + 1}",
        "channel": ("app", "phone", "web", "counter")[age % 4],
        "text": _TEXTS[text % 4].format(n=text % 100),
    }


def _pushed(
    server: Running, path: str, form: str, connections: int, requests: int, items: int, **headers: str
) -> Figures:
    """Push all bodies over some connections at a time; what is taken in while warming up does not count."""
    made = bodies(form, requests + _WARM * connections, items)
    warm, rest = made[: _WARM * connections], made[_WARM * connections :]
    clients = [server.client(**headers) for _ in range(connections)]
    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(_push_all, clients, *_parted(path, form, warm, connections)))
        began, cpu = time.monotonic(), server.cpu_seconds()
        told = list(pool.map(_push_all, clients, *_parted(path, form, rest, connections)))
    seconds, cpu = time.monotonic() - began, server.cpu_seconds() - cpu
    took = [each for times, _ in told for each in times]
    return {
        "seconds": seconds,
        "cpu_seconds": cpu,
        "tickets": float(sum(accepted for _, accepted in told)),
        "request_ms": 1e3 * median(took),
        "slowest_ms": 1e3 * max(took),
        "item_bytes": sum(map(len, rest)) / (items * len(rest)),
    }


def _parted(
    path: str, form: str, made: Sequence[bytes], connections: int
) -> Iterator[list[str] | list[Sequence[bytes]]]:
    yield [path] * connections
    yield [form] * connections
    yield [made[first::connections] for first in range(connections)]


def _push_all(client: Client, path: str, form: str, made: Sequence[bytes]) -> tuple[list[float], int]:
    """Push one after the other; returns the seconds of each and how many items were accepted."""
    took, accepted = [], 0
    for body in made:
        began = time.monotonic()
        answer = client.send("POST", path, body, form)
        took.append(time.monotonic() - began)
        accepted += json.loads(answer)["accepted"]
    return took, accepted


def await_applied(database: Path) -> None:
    """Wait until the engine has applied what the log holds."""
    wanted = "SELECT (SELECT max(position) FROM log), (SELECT value FROM meta WHERE key = 'applied_position')"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        while True:
            newest, applied = connection.execute(wanted).fetchone()
            if newest == int(applied or 0):
                return
            time.sleep(0.02)
