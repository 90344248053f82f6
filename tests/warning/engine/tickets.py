"""Small cities for engine tests: tickets drawn from a seed, with a burst to find, and engines to feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xxhash

from warning.domain.alert import Alert
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS
from warning.domain.signal import EvidenceState, Signal
from warning.domain.ticket import LifeEvent
from warning.engine.config import EngineConfig
from warning.engine.engine import Engine
from warning.engine.records import Output, Record, Tick
from warning.intake.columns import Dictionary, TicketColumns
from warning.policy.alerting import AlertPolicy
from warning.policy.config import PolicyConfig

CITY = "Testville"
START = 1_700_438_400_000
"""Monday, 20 November 2023, 00:00 UTC."""
STEP = 15 * MINUTE_MS
SOURCE = "desk"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One ticket, as a test thinks of it."""

    time: int
    id: str
    category: str = "Noise"
    area: str = "Testville/North"
    department: str = "Police"
    channel: str = "phone"
    kind: LifeEvent = LifeEvent.CREATED
    version: int = 0
    text: str = ""


def columns(rows: Sequence[Row], *, city: str = CITY, source: str = SOURCE) -> TicketColumns:
    """Lay rows out as the normaliser would."""
    return TicketColumns(
        jurisdiction=city,
        source=source,
        row=np.arange(1, len(rows) + 1),
        kind=np.array([row.kind for row in rows], np.uint8),
        time=np.array([row.time for row in rows], np.int64),
        version=np.array([row.version for row in rows], np.int64),
        ticket_id=np.array([row.id for row in rows] + [None], np.object_)[:-1],
        key=np.array([_hash(f"{source}:{row.id}") for row in rows], np.uint64),
        digest=np.array([_hash(repr(row)) for row in rows], np.uint64),
        area=_dictionary([row.area for row in rows]),
        category=_dictionary([row.category for row in rows]),
        department=_dictionary([row.department for row in rows]),
        channel=_dictionary([row.channel for row in rows]),
        text=np.array([row.text for row in rows] + [None], np.object_)[:-1],
    )


def _hash(text: str) -> int:
    return xxhash.xxh3_64_intdigest(text.encode())


def _dictionary(texts: list[str]) -> Dictionary:
    values = list(dict.fromkeys(texts))
    return Dictionary(np.array([values.index(text) for text in texts], np.int32), values)


def tick(number: int, read_to: int, *, city: str = CITY) -> Tick:
    """Write a tick."""
    return Tick(jurisdiction=city, number=number, watermark=number * STEP, read_to=read_to)


def config(**changes: object) -> EngineConfig:
    """Configure an engine of the test city with few shards, to keep tests quick."""
    settings: dict[str, object] = {"jurisdiction": CITY, "zone": "UTC", "shards": 8} | changes
    return EngineConfig(**settings)  # type: ignore[arg-type]


def engine(partitions: tuple[tuple[int, ...], ...] | None = None, *, least: int = 5, **changes: object) -> Engine:
    """Build an engine of the test city."""
    policy = AlertPolicy(PolicyConfig(minimum_tickets=least, false_alerts_per_week=1.0))
    return Engine(config(**changes), policy, partitions)


def city(days: float = 4.0, *, seed: int = 7, burst: bool = True) -> list[Row]:
    """Draw a city's tickets, sorted by time: 12 categories, 6 areas, and (unless told not to) a burst on day three."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(220 * days)
    rows = [
        Row(
            time=START + int(rng.integers(int(days * DAY_MS))),
            id=f"T{i}",
            category=f"Category {int(rng.zipf(1.7)) % 12}",
            area=f"Testville/{'North' if rng.random() < 0.5 else 'South'}/District {int(rng.integers(3))}",
            department=f"Department {int(rng.integers(3))}",
            channel=("phone", "app", "web")[int(rng.integers(3))],
            text=f"text {i}",
        )
        for i in range(count)
    ]
    if burst:
        at = START + 2 * DAY_MS + 10 * HOUR_MS
        rows += [
            Row(
                time=at + int(rng.integers(2 * HOUR_MS)),
                id=f"B{i}",
                category="Meters",
                area=f"Testville/North/District {i % 2}",
                department="Transport",
                channel="app",
                text="meter out of order",
            )
            for i in range(60)
        ]
    return sorted(rows, key=lambda row: (row.time, row.id))


def log(rows: Sequence[Row], *, lateness: int = HOUR_MS, batch: int = 50, first: int | None = None) -> list[Record]:
    """Write rows, in the order given, as batches of at most ``batch`` with a tick where the watermark passes a step."""
    records: list[Record] = []
    read_to = first if first is not None else rows[0].time
    number = (read_to - lateness) // STEP
    records.append(tick(number, read_to))
    waiting: list[Row] = []
    for row in rows:
        waiting.append(row)
        read_to = max(read_to, row.time)
        due = (read_to - lateness) // STEP
        if due > number or len(waiting) == batch:
            records.append(columns(waiting))
            waiting = []
        if due > number:
            number = due
            records.append(tick(number, read_to))
    if waiting:
        records.append(columns(waiting))
    records.append(tick(read_to // STEP, read_to))
    return records


@dataclass
class Heard:
    """Everything an engine said, in order, and the last version of each signal and alert."""

    outputs: list[Output] = field(default_factory=list)
    signals: dict[str, Signal] = field(default_factory=dict)
    alerts: dict[str, Alert] = field(default_factory=dict)

    def take(self, output: Output) -> None:
        """Note one answer."""
        self.outputs.append(output)
        self.signals |= {signal.id: signal for signal in output.signals}
        for alert in output.alerts:
            self.alerts[alert.id] = alert
            for alias in alert.aliases:
                self.alerts.pop(alias, None)

    def final(self) -> dict[str, Signal]:
        """Return the final evidence."""
        return {i: s for i, s in self.signals.items() if s.state is EvidenceState.FINAL}

    def outcomes(self) -> list[int]:
        """Return the outcome codes of all rows, in order."""
        return [code for output in self.outputs if output.outcomes is not None for code in output.outcomes.tolist()]


def feed(subject: Engine, records: Iterable[Record]) -> Heard:
    """Apply records."""
    heard = Heard()
    for record in records:
        heard.take(subject.apply(record))
    return heard
