"""From what the intake workers have flushed to the watermark and its ticks. Pure: it is told everything.

::

    input A   ----t----t--t------t|          backlog: up to its latest event time, less the lateness
    input B   --t---t-------------------|    read to its end at a moment: up to that moment, less the lateness
    watermark ---------------^               the least of all; an input that was never heard holds it
    ticks     |    |    |    |               the last whole step it has passed
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from streams.records import Flushed
from warning.domain.bucket import QUARTER_MS
from warning.engine.records import Tick

Input = tuple[str, int]
"""(topic, partition)."""


@dataclass(slots=True)
class _Progress:
    next_offset: int = -1
    time: int | None = None
    """Everything before it was read."""


class Marks:
    """Gives the ticks of one jurisdiction; one that would change nothing is left out.

    What is said twice, late or by a worker that lost its partitions meanwhile was true when it was said: marks only
    grow.

    Parameters
    ----------
    inputs : all partitions of both inputs
    step_ms : between ticks
    """

    def __init__(self, jurisdiction: str, inputs: Iterable[Input], *, step_ms: int, lateness_ms: int) -> None:
        self._jurisdiction = jurisdiction
        self._step_ms = step_ms
        self._lateness_ms = lateness_ms
        self._inputs = {place: _Progress() for place in inputs}
        self._number = -1
        self._watermark: int | None = None
        self._read_to: int | None = None
        self._read_since = True
        """At first nobody knows."""

    def expect(self, inputs: Iterable[Input]) -> None:
        """Wait for these inputs too, if they are new."""
        for place in inputs:
            self._inputs.setdefault(place, _Progress())

    def resume(self, tick: Tick) -> None:
        """Go on after a tick that is written, by whoever."""
        if tick.number > self._number:
            self._number, self._watermark = tick.number, tick.watermark
        self._read_to = tick.read_to if self._read_to is None else max(self._read_to, tick.read_to)

    def note(self, flushed: Flushed, clock_ms: int) -> None:
        """Take in what a worker said; a worker whose clock is ahead of ``clock_ms`` is believed up to that."""
        progress = self._inputs.get((flushed.topic, flushed.partition))
        if progress is None:
            return
        at = min(flushed.at, clock_ms)
        latest = None if flushed.latest is None else min(flushed.latest, at)
        time = at if flushed.end else latest
        if time is not None:
            progress.time = time if progress.time is None else max(progress.time, time)
        if latest is not None:
            self._read_to = latest if self._read_to is None else max(self._read_to, latest)
        if flushed.next_offset > progress.next_offset:
            self._read_since = self._read_since or progress.next_offset >= 0 or latest is not None
            progress.next_offset = flushed.next_offset

    def watermark(self) -> int | None:
        """Return up to when everything was read, less the lateness; None while some input was never heard."""
        times = [progress.time for progress in self._inputs.values()]
        known = [time for time in times if time is not None]
        return min(known) - self._lateness_ms if known and len(known) == len(times) else None

    def due(self) -> Tick | None:
        """Return the tick to write now; it stays due until :meth:`wrote` is told of it."""
        watermark = self.watermark()
        if watermark is None or self._read_to is None:
            return None
        number = watermark // self._step_ms
        if number <= self._number or not (self._read_since or self._closes_a_quarter(watermark)):
            return None
        return Tick(
            jurisdiction=self._jurisdiction, number=number, watermark=number * self._step_ms, read_to=self._read_to
        )

    def wrote(self, tick: Tick) -> None:
        """Note that a tick is written."""
        self.resume(tick)
        self._read_since = False

    def _closes_a_quarter(self, watermark: int) -> bool:
        last = self._watermark
        return last is None or watermark // QUARTER_MS > last // QUARTER_MS
