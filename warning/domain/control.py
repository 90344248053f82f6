"""Control records: what people and policy tell the engine, through the log.

What is said of a series (PROTECT, RELEASE, SENSITIVITY) is said in the name of an ``alert``, or of none. For each
series the latest record of a kind in a name replaces the earlier one, so that a record read twice says nothing new, and
RESET takes a name's records back exactly: what others say of the series stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from warning.domain.area import AreaPath
from warning.domain.series import SeriesKey, SeriesKind

SENSITIVITY_STEP = 4.0
"""How many times as strong evidence must be after one false alarm."""
STRONGEST_FACTOR = 64.0
"""No series becomes less sensitive than this, whatever is said of it: three false alarms in a row."""


class ControlKind(StrEnum):
    """What a control record can say."""

    PROTECT = "protect"
    """The series does not learn from ``effective_from`` until ``until`` (or until released); an earlier release ends.
    Protection by several alerts lasts as long as the longest."""
    RELEASE = "release"
    """The series learns again: its protection ends, whatever set it."""
    RESET = "reset"
    """PROTECT, RELEASE and SENSITIVITY of ``series`` (None: of every series) in the name of ``alert`` (empty: in every
    name) end, as if they had not been said; the series' own evidence counts again."""
    SENSITIVITY = "sensitivity"
    """Policy multiplies the series' p-values by ``factor`` before it decides about alerts: above 1 it needs stronger
    evidence. The factors said in several names multiply, in the order they were said, each time kept in 1 to 64."""
    REVIEWED = "reviewed"
    """A person gave ``alert`` a disposition: it is linked from now on, never absorbed by another alert."""
    PLANNED = "planned"
    """Something planned (``plan``) explains what happens in ``areas`` and ``categories`` (empty: all) from
    ``effective_from`` until ``until``: series there do not learn it, and it raises no alert. A later record of the
    same plan replaces the earlier one; with ``until`` equal to ``effective_from`` the plan is called off."""
    HISTORY = "history"
    """Evidence on windows that start before ``until`` teaches and protects, but nothing is said of it (unless something
    was said of it already, which is then confirmed or withdrawn)."""
    SOURCE_LATE = "source_late"
    """The source is silent beyond its lateness: it no longer holds the watermark."""
    SOURCE_BACK = "source_back"
    """The source speaks again: it holds the watermark again."""
    SHARD_LEFT_OUT = "shard_left_out"
    """Ticks are judged without this shard from the next one on, until it is back: see :mod:`warning.engine.absent`."""
    SHARD_BACK = "shard_back"
    """The shard has caught up: it is waited for again from the next tick on, and what it missed is judged then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control record. Times are milliseconds of the epoch (UTC); ``until`` None means: until released."""

    kind: ControlKind
    jurisdiction: str
    effective_from: int
    until: int | None = None
    series: SeriesKey | None = None
    source: str | None = None
    shard: int | None = None
    reason: str = ""
    factor: float = 1.0
    alert: str = ""
    plan: str = ""
    areas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()

    def covers(self, series: SeriesKey) -> bool:
        """Whether a PLANNED record explains what happens in a series.

        Its area lies in one of the plan's areas, and its category is one of the plan's. Totals, departments and
        channels count tickets of many categories: only a plan for all categories explains them.
        """
        if self.categories and (series.kind is not SeriesKind.AREA_CATEGORY or series.name not in self.categories):
            return False
        return not self.areas or any(AreaPath.parse(area).contains(series.path) for area in self.areas)
