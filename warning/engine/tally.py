"""What shards count for the jurisdiction stage between two ticks: totals, departments, channels, life events."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from models.base import IntArray
from warning.domain.area import SEPARATOR
from warning.domain.bucket import QUARTER_MS
from warning.domain.series import SeriesKind
from warning.domain.ticket import LifeEvent
from warning.engine.records import SeriesCount, TickReport
from warning.intake.columns import Dictionary, TicketColumns

_KINDS = (SeriesKind.TOTAL, SeriesKind.DEPARTMENT, SeriesKind.CHANNEL)
_Counts = dict[tuple[str, str, str, int], int]


class Tally:
    """Sums of whole numbers, so that it does not matter how shards are grouped or in which order tickets came."""

    def __init__(self) -> None:
        self.overflowed = 0
        """Tickets with a level of their area that no series was kept for."""
        self._counts: _Counts = {}
        self._corrections: _Counts = {}
        self._life: dict[tuple[str, str], int] = {}

    def count(self, batch: TicketColumns, index: IntArray) -> None:
        """Count tickets of open buckets."""
        _add(self._counts, batch, index)

    def correct(self, batch: TicketColumns, index: IntArray) -> None:
        """Count late tickets, which correct history."""
        _add(self._corrections, batch, index)

    def take_back(self, area: str, department: str, channel: str, quarter: int) -> None:
        """Uncount a ticket that a better version of it replaces."""
        root = area.partition(SEPARATOR)[0]
        for kind, name in zip(_KINDS, (area, department, channel), strict=True):
            if name:
                entry = (*_series_name(kind, root, name), quarter)
                self._counts[entry] = self._counts.get(entry, 0) - 1

    def count_life(self, batch: TicketColumns) -> None:
        """Count life events by department."""
        events = batch.department.codes.astype(np.int64) * len(LifeEvent) + batch.kind
        pairs, counts = np.unique(events, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            code, kind = divmod(pair, len(LifeEvent))
            entry = (batch.department.values[code], LifeEvent(kind).name.lower())
            self._life[entry] = self._life.get(entry, 0) + count

    def hand_over(self, report: TickReport) -> None:
        """Put everything into a report and begin anew."""
        report.counts = _sorted(self._counts)
        report.corrections = _sorted(self._corrections)
        report.life = [(*entry, count) for entry, count in sorted(self._life.items())]
        report.overflowed = self.overflowed
        self._counts, self._corrections, self._life, self.overflowed = {}, {}, {}, 0

    def state(self) -> dict[str, Any]:
        """Return what was not yet handed over."""
        life = [[*entry, count] for entry, count in sorted(self._life.items())]
        parts = {"counts": _sorted(self._counts), "corrections": _sorted(self._corrections)}
        return parts | {"life": life, "overflowed": self.overflowed}

    def load(self, state: dict[str, Any]) -> None:
        """Add a state."""
        for mine, entries in ((self._counts, state["counts"]), (self._corrections, state["corrections"])):
            for kind, area, name, quarter, count in entries:
                mine[kind, area, name, quarter] = mine.get((kind, area, name, quarter), 0) + count
        for department, event, count in state["life"]:
            self._life[department, event] = self._life.get((department, event), 0) + count
        self.overflowed += state["overflowed"]


def _add(into: _Counts, batch: TicketColumns, index: IntArray) -> None:
    for root, mine in _by_root(batch.area, index):
        quarters = batch.time[mine] // QUARTER_MS
        first = int(quarters.min())
        span = int(quarters.max()) - first + 1
        for kind, column in zip(_KINDS, (batch.area, batch.department, batch.channel), strict=True):
            if not any(column.values):
                continue
            pairs, counts = np.unique(column.codes[mine] * span + (quarters - first), return_counts=True)
            for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
                code, offset = divmod(pair, span)
                name = column.values[code]
                if name:
                    entry = (*_series_name(kind, root, name), first + offset)
                    into[entry] = into.get(entry, 0) + count


def _series_name(kind: SeriesKind, root: str, name: str) -> tuple[str, str, str]:
    return (kind.value, name, "") if kind is SeriesKind.TOTAL else (kind.value, root, name)


def _by_root(area: Dictionary, index: IntArray) -> Iterator[tuple[str, IntArray]]:
    """Yield each root area with the tickets in it (there is seldom more than one)."""
    codes = area.codes[index]
    roots: dict[str, list[int]] = {}
    for code in np.unique(codes).tolist():
        roots.setdefault(area.values[code].partition(SEPARATOR)[0], []).append(code)
    for root, mine in roots.items():
        yield root, index if len(roots) == 1 else index[np.isin(codes, mine)]


def _sorted(counts: _Counts) -> list[SeriesCount]:
    return [(*entry, amount) for entry, amount in sorted(counts.items()) if amount]
