"""Shards that are left out, and what was reported meanwhile and waits for their return.

While a shard is away the other shards' own signals are judged as always. Totals, departments and channels sum over all
shards: a bucket without one of them would look like a drop, and would be learned as one. So these wait, and close with
whole counts when every shard is back. The signals of the shard itself wait for it, too: at the first tick with it the
latest version of each is judged, however old its window is. So nothing is missed in the end::

    tick                 5     6     7     8     9
    shard 0              in    in    in    in    in
    shard 1              in    out   out   out   in
    totals close         5     -     -     -     6 to 9
    signals of shard 1   5     -     -     -     6 to 9, the latest version of each

What waits is the same whether it was reported in time or late, shard by shard or together: a log gives the same
answers wherever its shards live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from warning.domain.signal import Signal
from warning.engine.records import SeriesCount
from warning.engine.shard_stage import shard_of_series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from warning.engine.config import EngineConfig
    from warning.engine.records import TickReport

_Counts = dict[tuple[str, str, str, int], int]


class Absent:
    """The shards that are left out now, and what waits for them."""

    def __init__(self, config: EngineConfig) -> None:
        self.shards: set[int] = set()
        self._config = config
        self._reached: dict[int, int] = {}
        """By shard that is left out: the last tick of which its report was taken in."""
        self._signals: dict[str, Signal] = {}
        self._counts: _Counts = {}
        self._corrections: _Counts = {}

    def leave(self, shard: int, last_tick: int) -> None:
        """Leave a shard out after a tick."""
        if shard not in self.shards:
            self.shards.add(shard)
            self._reached[shard] = last_tick

    def back(self, shard: int) -> None:
        """Take a shard in again from the next tick on."""
        self.shards.discard(shard)
        self._reached.pop(shard, None)

    def caught_up(self, last_tick: int) -> frozenset[int]:
        """Return the shards that are left out though they have reported the last tick."""
        return frozenset(shard for shard, reached in self._reached.items() if reached >= last_tick)

    def missed(self, report: TickReport) -> bool:
        """Whether a report of a tick that was judged says something new: it is of shards that were left out."""
        return all(self._reached.get(shard, report.tick.number) < report.tick.number for shard in report.shards)

    def hold(self, report: TickReport) -> list[Signal]:
        """Keep what must wait of a report; returns the signals that are judged now."""
        for shard in self.shards.intersection(report.shards):
            self._reached[shard] = report.tick.number
        _add(self._counts, report.counts)
        _add(self._corrections, report.corrections)
        self._signals |= {signal.id: signal for signal in report.signals if self._waits(signal)}
        return [signal for signal in report.signals if not self._waits(signal)]

    def released(self) -> dict[str, Signal]:
        """Return, once, the signals of shards that are back."""
        found = {i: signal for i, signal in sorted(self._signals.items()) if not self._waits(signal)}
        self._signals = {i: signal for i, signal in self._signals.items() if i not in found}
        return found

    def released_counts(self) -> tuple[list[SeriesCount], list[SeriesCount]]:
        """Return, once, the counts and the corrections that waited; to be asked when every shard is back."""
        found = _entries(self._counts), _entries(self._corrections)
        self._counts, self._corrections = {}, {}
        return found

    def _waits(self, signal: Signal) -> bool:
        return shard_of_series(signal.jurisdiction, signal.series, self._config.shards) in self.shards

    def state(self) -> dict[str, Any]:
        """Return everything, as plain data and signals."""
        return {
            "reached": [[shard, self._reached[shard]] for shard in sorted(self.shards)],
            "signals": [self._signals[i] for i in sorted(self._signals)],
            "counts": _entries(self._counts),
            "corrections": _entries(self._corrections),
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over a state."""
        for shard, reached in state["reached"]:
            self.leave(shard, reached)
        self._signals = {signal.id: signal for signal in msgspec.convert(state["signals"], list[Signal])}
        _add(self._counts, state["counts"])
        _add(self._corrections, state["corrections"])


def _add(into: _Counts, counts: list[SeriesCount]) -> None:
    for kind, area, name, quarter, amount in counts:
        into[kind, area, name, quarter] = into.get((kind, area, name, quarter), 0) + amount


def _entries(counts: _Counts) -> list[SeriesCount]:
    return [(*entry, amount) for entry, amount in sorted(counts.items()) if amount]
