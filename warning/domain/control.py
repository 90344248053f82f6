"""Control records: what people and policy tell the engine, through the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from warning.domain.series import SeriesKey


class ControlKind(StrEnum):
    """What a control record can say."""

    PROTECT = "protect"
    """The series does not learn from ``effective_from`` until ``until`` (or until released)."""
    RELEASE = "release"
    """The series learns again: its protection ends, whatever set it."""
    RESET = "reset"
    """The series' PROTECT and RELEASE end, as if they had not been said; its own evidence counts again."""
    SENSITIVITY = "sensitivity"
    """Policy multiplies the series' p-values by ``factor`` (1 to 64) before it decides about alerts."""
    REVIEWED = "reviewed"
    """A person gave ``alert`` a disposition: it is linked from now on, never absorbed by another alert."""
    PLANNED = "planned"
    """Something planned (``plan``) explains what happens in ``areas`` and ``categories`` (empty: all) from
    ``effective_from`` until ``until``: series there do not learn it, and it raises no alert. A later record of the
    same plan replaces the earlier one; with ``until`` equal to ``effective_from`` the plan is called off."""
    HISTORY = "history"
    """Evidence on windows that start before ``until`` teaches and protects, but nothing is said of it."""
    SOURCE_LATE = "source_late"
    """The source is silent beyond its lateness: it no longer holds the watermark."""
    SOURCE_BACK = "source_back"
    """The source speaks again: it holds the watermark again."""
    SHARD_LEFT_OUT = "shard_left_out"
    """The jurisdiction stage judges ticks without this shard until it has caught up."""
    SHARD_BACK = "shard_back"
    """The shard has caught up and is waited for again."""


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
