"""One race: a contestant applies the whole topic, and what that cost is added up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.streams.processes import Contestant, peer, until_quiet, worker
from benchmarks.streams.stadium import IDLE_PREFIX, Stadium
from streams.records import decode_report
from streams.topics import Name
from tests.cluster.workers import Cluster
from warning.domain.outcome import RowOutcome
from warning.domain.signal import EvidenceState, Signal
from warning.engine.records import OUTCOME_ORDER

if TYPE_CHECKING:
    from warning.settings import Settings

ACCEPTED = OUTCOME_ORDER.index(RowOutcome.ACCEPTED)
BESIDE = frozenset({"alerts"})
"""Parts that are told of, and not compared: no peer has them."""

Start = Callable[["Settings"], list[Contestant]]


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a race cost.

    seconds : from the first record in the log to the last outcome told
    cpu : processor seconds by part, after what the same part uses to start on an empty topic
    started : that start
    stopping : what is in ``cpu`` of stopping: the cluster's detect takes its last snapshots then, peers keep no state
    ticks : of which reports were written, by partition on average
    finals : of each signal on a closed bucket: its window's end and what it says
    """

    tickets: int
    seconds: float
    cpu: dict[str, float]
    started: dict[str, float]
    stopping: dict[str, float] = field(default_factory=dict)
    broker: float
    ticks: float = 0.0
    finals: dict[str, tuple[datetime, int, float]] | None = None
    until: datetime | None = None

    def by_kind(self) -> dict[str, float]:
        """Return the processor seconds of each kind of worker."""
        kinds: dict[str, float] = {}
        for part, used in self.cpu.items():
            kind = part.rstrip("0123456789")
            kinds[kind] = kinds.get(kind, 0.0) + used
        return kinds

    @property
    def compared(self) -> float:
        """Processor seconds of all parts that peers have, too."""
        return sum(used for kind, used in self.by_kind().items() if kind not in BESIDE)

    @property
    def per_core(self) -> float:
        """Tickets a second of processor time."""
        return self.tickets / self.compared


def of_peer(stadium: Stadium, module: str, ticks: Path, *arguments: str, engine: str = "engine") -> Start:
    """Return what starts a peer's two halves."""

    def start(settings: Settings) -> list[Contestant]:
        intake = peer(settings, stadium.folder, module, "intake", "--ticks", str(ticks), *arguments)
        return [intake, peer(settings, stadium.folder, module, "detect", "--engine", engine)]

    return start


def of_cluster(stadium: Stadium, kinds: Sequence[str]) -> Start:
    """Return what starts workers of the cluster, those of one kind several times where it is named so."""

    def start(settings: Settings) -> list[Contestant]:
        cluster = Cluster(settings, stadium.folder)
        return [worker(cluster, kind, f"{kind}{number}") for number, kind in enumerate(kinds)]

    return start


def start_up(stadium: Stadium, start: Start, *, database: bool = False) -> dict[str, float]:
    """Return what each part uses of the processor to start, with nothing to do."""
    processes = start(stadium.settings_of(IDLE_PREFIX, database=database))
    try:
        until_quiet(processes)
    finally:
        used = _ended(processes)
    return used


def race(
    stadium: Stadium,
    start: Start,
    tickets: int,
    *,
    database: bool = False,
    engine: bool = True,
    started: dict[str, float],
) -> Result:
    """Let a contestant apply so many tickets, the first of the topic."""
    stadium.reset()
    settings = stadium.settings_of(stadium.settings.kafka.prefix, database=database)
    broker = stadium.broker_used()
    processes = start(settings)
    try:
        stadium.watch(tickets, processes, settle=tickets == stadium.city.tickets)
        before = {one.part: one.used() for one in processes}
    finally:
        used = _ended(processes)
    applied = stadium.recount()
    if applied.outcomes[ACCEPTED] < tickets:
        raise AssertionError(f"not every ticket was accepted: {applied.outcomes}")
    cpu = {part: max(0.0, spent - started.get(part, 0.0)) for part, spent in used.items()}
    seconds = (applied.last_ms - stadium.first_ms()) / 1000
    ticks, finals, until = said(stadium) if engine else (0.0, None, None)
    return Result(
        tickets=applied.outcomes.total(),
        seconds=seconds,
        cpu=cpu,
        started=started,
        stopping={part: max(0.0, spent - before[part]) for part, spent in used.items()},
        broker=stadium.broker_used() - broker,
        ticks=ticks,
        finals=finals,
        until=until,
    )


def said(stadium: Stadium) -> tuple[float, dict[str, tuple[datetime, int, float]], datetime | None]:
    """Return ticks a partition, the final evidence by signal, and how far all partitions have closed."""
    finals: dict[str, Signal] = {}
    closed: dict[int, int] = {}
    reports = 0
    for value in stadium.records(Name.SIGNALS):
        report = decode_report(value)
        reports += 1
        closed[report.partition] = max(closed.get(report.partition, 0), report.report.tick.watermark)
        finals |= {signal.id: signal for signal in report.report.signals if signal.state is EvidenceState.FINAL}
    if not closed:
        return 0.0, {}, None
    until = datetime.fromtimestamp(min(closed.values()) / 1000).astimezone()
    told = {id_: (one.window_end, one.observed, round(one.p_value, 12)) for id_, one in finals.items()}
    return reports / len(closed), told, until


def differences(one: Result, other: Result) -> tuple[int, int]:
    """Return how many final signals two said of buckets that both have closed, and how many of them differ."""
    if one.finals is None or other.finals is None or one.until is None or other.until is None:
        return 0, 0
    until = min(one.until, other.until)
    mine, others = ({key: what for key, what in of.finals.items() if what[0] <= until} for of in (one, other))  # type: ignore[union-attr]
    keys = mine.keys() | others.keys()
    return len(keys), sum(mine.get(key) != others.get(key) for key in keys)


def _ended(processes: Sequence[Contestant]) -> dict[str, float]:
    used: dict[str, float] = {}
    for one in processes:
        one.terminate()
    for one in processes:
        used[one.part] = used.get(one.part, 0.0) + one.end()
    return used
