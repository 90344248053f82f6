"""Incidents and hard negatives: as one asks for them, and as they stand, with all that is needed to carry them out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from warning.domain.truth import Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentSpec:
    """An incident that somebody asks for: what is left out is drawn.

    ``size`` is in baseline standard deviations of the shape's statistic, ``areas`` are districts (paths, or their
    names alone); ``hours`` is the length (a silent channel's follows from its size unless given).
    """

    shape: Shape
    start: datetime
    size: float | None = None
    areas: tuple[tuple[str, ...] | str, ...] = ()
    category: str = ""
    department: str = ""
    channel: str = ""
    hours: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """An incident or hard negative as it stands. Districts and names are indices into the city's lists.

    ``amount`` is what it does: tickets added (or to be changed), or the shift of the logarithm of handling times;
    ``drawn_on`` and ``number`` seed its own chance.
    """

    id: str
    shape: Shape
    start: int
    end: int
    areas: tuple[int, ...] = ()
    """Empty: the whole city. Of a spread: in the order they are reached."""
    category: int | None = None
    department: int | None = None
    channel: int | None = None
    amount: float = 0.0
    size_sd: float = 0.0
    statistic: str = "none"
    drawn_on: date
    number: int

    def overlaps(self, start: int, end: int) -> bool:
        """Whether it goes on at some time of a half-open stretch."""
        return self.start < end and start < self.end
