"""Seasonal profiles: how a series' count is spread over the hours of the day and the days of the week."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.base import WEEK_HOURS, BoolArray, FloatArray, IntArray, Window
from models.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_HOURS = 24
WEEK_DAYS = 7
_MASSES_REMEMBERED = 64
"""One window is asked for several times in a row, and the buckets of a day come again at each look."""

_SHAPE = np.array(
    [0.45, 0.35, 0.28, 0.25, 0.25, 0.32, 0.5, 0.8, 1.15, 1.4, 1.5, 1.5]
    + [1.45, 1.4, 1.4, 1.35, 1.3, 1.25, 1.2, 1.2, 1.2, 1.15, 0.95, 0.68],
)
TYPICAL_DAY: FloatArray = _SHAPE * (DAY_HOURS / _SHAPE.sum())
"""What is assumed of an unknown series: people report when they are awake. Only the start depends on it, since a
profile's own counts soon outweigh it."""


class SeasonalProfile:
    """Multiplicative factors hour of day x day of week for each of n profiles, mean one over a week.

    Each factor is a ratio of discounted sums, (count + k prior) / (exposure + k), where exposure is what the level and
    the other factor expect: the conjugate Gamma estimate, shrunk to the typical day (hours) and to one (days).

    Parameters
    ----------
    strength : k, in tickets; how many tickets outweigh the prior shape
    keep_per_day : share of the sums kept from one day to the next
    """

    def __init__(self, strength: float = 20.0, keep_per_day: float = 0.5 ** (1 / 90)) -> None:
        self.strength = strength
        self.keep_per_day = keep_per_day
        self._masses: dict[tuple[float, float], FloatArray] = {}
        self._table = RowTable(
            {
                "hour_count": (np.float64, (DAY_HOURS,), 0.0),
                "hour_exposure": (np.float64, (DAY_HOURS,), 0.0),
                "day_count": (np.float64, (WEEK_DAYS,), 0.0),
                "day_exposure": (np.float64, (WEEK_DAYS,), 0.0),
                "hour_factor": (np.float64, (DAY_HOURS,), TYPICAL_DAY),
                "day_factor": (np.float64, (WEEK_DAYS,), 1.0),
                "hours_before": (np.float64, (DAY_HOURS + 1,), np.concatenate([[0.0], np.cumsum(TYPICAL_DAY)])),
                "days_before": (np.float64, (WEEK_DAYS + 1,), DAY_HOURS * np.arange(WEEK_DAYS + 1.0)),
            }
        )

    @property
    def rows(self) -> int:
        """How many profiles there are."""
        return self._table.rows

    def add(self, profiles: int) -> None:
        """Add profiles that know nothing yet."""
        self._table.add(profiles)
        self._masses.clear()

    def mass(self, window: Window) -> FloatArray:
        """Return how many average hours' worth of count each profile expects in the window: (n,), not to be changed."""
        key = (window.start_hour, window.hours)
        known = self._masses.get(key)
        if known is None:
            if len(self._masses) >= _MASSES_REMEMBERED:
                self._masses.clear()
            end = window.start_hour + window.hours
            over = self._until(end - WEEK_HOURS) if end > WEEK_HOURS else 0.0
            known = self._until(min(end, float(WEEK_HOURS))) - self._until(window.start_hour) + over
            self._masses[key] = known
        return known

    def _until(self, hour: float) -> FloatArray:
        day, rest = divmod(hour, DAY_HOURS)
        before: FloatArray = self._table["days_before"][:, int(day)]
        if not rest:
            return before
        whole = int(rest)
        today: FloatArray = self._table["hours_before"][:, whole]
        if rest > whole:
            today = today + (rest - whole) * self._table["hour_factor"][:, whole]
        factor: FloatArray = self._table["day_factor"][:, int(day)]
        return before + factor * today

    def learn_hour(self, counts: FloatArray, level: FloatArray, window: Window, learning: BoolArray) -> None:
        """Add one hour: ``counts`` (n,) came where ``level`` (n,) an average hour's count was expected."""
        day, hour = divmod(int(window.start_hour), DAY_HOURS)
        table = self._table
        counts = np.where(learning, counts, 0.0)
        exposure = np.where(learning, level * window.hours, 0.0)
        table["hour_count"][:, hour] += counts
        table["hour_exposure"][:, hour] += exposure * table["day_factor"][:, day]
        table["day_count"][:, day] += counts
        table["day_exposure"][:, day] += exposure * table["hour_factor"][:, hour]

    def learn_day(self, counts: FloatArray, level: FloatArray, window: Window, learning: BoolArray) -> None:
        """Add one whole day of which the hours are not known; arguments as for ``learn_hour``."""
        day = int(window.start_hour) // DAY_HOURS
        self._table["day_count"][:, day] += np.where(learning, counts, 0.0)
        self._table["day_exposure"][:, day] += np.where(learning, level * window.hours, 0.0)

    def end_day(self) -> None:
        """Compute the factors anew from the sums, and forget a little of them.

        A profile that has learned nothing stays, to the bit, as it was added: rounding must not tell its age.
        """
        table, k = self._table, self.strength
        told = table["day_exposure"].any(axis=1, keepdims=True)
        hours = (table["hour_count"] + k * TYPICAL_DAY) / (table["hour_exposure"] + k)
        table["hour_factor"][:] = np.where(told, hours * (DAY_HOURS / _row_sums(hours)), table["hour_factor"])
        days = (table["day_count"] + k) / (table["day_exposure"] + k)
        table["day_factor"][:] = np.where(told, days * (WEEK_DAYS / _row_sums(days)), table["day_factor"])
        np.cumsum(table["hour_factor"], axis=1, out=table["hours_before"][:, 1:])
        np.cumsum(DAY_HOURS * table["day_factor"], axis=1, out=table["days_before"][:, 1:])
        for name in ("hour_count", "hour_exposure", "day_count", "day_exposure"):
            table[name][:] *= self.keep_per_day
        self._masses.clear()

    def state(self, profiles: IntArray) -> dict[str, NDArray[Any]]:
        """Return all that is known of these profiles."""
        return self._table.state(profiles)

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the profiles of a state."""
        self._table.load(state)
        self._masses.clear()


def _row_sums(factors: FloatArray) -> FloatArray:
    """Sum each row in a fixed order, whatever the number of rows (results must not depend on it to the bit)."""
    return np.cumsum(factors, axis=1)[:, -1:]
