"""All contestants in one run over one preloaded topic, and the table of what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.streams.job import read_ticks, regular_ticks, write_ticks
from benchmarks.streams.processes import output_of_peer
from benchmarks.streams.race import BESIDE, Result, differences, of_cluster, of_peer, race, start_up
from benchmarks.tables import Table
from streams.topics import Name
from warning.domain.bucket import HOUR_MS
from warning.engine.records import Tick
from warning.store.logfile import decode_record

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.streams.race import Start
    from benchmarks.streams.stadium import Stadium

CLUSTER = "(a) the cluster"
CEILING = "(e) aiokafka getmany + decode"
_WORKERS = ("intake", "detect", "alerts")
ONE_AT_A_TIME = 1_000
"""Tickets of the race in which a Faust agent normalises one event at a time: a call costs milliseconds."""
_EVERY_MS = 6 * HOUR_MS


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A contestant, and how it is started, given the file of ticks; ``part`` of the topic is what it applies."""

    name: str
    start: Callable[[Stadium, Path], Start]
    engine: bool = True
    database: bool = False
    part: int | None = None


def _peer(name: str, module: str, *arguments: str, part: int | None = None) -> Iterator[Entry]:
    for engine in ("engine", "river"):
        yield Entry(
            name=name if engine == "engine" else f"{name}, River",
            start=lambda stadium, ticks, engine=engine: of_peer(stadium, module, ticks, *arguments, engine=engine),  # type: ignore[misc]
            engine=engine == "engine",
            part=part,
        )


ENTRIES = {
    "cluster": [
        Entry(name=CLUSTER, start=lambda stadium, _: of_cluster(stadium, _WORKERS), database=True),
    ],
    "cluster-two": [
        Entry(
            name=f"{CLUSTER}, two detect workers",
            start=lambda stadium, _: of_cluster(stadium, (*_WORKERS, "detect")),
            database=True,
        ),
    ],
    "quix": list(_peer("(c) Quix Streams", "quix")),
    "bytewax": list(_peer("(d) Bytewax", "bytewax")),
    "faust-take": list(_peer("(b') Faust agent that gathers (take_events)", "faust_agent", "--take")),
    "faust": list(_peer("(b) plain Faust agent, one event at a time", "faust_agent", part=ONE_AT_A_TIME)),
}


def contest(stadium: Stadium, names: tuple[str, ...], tell: Callable[[str], None]) -> list[Table]:
    """Let all those named run, one after another; the cluster first, whose ticks the others are given."""
    ticks = stadium.folder / "ticks"
    write_ticks(ticks, regular_ticks(stadium.settings, stadium.begin_ms, stadium.city.days, _EVERY_MS))
    results: dict[str, Result] = {}
    for entry in [entry for name in ENTRIES if name in names for entry in ENTRIES[name]]:
        tell(f"{entry.name} …")
        try:
            result = results[entry.name] = _run(stadium, entry, ticks)
        except (RuntimeError, TimeoutError) as error:
            # One contestant that fails leaves the others their race.
            tell(f"{entry.name} failed: {error}")
            continue
        tell(
            f"{result.per_core:,.0f} tickets/s a core, {result.by_kind()}, {result.tickets:,} in {result.seconds:.1f} s"
        )
        if entry.name == CLUSTER:
            write_ticks(ticks, _ticks(stadium))
    tables = [_table(stadium, results, sum(1 for _ in read_ticks(ticks)))]
    if "ceiling" in names:
        tell(f"{CEILING} …")
        seconds, used = output_of_peer(stadium.settings, "ceiling", str(stadium.city.tickets))
        tables.append(_ceiling(stadium.city.tickets, float(seconds), used))
    return tables


def _run(stadium: Stadium, entry: Entry, ticks: Path) -> Result:
    start = entry.start(stadium, ticks)
    started = start_up(stadium, start, database=entry.database)
    tickets = entry.part or stadium.city.tickets
    return race(stadium, start, tickets, database=entry.database, engine=entry.engine, started=started)


def _ticks(stadium: Stadium) -> Iterator[Tick]:
    for value in stadium.records(Name.CLOCK):
        record = decode_record(value, "clock")
        if isinstance(record, Tick):
            yield record


def _table(stadium: Stadium, results: dict[str, Result], ticks: int) -> Table:
    first = results.get(CLUSTER) or next(iter(results.values()))
    header = ["", "x (a)", "tickets/s a core", "CPU s a 1,000: intake", "detect", "alerts", "broker", "tickets/s"]
    header += ["tickets", "ticks", "final signals", "differ"]
    rows = [_row(name, result, first) for name, result in results.items()]
    started = "; ".join(f"{name}: {_parts(result.started)}" for name, result in results.items())
    stopping = "; ".join(f"{name}: {_parts(result.stopping)}" for name, result in results.items())
    notes = [
        f"{stadium.city.tickets:,} tickets in {stadium.city.days} days, {ticks} ticks, 6 partitions of input and log.",
        "x (a): processor time a ticket, of intake and detect together, against the cluster's; alerts are beside it.",
        "Two detect workers are a run of their own: where its first tick is another, so is what it learns.",
        f"Start-up, measured on an empty topic, is taken off (seconds): {started}.",
        f"Stopping is in it, with the last snapshots of the cluster's detect (seconds): {stopping}.",
    ]
    return Table("The same tickets by five transports", header, rows, notes)


def _parts(used: dict[str, float]) -> str:
    return ", ".join(f"{part} {seconds:.1f}" for part, seconds in used.items())


def _row(name: str, result: Result, first: Result) -> list[str]:
    a_thousand = {part: 1000 * used / result.tickets for part, used in result.by_kind().items()}
    total, differ = differences(first, result)
    beside = next(iter(BESIDE))
    return [
        name,
        f"{first.per_core / result.per_core:.2f}",
        f"{result.per_core:,.0f}",
        f"{a_thousand.get('intake', 0):.4f}",
        f"{a_thousand.get('detect', 0):.4f}",
        f"{a_thousand[beside]:.4f}" if beside in a_thousand else "",
        f"{1000 * result.broker / result.tickets:.4f}",
        f"{result.tickets / result.seconds:,.0f}",
        f"{result.tickets:,}",
        f"{result.ticks:.0f}" if result.finals is not None else "",
        f"{len(result.finals):,}" if result.finals is not None else "",
        f"{differ} of {total}" if result.finals is not None else "",
    ]


def _ceiling(tickets: int, seconds: float, used: float) -> Table:
    row = [CEILING, f"{tickets / seconds:,.0f}", f"{tickets / used:,.0f}", f"{1000 * used / tickets:.4f}"]
    note = "Start-up is in its processor time; tickets a second are from the first poll to the last."
    return Table("The ceiling", ["", "tickets/s", "tickets/s a core", "CPU s a 1,000"], [row], [note])
