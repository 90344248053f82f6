"""A plain River pipeline in place of the engine: per series, quarters of an hour against a moving mean and variance.

Each ticket counts in its series (area x category, the deepest area only). When the first ticket of a later quarter
comes, the count before it is scored by z = (count - EWMean) / sqrt(EWVar) and then learned; z above 4 with at least
three tickets is a signal. It has no seasons, no roll-ups, no dedupe, no watermark, no neighbours and no calibration,
and quarters without tickets are not learned: it is what one writes in an afternoon, not the same job.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from river.stats import EWMean, EWVar

from benchmarks.streams.job import Out, outcomes_of
from streams.records import encode
from streams.topics import Name, topics
from warning.domain.bucket import QUARTER_MS
from warning.domain.outcome import RowOutcome
from warning.engine.records import OUTCOME_ORDER
from warning.intake.columns import TicketColumns
from warning.store.logfile import decode_record

if TYPE_CHECKING:
    from warning.settings import Settings

FADING = 0.05
THRESHOLD = 4.0
LEAST = 3
_ACCEPTED = OUTCOME_ORDER.index(RowOutcome.ACCEPTED)


@dataclass(slots=True)
class _Series:
    quarter: int = -1
    count: int = 0
    mean: Any = field(default_factory=lambda: EWMean(FADING))
    variance: Any = field(default_factory=lambda: EWVar(FADING))

    def close(self) -> float:
        """Score the open quarter, then learn it; returns z."""
        spread = math.sqrt(max(0.0, self.variance.get()))  # rounding takes it below 0
        z = (self.count - self.mean.get()) / spread if spread > 0 else 0.0
        self.mean.update(self.count)
        self.variance.update(self.count)
        return z


class RiverJob:
    """All series of a process."""

    def __init__(self, settings: Settings) -> None:
        table = topics(settings)
        self._signals, self._outcomes = table[Name.SIGNALS].name, table[Name.OUTCOMES].name
        self._log = table[Name.TICKETS].name
        self._series: dict[tuple[str, str], _Series] = {}

    def take(self, partition: int, offset: int, value: bytes) -> list[Out]:
        """Return the outcomes of a batch, and a record for each quarter that is unusual; ticks say nothing here."""
        record = decode_record(value, f"{partition}@{offset}")
        if not isinstance(record, TicketColumns):
            return []
        key = b"%d" % partition
        quarters = (record.time // QUARTER_MS).tolist()
        out = []
        for area, category, quarter in zip(record.area.decoded(), record.category.decoded(), quarters, strict=True):
            said = self._count(area, category, quarter)
            if said is not None:
                out.append(Out(self._signals, 0, key, said))
        outcome = np.full(len(record), _ACCEPTED, np.uint8)
        out.append(Out(self._outcomes, 0, key, encode(outcomes_of(record, outcome, self._log, partition, offset))))
        return out

    def _count(self, area: str, category: str, quarter: int) -> bytes | None:
        series = self._series.get((area, category))
        if series is None:
            series = self._series[area, category] = _Series(quarter)
        said = None
        if quarter > series.quarter:
            z, count = series.close(), series.count
            if z > THRESHOLD and count >= LEAST:
                said = msgspec.json.encode({"area": area, "category": category, "quarter": series.quarter, "z": z})
            series.quarter, series.count = quarter, 0
        series.count += 1
        return said
