"""Axes: where ticks go and what they say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

_STEPS = tuple(
    timedelta(hours=hours) for hours in (0.25, 0.5, 1, 2, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24, 91 * 24, 365 * 24)
)
_DAY = timedelta(days=1)
_PARTS = {1.0: 2, 1.5: 3, 2.0: 2, 3.0: 3, 4.0: 4, 6.0: 3, 8.0: 4}
"""First digits a count axis may end at, and into how many equal parts it is then divided."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis: where, and its label."""

    at: float
    label: str


def nice_top(largest: float) -> float:
    """Return the round number at or above the largest value that a count axis should end at."""
    if largest <= 4:
        return float(max(1, ceil(largest)))
    power = 10.0 ** floor(log10(largest))
    return next(power * mantissa for mantissa in (*_PARTS, 10) if power * mantissa >= largest)


def count_ticks(top: float) -> list[float]:
    """Return a few round values from 0 to the top of a count axis, as ``nice_top`` gives it."""
    mantissa = round(top / 10.0 ** floor(log10(top)), 1)
    parts = 1 if top == 1 else _PARTS[mantissa]
    return [top * part / parts for part in range(parts + 1)]


def time_ticks(start: datetime, end: datetime, most: int) -> Iterator[tuple[datetime, str]]:
    """Yield at most so many moments that are round on the wall clock, each with a label ("01-02" or "09:00")."""
    step = next((step for step in _STEPS if (end - start) / step <= most), _STEPS[-1])
    midnight = datetime(start.year, start.month, start.day)  # noqa: DTZ001  wall clock, the zone is put on below
    first = midnight - timedelta(days=midnight.weekday()) if step > _DAY else midnight
    moment = first
    while (at := moment.replace(tzinfo=start.tzinfo)) <= end:
        if at >= start:
            yield at, f"{at:%m-%d}" if (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"
        moment += step
