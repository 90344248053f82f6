"""The grid of buckets that a list of starts has: its length is inferred, minutes to weeks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import gcd

from warning.service.errors import BadInputError

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY
LENGTHS = (
    WEEK,
    DAY,
    *(hours * HOUR for hours in (12, 8, 6, 4, 3, 2, 1)),
    *(minutes * MINUTE for minutes in (30, 20, 15, 12, 10, 6, 5, 4, 3, 2, 1)),
)
"""Seconds. Every length but the week divides the day, so that buckets start at the same times every day."""

FEWEST_STARTS_FOR_A_HABIT = 10
SHARE_OF_A_HABIT = 0.9
"""When nine of ten starts keep a coarser grid, one that does not is a slip of the pen and not a finer grid."""


@dataclass(frozen=True, slots=True)
class Start:
    """A start as it was written."""

    moment: datetime
    text: str

    @property
    def zoned(self) -> bool:
        return self.moment.utcoffset() is not None

    @property
    def instant(self) -> float:
        """Seconds on the one line of time (a time without a zone is taken as it stands)."""
        return (self.moment if self.zoned else self.moment.replace(tzinfo=UTC)).timestamp()

    @property
    def wall(self) -> float:
        """Seconds on the wall clock."""
        return self.moment.replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Buckets of one length from the earliest start on; days and weeks go by the wall clock."""

    seconds: int
    first: Start
    buckets: int

    @property
    def label(self) -> str:
        """The length as people write it: 15m, 1h, 1d, 7d."""
        for unit, seconds in (("d", DAY), ("h", HOUR)):
            if self.seconds % seconds == 0:
                return f"{self.seconds // seconds}{unit}"
        return f"{self.seconds // MINUTE}m"

    @property
    def per_week(self) -> float:
        """Buckets in a week."""
        return WEEK / self.seconds

    def number(self, start: Start) -> int:
        """Return the number of the bucket that starts so, from 0."""
        return round((_place(start, self.seconds) - _place(self.first, self.seconds)) / self.seconds)

    def after(self, moment: datetime) -> datetime:
        """Return the start of the bucket after the one that starts at this moment."""
        return moment + timedelta(seconds=self.seconds)

    def text(self, moment: datetime) -> str:
        """Write a start in the way the file does."""
        if len(self.first.text) <= len("2026-01-31"):
            return f"{moment:%Y-%m-%d}"
        separator = self.first.text[10]
        brief = self.first.moment.isoformat(separator, "minutes").removesuffix("+00:00")
        text = moment.isoformat(separator, "minutes" if self.first.text.removesuffix("Z") == brief else "seconds")
        return text.removesuffix("+00:00") + "Z" if self.first.text.endswith("Z") else text


def infer_grid(where: str, starts: Sequence[Start]) -> tuple[Grid, Start | None]:
    """Infer the grid; also returns the first start that is off it, if it looks like a slip.

    Raises BadInputError for starts from which no length can be told: a single one, months, seconds.
    """
    distinct = sorted({start.instant: start for start in starts}.values(), key=lambda start: start.instant)
    _refuse_months(where, distinct)
    first = distinct[0]
    seconds, off = _slip(distinct, _length(where, distinct))
    grid = Grid(seconds=seconds, first=first, buckets=1)
    return replace(grid, buckets=grid.number(distinct[-1]) + 1), off


def _place(start: Start, seconds: int) -> float:
    return start.wall if seconds >= DAY else start.instant


def _length(where: str, distinct: list[Start]) -> int:
    if len(distinct) < 2:
        raise BadInputError(
            where,
            "all rows have the same start, so the bucket length cannot be inferred",
            "Give at least two different starts.",
            f"{where}: 所有行的 start 相同,无法推断时间粒度。请至少提供两个不同的时间。",
        )
    common = _common_step([start.wall for start in distinct])
    if common % DAY:
        common = _common_step([start.instant for start in distinct])
    found = next((length for length in LENGTHS if common and common % length == 0), None)
    if found:
        return found
    raise BadInputError(
        where,
        "the starts share no bucket length of a minute or more",
        "Round each start down to its bucket.",
        f"{where}: 各行 start 没有一分钟以上的共同粒度。请把时间取整到所属时段的开始。",
    )


def _common_step(places: list[float]) -> int:
    """Return the largest number of seconds that divides every step; 0 when there is none."""
    steps = [after - before for before, after in pairwise(sorted(set(places)))]
    return gcd(*(int(step) for step in steps)) if all(step == int(step) for step in steps) else 0


def _refuse_months(where: str, distinct: list[Start]) -> None:
    """Calendar months are no fixed length; their starts share a day of the month, or are all last days."""
    days = [start.moment.date() for start in distinct]
    same = len({day.day for day in days}) == 1
    last = all((day + timedelta(days=1)).day == 1 for day in days)
    apart = all(after - before >= timedelta(days=28) for before, after in pairwise(days))
    if len(days) > 1 and apart and (same or last) and len({(day.year, day.month) for day in days}) == len(days):
        raise BadInputError(
            where,
            "the starts look like months, which differ in length and are not supported",
            "Count by week or by day.",
            f"{where}: 时间像是按月的,月份长短不一,不受支持。请按周或按日计数。",
        )


def _slip(distinct: list[Start], seconds: int) -> tuple[int, Start | None]:
    """Return the length most starts keep, and the first start that does not keep it."""
    steps = Counter(round(b.instant - a.instant) for a, b in pairwise(distinct))
    usual = steps.most_common(1)[0][0]
    if len(distinct) < FEWEST_STARTS_FOR_A_HABIT or usual <= seconds or usual not in LENGTHS:
        return seconds, None
    phases = Counter(_place(start, usual) % usual for start in distinct)
    phase, kept = phases.most_common(1)[0]
    if kept < SHARE_OF_A_HABIT * len(distinct):
        return seconds, None
    return usual, next(start for start in distinct if _place(start, usual) % usual != phase)
