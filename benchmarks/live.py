"""Tables of the live service: what it takes in, how soon it says so, how soon it is ready, how soon a page is there."""

from __future__ import annotations

from pathlib import Path

from benchmarks.process import measured
from benchmarks.suite import Scale, Tell, made_city, repeated
from benchmarks.tables import Table, column, rate, spread

_ITEMS = 500
_FORMS = {"application/json": "JSON array", "application/x-ndjson": "NDJSON"}
_CONNECTIONS = (4, 1)
_DAYS, _CATEGORIES = 14, 120
_A_DAY = 21_000
"""Tickets a day of the city whose alerts are waited for."""


def post(scale: Scale, _folder: Path, tell: Tell) -> list[Table]:
    """Measure pushing beside an endpoint that only parses; both in turn, so that they see the same machine."""
    requests = max(8, scale.tickets // _ITEMS // 10)
    cases = [(form, connections) for form in _FORMS for connections in _CONNECTIONS[: None if _full(scale) else 1]]
    rows = [_post_row(scale, tell, form, connections, requests) for form, connections in cases]
    header = ["", "accepted/s", "accepted/CPU s", "applied/s", "ms a request", "only parsed/s", "parsed / accepted"]
    note = f"{requests} requests of {_ITEMS} items, 296 bytes an item; applied: until the engine had counted all."
    return [Table("Pushing tickets to one core", header, rows, [note])]


def _post_row(scale: Scale, tell: Tell, form: str, connections: int, requests: int) -> list[str]:
    arguments = {"form": form, "connections": connections, "requests": requests, "items": _ITEMS}
    taken, parsed = [], []
    name = f"{_FORMS[form]}, {connections} connection{'s' if connections > 1 else ''}"
    for number in range(scale.repetitions):
        tell(f"{name} {number + 1}/{scale.repetitions} …")
        taken.append(measured("benchmarks.live_post:service", arguments, one_core=False))
        parsed.append(measured("benchmarks.live_post:bare", arguments, one_core=False))
    ratios = [fast / slow for slow, fast in zip(rate(taken), rate(parsed), strict=True)]
    return [
        name,
        spread(rate(taken)),
        spread([run["tickets"] / run["cpu_seconds"] for run in taken]),
        spread([run["tickets"] / run["until_applied"] for run in taken]),
        spread(column(taken, "request_ms")),
        spread(rate(parsed)),
        spread(ratios, 1),
    ]


def latency(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Measure how soon a listener hears of an alert: see :mod:`benchmarks.live_latency`."""
    bursts, days = (120, _DAYS) if _full(scale) else (3, 2)
    files = made_city(folder, tickets=_A_DAY * days, days=days, categories=_CATEGORIES, even=True)
    arguments = {**files, "days": days, "bursts": bursts, "categories": _CATEGORIES}
    tell(f"{bursts} bursts …")
    run = measured("benchmarks.live_latency:alerts", arguments, one_core=False)
    row = [f"{run['alerts']:.0f} alerts of {run['bursts']:.0f} bursts"]
    row += [f"{run[name]:.2f}" for name in ("least", "p50", "p99", "most")]
    header = ["seconds from the due tick to the listener", "least", "p50", "p99", "most"]
    return [Table("From tick to stream", header, [row])]


def startup(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Measure how soon a service with a long log is ready: see :mod:`benchmarks.live_startup`."""
    files = made_city(folder, tickets=scale.tickets, days=max(2, round(_DAYS * scale.day_share)))
    runs = repeated(scale, tell, "starts", lambda: measured("benchmarks.live_startup:starts", files, one_core=False))
    one = runs[0]
    ordinary = one["tickets"] - one["repeated"]
    states = {
        "clean": "after a clean stop",
        "killed": f"after kill -9, the last snapshot five ordinary minutes old ({ordinary:,.0f} tickets in the log)",
        "flooded": f"after kill -9, {one['repeated']:,.0f} tickets in the five minutes since the last snapshot",
        "scratch": "without a snapshot, from the beginning of the log",
    }
    rows = [[text, spread(column(runs, name), 1)] for name, text in states.items()]
    notes = [
        f"{one['ticks']:,.0f} ticks, then {one['repeated']:,.0f} tickets in five minutes; {one['megabytes']:,.0f} MB.",
        "From the start of the process, imports included, until /health/ready says so.",
    ]
    return [Table(f"Starting with {one['tickets']:,.0f} tickets in the log", ["", "seconds"], rows, notes)]


def page(scale: Scale, _folder: Path, tell: Tell) -> list[Table]:
    """Measure the list of alerts, as a page and as JSON, signed in, over one connection."""
    alerts, requests = max(scale.tickets // 100, 100), 500 if _full(scale) else 10
    arguments = {"alerts": alerts, "requests": requests}
    runs = repeated(scale, tell, "pages", lambda: measured("benchmarks.live_page:pages", arguments, one_core=False))
    named = {"page": "the page (`GET /`)", "api": "the API (`GET /api/v1/alerts`)"}
    rows = [
        [text, *(spread(column(runs, f"{name}_{which}"), 1) for which in ("p50", "p99", "worst", "kb"))]
        for name, text in named.items()
    ]
    header = ["milliseconds a request", "p50", "p99", "worst", "kB"]
    return [Table(f"The first page among {alerts:,} alerts", header, rows, [f"{requests} requests each."])]


def _full(scale: Scale) -> bool:
    return scale.day_share >= 1
