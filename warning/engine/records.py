"""What the log holds and what the engine answers: the engine's whole outside."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from warning.domain.alert import Alert
from warning.domain.bucket import BucketLength
from warning.domain.control import Control
from warning.domain.evidence import EvidencePoint
from warning.domain.outcome import RowOutcome
from warning.domain.signal import Signal
from warning.intake.columns import TicketColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """The clock's record: everything before ``watermark`` has been read; only ticks close buckets.

    number : grows; a number that is not above the last one is ignored
    watermark : number x step, milliseconds of the epoch
    read_to : the largest event time read when it was written: what a live run would call now
    """

    jurisdiction: str
    number: int
    watermark: int
    read_to: int


Record: TypeAlias = TicketColumns | Tick | Control

OUTCOME_ORDER = (RowOutcome.DUPLICATE, RowOutcome.UPDATED, RowOutcome.LATE, RowOutcome.ACCEPTED)
"""Outcome codes of the engine are positions in this tuple (a rejected row never reaches it)."""

SeriesCount: TypeAlias = tuple[str, str, str, int, int]
"""(series kind, deepest area, department or channel name, quarter of an hour, tickets)"""


@dataclass(slots=True, kw_only=True)
class TickReport:
    """What shards report of a tick to the jurisdiction stage."""

    tick: Tick
    shards: tuple[int, ...]
    signals: list[Signal] = field(default_factory=list)
    points: list[EvidencePoint] = field(default_factory=list)
    counts: list[SeriesCount] = field(default_factory=list)
    """Tickets of totals, departments and channels since the last tick (negative where one was taken back)."""
    corrections: list[SeriesCount] = field(default_factory=list)
    """The same of late tickets, whose buckets have closed."""
    life: list[tuple[str, str, int]] = field(default_factory=list)
    """(department, life event, how many) since the last tick."""
    series: int = 0
    analysed: dict[BucketLength, int] = field(default_factory=dict)
    """How many series can be unusual by chance in a bucket of each length."""
    decisions: int = 0
    overflowed: int = 0
    horizon_days: float = 0.0


@dataclass(slots=True, kw_only=True)
class Output:
    """The engine's answer to one record."""

    outcomes: NDArray[np.uint8] | None = None
    """For a batch: the outcome code of each row that came from a source (kind CREATED), in order."""
    signals: list[Signal] = field(default_factory=list)
    """New and updated signals, sorted; a signal replaces an earlier one of its id."""
    alerts: list[Alert] = field(default_factory=list)
    """New and updated alerts, sorted; an alert replaces an earlier one of its id."""
    points: list[EvidencePoint] = field(default_factory=list)
    """For charts: replaces an earlier point of its series, length and start."""
