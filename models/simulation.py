"""Made-up counts for checks and benchmarks: all about them is known, and they are shown as an engine shows its."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from models.base import NO_PARENT, WEEK_HOURS, BoolArray, CountArray, FloatArray, IntArray, Window

if TYPE_CHECKING:
    from models.base import CountDetector

QUARTERS_A_DAY = 96
_HOURS = np.repeat([0.2, 0.7, 1.9, 1.4, 1.2, 0.6], 4)
_DAYS = np.array([1.3, 1.2, 1.1, 1.1, 1.1, 0.7, 0.5])
WEEK: FloatArray = np.repeat(np.outer(_DAYS / _DAYS.mean(), _HOURS / _HOURS.mean()).ravel(), 4) / 4
"""Average hours' worth of count in each quarter of an hour of the week, from Monday 00:00: in steps of four hours, as
no detector's first guess of a day has them."""

Judge = Callable[[Window, CountArray], None]


def clean_quarters(
    generator: np.random.Generator, means: FloatArray, days: int, *, dispersion: float = 1.0
) -> CountArray:
    """Draw counts (96 x days, n) of quarters of an hour from Monday 00:00 on, independent and with nothing unusual.

    ``means`` (n,) are the counts of an average hour. Over any number of quarters the variance is ``dispersion`` times
    the mean: Poisson at 1, negative binomial above.
    """
    week = WEEK[:, None] * means
    whole = np.tile(week, (-(-days // 7), 1))[: days * QUARTERS_A_DAY]
    if dispersion == 1.0:
        return generator.poisson(whole).astype(np.int32)
    size = np.maximum(
        whole / (dispersion - 1.0), np.finfo(np.float64).tiny
    )  # a mean of 0 is allowed, a size of 0 is not
    return generator.negative_binomial(size, 1.0 / dispersion).astype(np.int32)


def add_up(counts: CountArray, parents: IntArray) -> CountArray:
    """Return ``counts`` (times, n) with each parent's column replaced by the sum of its children's."""
    total = counts.copy()
    for parent in np.unique(parents[parents != NO_PARENT]).tolist():
        total[:, parent] = counts[:, parents == parent].sum(axis=1)
    return total


def _no_judge(window: Window, counts: CountArray) -> None:
    """Judge nothing."""


class Walk:
    """Shows a detector one hour after the other, from Monday 00:00 on, in the order in which an engine closes buckets.

    The buckets that end at one moment are judged first, then learned, then the next ones begun. Quarters of an hour
    are judged and never learned.
    """

    def __init__(self, detector: CountDetector) -> None:
        self.detector = detector
        self.hour = 0
        """Hours since the first Monday."""
        self._sums: dict[str, CountArray] = {}

    def fork(self, detector: CountDetector, rows: IntArray) -> Walk:
        """Return a walk at the same moment for a detector that has these rows of this one's."""
        other = Walk(detector)
        other.hour = self.hour
        other._sums = {length: counts[rows] for length, counts in self._sums.items()}
        return other

    def close(self, quarters: CountArray, protected: BoolArray | None = None, judge: Judge = _no_judge) -> None:
        """Close as many hours as there are fours of ``quarters`` (4 x hours, rows)."""
        learns_not = np.zeros(quarters.shape[1], np.bool_) if protected is None else protected
        for four in quarters.reshape(-1, 4, quarters.shape[1]):
            start = float(self.hour % WEEK_HOURS)
            for i, counts in enumerate(four):
                judge(Window("15m", start + i / 4, 0.25), counts)
            ended = self._ended(start, four.sum(axis=0, dtype=np.int32))
            for window, counts in ended:
                judge(window, counts)
            for window, counts in ended:
                self.detector.learn(counts, window, learns_not)
            for window, _ in ended:
                self.detector.begin(window.length)

    def _ended(self, start: float, counts: CountArray) -> list[tuple[Window, CountArray]]:
        self.hour += 1
        ended = [(Window("1h", start, 1.0), counts)]
        for length, hours in (("1d", 24), ("7d", WEEK_HOURS)):
            total = counts.copy()
            earlier = self._sums.get(length, counts[:0])
            total[: len(earlier)] += earlier
            self._sums[length] = total
            if self.hour % hours == 0:
                ended.append((Window(length, start + 1 - hours, float(hours)), self._sums.pop(length)))
        return ended
