"""Monitored count streams and how they are named."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from warning.domain.area import AreaPath


class SeriesKind(StrEnum):
    """What a series counts tickets by. The first is the shard stage's, the others the jurisdiction stage's."""

    AREA_CATEGORY = "area_category"
    TOTAL = "total"
    DEPARTMENT = "department"
    CHANNEL = "channel"


OVERFLOW = "(overflow)"
"""The name under which tickets of series beyond the quota are counted together."""


@dataclass(frozen=True, slots=True, order=True)
class SeriesKey:
    """Name of a series: its kind, its area (as path text) and the category, department or channel it counts."""

    kind: SeriesKind
    area: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind.value}:{self.area}:{self.name}"

    @property
    def path(self) -> AreaPath:
        """The area as a path."""
        return AreaPath.parse(self.area)

    @property
    def category(self) -> str | None:
        """The category, for a series of area x category."""
        return self.name if self.kind is SeriesKind.AREA_CATEGORY else None
