"""Which series lead alerts, and which points of their courses are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from warning.domain.bucket import DAY_MS, BucketLength
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.course import Past, bucket_at, followed_until, own_point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from warning.domain.evidence import EvidencePoint
    from warning.domain.signal import Signal
    from warning.engine.grid import Grid

_Followed: TypeAlias = tuple[SeriesKey, BucketLength]


class Led:
    """Keeps of the courses that partitions report what an engine in one process would have said.

    It follows a series from the tick at which it first led an alert (:class:`warning.engine.course.Courses` says how
    long), and forgets at the same moments.
    """

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._until: dict[_Followed, int] = {}
        self._day = 0

    def kept(self, points: Iterable[EvidencePoint]) -> list[EvidencePoint]:
        """Return the points of buckets that closed in series that are followed."""
        return [point for point in points if self._shows(point)]

    def begin(self, watermark: int) -> None:
        """Forget what has run out, once a day."""
        if watermark // DAY_MS == self._day:
            return
        self._day = watermark // DAY_MS
        now = self._grid.start(BucketLength.HOUR, self._grid.hour_of(watermark))
        self._until = {key: until for key, until in self._until.items() if self._grid.end(key[1], until) > now}

    def course(self, lead: Signal, pasts: Mapping[str, Past]) -> list[EvidencePoint]:
        """Follow the series of a signal that leads an alert; returns its past, if that is new, and its own window."""
        key = (lead.series, lead.length)
        known = self._until.get(key)
        self._until[key] = max(followed_until(self._grid, lead), known or 0)
        past = pasts.get(lead.id)
        return [own_point(lead)] if known is not None or past is None else past.points(lead, self._grid)

    def _shows(self, point: EvidencePoint) -> bool:
        until = self._until.get((point.series, point.length))
        if until is None:
            return False
        return bucket_at(self._grid, point.length, int(point.start.timestamp() * 1000)) <= until

    def state(self) -> dict[str, Any]:
        """Return what is followed."""
        followed = [
            [key.kind.value, key.area, key.name, length.value, until] for (key, length), until in self._until.items()
        ]
        return {"day": self._day, "followed": followed}

    def load(self, state: Mapping[str, Any]) -> None:
        """Take over what was followed."""
        self._day = state["day"]
        for kind, area, name, length, until in state["followed"]:
            self._until[SeriesKey(SeriesKind(kind), area, name), BucketLength(length)] = until
