"""When the live clock's ticks are written.

Everything that was accepted is in the log before it is answered, so a pushing source is always read to its end: its
watermark is the clock less the lateness, and a silent source holds nobody up.
"""

from __future__ import annotations

from dataclasses import replace

from warning.domain.bucket import QUARTER_MS
from warning.engine.records import Tick
from warning.engine.watermark import Watermarks

_PUSHED = "pushed"


class LiveTicks:
    """Gives the ticks of one jurisdiction; a tick that would change nothing is left out."""

    def __init__(self, jurisdiction: str, *, step_ms: int, lateness_ms: int) -> None:
        self._watermarks = Watermarks(jurisdiction, step_ms)
        self._watermarks.add_source(_PUSHED, lateness_ms)
        self._last_watermark: int | None = None
        self._read_to = 0
        self._read_since = False

    def resume(self, tick: Tick | None, latest: int | None) -> None:
        """Go on after the last tick of a log whose tickets reach to ``latest``."""
        if latest is not None:
            self.read(latest)
        if tick is not None:
            self.read(tick.read_to)
            self._watermarks.last_number = tick.number
            self._last_watermark, self._read_to = tick.watermark, tick.read_to

    def read(self, latest: int) -> None:
        """Note that tickets were appended to the log, with event times up to ``latest``."""
        self._watermarks.read(_PUSHED, latest)
        self._watermarks.ended(_PUSHED)
        self._read_since = True

    def due(self, clock_ms: int) -> Tick | None:
        """Return the tick to write now, if one would change something: new tickets, or a quarter of an hour over.

        It stays due until :meth:`wrote` is told of it: the store may refuse. What a platform's fast clock dated ahead
        of ours was read by our clock's time only.
        """
        watermark = self._watermarks.watermark(clock_ms)
        if watermark is None or self._watermarks.read_to() is None:
            return None
        if not self._read_since and not self._closes_a_quarter(watermark):
            return None
        written = self._watermarks.last_number
        tick = self._watermarks.tick(clock_ms)
        self._watermarks.last_number = written
        return None if tick is None else replace(tick, read_to=max(self._read_to, min(tick.read_to, clock_ms)))

    def ahead_ms(self, clock_ms: int) -> int:
        """Return how far the last tick is ahead of what the clock allows: until then every ticket is late."""
        watermark = self._watermarks.watermark(clock_ms)
        if watermark is None or self._last_watermark is None:
            return 0
        return max(0, self._last_watermark - watermark)

    def wrote(self, tick: Tick) -> None:
        """Note that a tick is in the log."""
        self._watermarks.last_number = tick.number
        self._last_watermark, self._read_to, self._read_since = tick.watermark, tick.read_to, False

    def _closes_a_quarter(self, watermark: int) -> bool:
        last = self._last_watermark
        return last is None or watermark // QUARTER_MS > last // QUARTER_MS
