"""The benchmarks by name: what each runs, and the tables it makes of the figures."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import TypeAlias

from benchmarks.process import Figures, measured
from benchmarks.tables import Table, column, rate, spread

Tell: TypeAlias = Callable[[str], None]
Benchmark: TypeAlias = Callable[["Scale", Path, Tell], list[Table]]
_ENGINE = "(b) engine, from parsed batches"
_BARE = "(e) bare polars group_by, one thread"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured.

    day_share : share of the days that a benchmark names
    many : categories (x 50 areas) of the large snapshot
    """

    tickets: int = 1_000_000
    repetitions: int = 3
    day_share: float = 1.0
    many: int = 2_000


FULL = Scale()
QUICK = Scale(tickets=5_000, repetitions=1, day_share=0.04, many=100)


def throughput(scale: Scale, folder: Path, tell: Tell, *, days: int, closed: bool = False) -> list[Table]:
    """Compare reading, the engine, the back-test and the command with a bare group_by of the same file."""
    days = max(2, round(days * scale.day_share))
    files = made_city(folder, tickets=scale.tickets, days=days, closed=closed)
    csv = {"csv": files["csv"]}
    jobs: dict[str, Callable[[], Figures]] = {
        "(a) CSV to columns": lambda: measured("benchmarks.engine:read", files),
        _ENGINE: lambda: measured("benchmarks.engine:engine", files),
        "(c) run_backtest, from CSV": lambda: measured("benchmarks.engine:whole", files),
        "(d) the command, result written": lambda: _command(files, folder, scale.tickets),
        _BARE: lambda: measured("benchmarks.engine:bare", csv, environment={"POLARS_MAX_THREADS": "1"}),
        "(e) the same, default threads": lambda: measured("benchmarks.engine:bare", csv, one_core=False),
    }
    runs = {name: repeated(scale, tell, f"{days} days {name}", job) for name, job in jobs.items()}
    title = f"{scale.tickets:,} tickets over {days} days{', with closing times' if closed else ''}"
    return [_throughput_table(title, runs)]


def _throughput_table(title: str, runs: dict[str, list[Figures]]) -> Table:
    bare = median(column(runs[_BARE], "seconds"))
    header = ["", "seconds", "CPU seconds", "tickets/s", "decisions/s", "peak MiB", "x (e), one thread"]
    rows = [
        [
            name,
            spread(column(of, "seconds"), 2),
            spread(column(of, "cpu_seconds"), 2),
            spread(rate(of)),
            spread(rate(of, "decisions")) if name == _ENGINE else "",
            spread(column(of, "peak_mb")),
            f"{median(column(of, 'seconds')) / bare:.1f}",
        ]
        for name, of in runs.items()
    ]
    engine = runs[_ENGINE][0]
    kept = f"{engine['series']:,.0f} series of area x category and {engine['totals']:.0f} totals kept"
    ticks = f"{engine['ticks']:,.0f} ticks with {engine['tickets'] / engine['ticks']:.0f} tickets each"
    notes = [
        f"{kept}; {ticks}; {engine['decisions']:,.0f} decisions.",
        f"(b) has its records in memory before it starts: {engine['records_mb']:,.0f} MiB of its peak.",
    ]
    return Table(title, header, rows, notes)


def batch_sizes(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Measure one tick interval in batches of 100, 1,000 and 10,000 tickets."""
    files = made_city(folder, tickets=max(scale.tickets // 10, 10_000), days=1)
    rows = []
    for size in (100, 1_000, 10_000):
        job = partial(measured, "benchmarks.batches:batches", {**files, "rows": size})
        runs = repeated(scale, tell, f"batches of {size:,}", job)
        times = [spread(column(runs, "us_per_batch")), spread(column(runs, "us_per_ticket"), 2)]
        rows.append([f"{size:,}", *times, spread(rate(runs))])
    header = ["tickets a batch", "µs a batch", "µs a ticket", "tickets/s"]
    note = "All tickets are new, of known series, and lie in one open quarter of an hour; no tick comes between."
    return [Table("Batch size: the engine within one tick interval", header, rows, [note])]


def memory(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Measure what random categories do to memory."""
    days = max(2, round(28 * scale.day_share))
    files = made_city(folder, tickets=scale.tickets, days=days, categories=1_000_000, random_categories=True)
    tell("random categories …")
    run = measured("benchmarks.engine:whole", files)
    names = ("tickets", "peak_mb", "series", "overflowed", "notices", "seconds")
    header = ["", "tickets", "peak MiB", "series kept", "tickets in overflow", "notices", "seconds"]
    note = "Each ticket draws one of 1,000,000 categories; the default quota (64 shards of 2,000 series) holds."
    row = [f"run_backtest, {days} days", *(f"{run[name]:,.0f}" for name in names)]
    return [Table("Memory under random categories", header, [row], [note])]


def dedupe(scale: Scale, _folder: Path, tell: Tell) -> list[Table]:
    """Measure what a remembered ticket takes."""
    rows = []
    for tickets in (scale.tickets, 3 * scale.tickets):
        job = partial(measured, "benchmarks.batches:dedupe", {"tickets": tickets, "rows": 1_000})
        runs = repeated(scale, tell, f"{tickets:,} remembered tickets", job)
        columns = (("bytes_per_ticket", 1), ("grown_mb", 0), ("us_per_ticket", 2))
        rows.append([f"{tickets:,}", *(spread(column(runs, name), digits) for name, digits in columns)])
    note = "A slot has 17 bytes and the table is 30 to 60 % full. MiB grown is of the process, after the last ticket."
    header = ["tickets remembered", "bytes a ticket", "MiB grown", "µs a ticket"]
    return [Table("Dedupe, batches of 1,000", header, rows, [note])]


def snapshots(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Measure taking and restoring a snapshot of few and of many series."""
    rows = []
    for categories in (40, scale.many):
        files = made_city(folder, tickets=2 * 44 * categories, days=2, categories=categories, even=True)
        job = partial(measured, "benchmarks.batches:snapshot", {**files, "quota": 4_000})
        runs = repeated(scale, tell, f"snapshot of {categories:,} categories", job)
        columns = (("megabytes", 1), ("bytes_per_series", 0), ("seconds", 2), ("restore_seconds", 2), ("peak_mb", 0))
        rows.append([f"{runs[0]['series']:,.0f}", *(spread(column(runs, name), digits) for name, digits in columns)])
    header = ["series", "MB", "bytes a series", "seconds to take", "seconds to restore", "peak MiB"]
    note = "After two days with two tickets of each district and category; msgpack included; quota 4,000 a shard."
    return [Table("Snapshots", header, rows, [note])]


def live_store(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
    """Measure the database of the live service: tickets in and out of its log, and pages of its alerts."""
    files = made_city(folder, tickets=scale.tickets, days=max(2, round(28 * scale.day_share)))
    logs = repeated(scale, tell, "the log", partial(measured, "benchmarks.store:tickets", files))
    columns = (("append_ms", 0), ("commit_ms", 0), ("read_seconds", 2), ("bytes", 0))
    header = ["tickets", "ms to append 10,000", "ms to commit 10,000", "seconds to read a million", "bytes a ticket"]
    row = [f"{scale.tickets:,}", *(spread(column(logs, name), digits) for name, digits in columns)]
    note = (
        "In records of 500, twenty a transaction, each flushed to the disk; bytes are of log and ticket table together."
    )
    alerts = max(scale.tickets // 100, 100)
    pages = repeated(scale, tell, "pages", partial(measured, "benchmarks.store:pages", {"count": alerts}))
    queries = [name for name in pages[0] if name != "peak_mb"]
    return [
        Table("Store: tickets", header, [row], [note]),
        Table(
            f"Store: a page of 50 among {alerts:,} alerts",
            ["filter", "ms"],
            [[name, spread(column(pages, name), 1)] for name in queries],
        ),
    ]


def _later(module: str, name: str) -> Benchmark:
    """Return a benchmark of another module, which is loaded when it runs."""

    def run(scale: Scale, folder: Path, tell: Tell) -> list[Table]:
        tables: list[Table] = getattr(import_module(module), name)(scale, folder, tell)
        return tables

    return run


def made_city(folder: Path, **city: int | bool) -> dict[str, str]:
    """Write a city, unless it is there, in a process of its own: this one must stay small."""
    name = "-".join(f"{key}-{value}" for key, value in sorted(city.items()))
    files = {"csv": str(folder / f"{name}.csv"), "mapping": str(folder / "city.yaml")}
    if not Path(files["csv"]).exists():
        measured("benchmarks.city:make", {**files, **city}, one_core=False)
    return files


def _command(files: dict[str, str], folder: Path, tickets: int) -> Figures:
    command = [str(Path(sys.executable).with_name("early-warning")), "backtest", files["csv"]]
    command += ["--mapping", files["mapping"], "--out", str(folder / "result"), "--quiet"]
    return measured("benchmarks.process:command", {"arguments": command}) | {"tickets": float(tickets)}


def repeated(scale: Scale, tell: Tell, what: str, measure: Callable[[], Figures]) -> list[Figures]:
    """Measure several times, telling which repetition runs."""
    runs = []
    for number in range(scale.repetitions):
        tell(f"{what} {number + 1}/{scale.repetitions} …")
        runs.append(measure())
    return runs


BENCHMARKS: dict[str, tuple[str, Benchmark]] = {
    "dense": ("1,000,000 tickets over 28 days, beside a bare group_by", partial(throughput, days=28)),
    "sparse": ("1,000,000 tickets over 90 days, beside a bare group_by", partial(throughput, days=90)),
    "closed": ("1,000,000 tickets over 28 days with closing times", partial(throughput, days=28, closed=True)),
    "batches": ("the engine in batches of 100, 1,000 and 10,000 tickets", batch_sizes),
    "memory": ("1,000,000 tickets with random categories", memory),
    "dedupe": ("what a remembered ticket takes", dedupe),
    "snapshots": ("size and seconds of a snapshot of 2,000 and of 100,000 series", snapshots),
    "store": ("the live service's database: tickets in and out of its log, pages of its alerts", live_store),
    "post": (
        "tickets pushed to the live service on one core, beside an endpoint that only parses",
        _later("benchmarks.live", "post"),
    ),
    "latency": (
        "from the tick that makes an alert possible to a listener of the live stream",
        _later("benchmarks.live", "latency"),
    ),
    "startup": (
        "seconds until a service with 1,000,000 tickets in its log is ready",
        _later("benchmarks.live", "startup"),
    ),
    "page": ("the list of alerts among 10,000, as a page and as JSON", _later("benchmarks.live", "page")),
    "looks": (
        "what many looks at an open bucket do to p-values (exact, not timed)",
        _later("benchmarks.looks", "looks"),
    ),
    "cities": (
        "alerts against the truth of three simulated cities that nobody tunes on",
        _later("benchmarks.simulated_cities", "cities"),
    ),
}
