"""The watermark of a jurisdiction: how far its sources have been read, less how late their tickets may be."""

from __future__ import annotations

from dataclasses import dataclass, field

from warning.engine.records import Tick


@dataclass(slots=True)
class _Source:
    lateness_ms: int
    latest: int | None = None
    ended: bool = False
    late: bool = False


@dataclass(slots=True)
class Watermarks:
    """Follows the sources of one jurisdiction and writes its ticks; whoever writes the log holds one.

    The watermark is the minimum over the sources. A source's is the largest event time read minus its lateness, or,
    once its input has been read to its end, the clock minus its lateness. A source declared late does not hold it.
    """

    jurisdiction: str
    step_ms: int
    last_number: int | None = None
    _sources: dict[str, _Source] = field(default_factory=dict)

    def add_source(self, source: str, lateness_ms: int) -> None:
        """Wait for this source from now on."""
        self._sources.setdefault(source, _Source(lateness_ms))

    def read(self, source: str, latest: int) -> None:
        """Note that event times up to ``latest`` were read (and flushed) of a source."""
        known = self._sources[source]
        known.latest = latest if known.latest is None else max(known.latest, latest)
        known.ended = False

    def ended(self, source: str) -> None:
        """Note that a source's input has been read to its end."""
        self._sources[source].ended = True

    def declare_late(self, source: str, *, late: bool) -> None:
        """Stop waiting for a silent source, or wait for it again."""
        self._sources[source].late = late

    def watermark(self, clock_ms: int) -> int | None:
        """Return the watermark; None while a source that is waited for has sent nothing."""
        marks: list[int] = []
        for source in self._sources.values():
            if source.late:
                continue
            if source.ended:
                marks.append(clock_ms - source.lateness_ms)
            elif source.latest is None:
                return None
            else:
                marks.append(source.latest - source.lateness_ms)
        return min(marks, default=None)

    def read_to(self) -> int | None:
        """Return the largest event time read of any source."""
        return max((s.latest for s in self._sources.values() if s.latest is not None), default=None)

    def tick(self, clock_ms: int) -> Tick | None:
        """Return the next tick to write: the last whole step the watermark has passed; None if there is no new one."""
        watermark, read_to = self.watermark(clock_ms), self.read_to()
        if watermark is None or read_to is None:
            return None
        number = watermark // self.step_ms
        if self.last_number is not None and number <= self.last_number:
            return None
        self.last_number = number
        return Tick(jurisdiction=self.jurisdiction, number=number, watermark=number * self.step_ms, read_to=read_to)
