"""Surge: more tickets in one bucket than season, level and chance explain."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.base import (
    NO_PARENT,
    WEEK_HOURS,
    BoolArray,
    CountArray,
    CountDetector,
    Evidence,
    FloatArray,
    IntArray,
    State,
    Window,
)
from models.level import GammaPoissonLevel
from models.negbin import mid_p, upper_bound
from models.profile import DAY_HOURS, WEEK_DAYS, SeasonalProfile
from models.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNSEEN_DAY_VARIANCE = 6.0
_DAY_NOISE_VARIANCE = 0.08
"""Relative variance of a weekday's effect before it was ever seen (a desk that was shut and opens takes many times as
much), and how much one day tells about it: conjugate normal, 1 / (1 / unseen + days / noise)."""
_UNSEEN_HOUR_VARIANCE = 4.0
_HOUR_NOISE_VARIANCE = 0.5
"""The same for an hour of the day."""
_SMALLEST_MEAN = 1e-9
_LARGEST_DISPERSION = 50.0
_DISPERSION_HALF_LIFE_DAYS = 90.0
_BOUNDED_SDS = 3.0
"""Residuals beyond this many standard deviations of a normal count as this: one outbreak must not widen the bound for
months. Counts are skew, so the bound stands at their quantile of that probability, about .001, where a series stops
learning anyway. At plain standard deviations sparse over-dispersed series look like Poisson, and p-values of at most
.001 come six times too often."""


class Surge(CountDetector):
    """Negative-binomial mid-p of each bucket given a shared seasonal profile and the series' own Gamma-Poisson level.

    The predictive variance is dispersion x mean + mean^2 x (uncertainty of the level + uncertainty of the profile), so
    that little history widens the bound instead of raising alarms. Dispersion is the ratio of discounted squared
    residuals to discounted means of each series and bucket length, shrunk to ``prior_dispersion``.

    Parameters
    ----------
    lengths : labels of the bucket lengths that are judged; dispersion is kept for each
    bound_p : mid-p value at which the upper bound stands
    prior_dispersion, prior_strength : dispersion assumed of an unknown series, and how many tickets outweigh it
    half_life_days : age at which a count has half its weight in the level

    Examples
    --------
    >>> import numpy as np
    >>> from models.base import NO_PARENT, Window
    >>> surge = Surge(lengths=("1d",))
    >>> surge.add_rows(np.array([NO_PARENT]))
    >>> for day in range(56):
    ...     today = Window("1d", 24.0 * (day % 7), 24.0)
    ...     surge.begin("1d")
    ...     surge.learn(np.array([4], np.int32), today, np.array([False]))
    >>> evidence = surge.score(np.array([0]), np.array([30], np.int32), Window("1d", 0.0, 24.0))
    >>> bool(evidence.p_value[0] < 1e-6)
    True
    """

    name: ClassVar[str] = "surge"
    kind: ClassVar[str] = "surge"

    def __init__(
        self,
        lengths: tuple[str, ...] = ("15m", "1h", "1d", "7d"),
        *,
        bound_p: float = 1e-3,
        prior_dispersion: float = 1.3,
        prior_strength: float = 20.0,
        half_life_days: float = 28.0,
    ) -> None:
        self.lengths = lengths
        self.bound_p = bound_p
        self.prior_dispersion = prior_dispersion
        self.prior_strength = prior_strength
        self.half_life_days = half_life_days
        self._profile = SeasonalProfile()
        self._level = GammaPoissonLevel(half_life_hours=half_life_days * DAY_HOURS)
        self._level_length = "1h" if "1h" in lengths else lengths[0]
        self._days_seen: FloatArray = np.zeros(WEEK_DAYS)
        self._hours_seen: FloatArray = np.zeros(DAY_HOURS)
        columns: dict[str, tuple[Any, tuple[int, ...], Any]] = {
            "profile": (np.int64, (), 0),
            "owner": (np.bool_, (), False),
        }
        for length in dict.fromkeys(self._basis(length) for length in lengths):
            columns |= {f"{name}:{length}": (np.float64, (), 0.0) for name in ("rate", "shape", "square", "mean")}
        self._table = RowTable(columns)
        self._seen_at_begin = {length: (self._days_seen.copy(), self._hours_seen.copy()) for length in self._judged()}

    def _basis(self, length: str) -> str:
        """Quarters of an hour are judged by what the hour knows: their own residuals would say little more."""
        return "1h" if length == "15m" and "1h" in self.lengths else length

    @property
    def rows(self) -> int:
        """How many series it has."""
        return self._table.rows

    def add_rows(self, parents: IntArray) -> None:
        """Add series; a parent must own its profile."""
        first = self.rows
        own = parents == NO_PARENT
        owners = self._profile.rows
        self._table.add(len(parents))
        self._table["owner"][first:] = own
        self._table["profile"][first:][own] = owners + np.arange(int(own.sum()))
        self._table["profile"][first:][~own] = self._table["profile"][parents[~own]]
        self._profile.add(int(own.sum()))
        self._level.add(len(parents))
        self._freeze(np.arange(first, self.rows))

    def restart(self, rows: IntArray) -> None:
        """Forget level and dispersion (the profile is the parent's, or empty still)."""
        self._level.restart(rows)
        self._freeze(rows)
        for length in self._judged():
            self._table[f"square:{length}"][rows] = 0.0
            self._table[f"mean:{length}"][rows] = 0.0

    def _judged(self) -> list[str]:
        return list(dict.fromkeys(self._basis(length) for length in self.lengths))

    def _freeze(self, rows: IntArray) -> None:
        rate, shape = self._level.mean(rows), self._level.shape(rows)
        for length in self._judged():
            self._table[f"rate:{length}"][rows] = rate
            self._table[f"shape:{length}"][rows] = shape

    def begin(self, length: str) -> None:
        """Judge the coming bucket of this length by the levels of now."""
        if self._basis(length) == length:
            self._table[f"rate:{length}"][:] = self._level.mean()
            self._table[f"shape:{length}"][:] = self._level.shape()
            self._seen_at_begin[length] = (self._days_seen.copy(), self._hours_seen.copy())

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        """Return rate x profile mass."""
        mass = self._profile.mass(window)[self._table["profile"][rows]]
        if window.ahead:
            rate = self._level.mean(rows)
        else:
            rate = self._table[f"rate:{self._basis(window.length)}"][rows]
        expected: FloatArray = rate * mass
        return np.maximum(expected, _SMALLEST_MEAN)

    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence:
        """Judge by the predictive distribution."""
        mean = self.expect(rows, window)
        variance = self._variance(rows, mean, window)
        p_value = mid_p(observed, mean, variance)
        bound = upper_bound(self.bound_p, mean, variance)
        return Evidence(mean, bound, p_value, (observed - mean) / (bound - mean))

    def score_many(self, rows: IntArray, observed: CountArray, windows: Sequence[Window]) -> list[Evidence]:
        """Judge all windows in one go: the bound is looked for step by step, and steps have their price."""
        if not windows:
            return []
        means = [self.expect(rows, window) for window in windows]
        variances = [self._variance(rows, mean, window) for mean, window in zip(means, windows, strict=True)]
        mean, variance = np.concatenate(means), np.concatenate(variances)
        counts = observed.T.ravel()
        p_value, bound = mid_p(counts, mean, variance), upper_bound(self.bound_p, mean, variance)
        columns = mean, bound, p_value, (counts - mean) / (bound - mean)
        return [Evidence(*each) for each in zip(*(np.split(one, len(windows)) for one in columns), strict=True)]

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        """Return the mid-p values alone, without the bound."""
        mean = self.expect(rows, window)
        return mid_p(observed, mean, self._variance(rows, mean, window))

    def _variance(self, rows: IntArray, mean: FloatArray, window: Window) -> FloatArray:
        basis = self._basis(window.length)
        square, total = self._table[f"square:{basis}"][rows], self._table[f"mean:{basis}"][rows]
        prior = self.prior_strength
        dispersion = (square + prior * self.prior_dispersion) / (total + prior)
        dispersion = np.minimum(np.maximum(dispersion, 1.0), _LARGEST_DISPERSION)
        shape = self._level.shape(rows) if window.ahead else self._table[f"shape:{basis}"][rows]
        relative = 1.0 / shape + self._profile_variance(window)
        variance: FloatArray = dispersion * mean + relative * mean * mean
        return variance

    def _profile_variance(self, window: Window) -> float:
        """Return the relative variance of the profile's mass in the window: effects seen seldom are uncertain."""
        live = self._days_seen, self._hours_seen
        days_seen, hours_seen = live if window.ahead else self._seen_at_begin[self._basis(window.length)]
        first, last = int(window.start_hour), math.ceil(window.start_hour + window.hours)
        days = range(first // DAY_HOURS, (last - 1) // DAY_HOURS + 1)
        hours = range(first, min(last, first + DAY_HOURS))
        of_days = [1 / (1 / _UNSEEN_DAY_VARIANCE + days_seen[day % 7] / _DAY_NOISE_VARIANCE) for day in days]
        of_hours = [
            1 / (1 / _UNSEEN_HOUR_VARIANCE + hours_seen[hour % DAY_HOURS] / _HOUR_NOISE_VARIANCE) for hour in hours
        ]
        return float(sum(of_days) / len(of_days) ** 2 + sum(of_hours) / len(of_hours) ** 2)

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        """Learn dispersion at this length; at the shortest length also level and profile."""
        rows = np.arange(self.rows)
        expected = self.expect(rows, window)
        self._learn_dispersion(observed, expected, window, protected)
        if window.length == self._level_length:
            self._learn_level(observed, window, ~protected)

    def _learn_dispersion(
        self, observed: CountArray, expected: FloatArray, window: Window, protected: BoolArray
    ) -> None:
        length = window.length
        keep = 0.5 ** (window.hours / (_DISPERSION_HALF_LIFE_DAYS * DAY_HOURS))
        known = 1.0 / self._table[f"shape:{length}"] + self._profile_variance(window)
        bound = _largest_residual(expected, self._variance(np.arange(self.rows), expected, window))
        surplus = np.maximum(np.minimum((observed - expected) ** 2, bound * bound) - known * expected * expected, 0.0)
        for name, gain in (("square", surplus), ("mean", expected)):
            column = self._table[f"{name}:{length}"]
            column[:] = np.where(protected, column, keep * column + gain)

    def _learn_level(self, observed: CountArray, window: Window, learning: BoolArray) -> None:
        owner = self._table["owner"]
        counts, level, learns = observed[owner].astype(np.float64), self._level.mean()[owner], learning[owner]
        mass = self._profile.mass(window)[self._table["profile"]]
        self._level.learn(observed.astype(np.float64), mass, window.hours, learning)
        day, hour = divmod(int(window.start_hour), DAY_HOURS)
        if window.hours <= 1:
            self._profile.learn_hour(counts, level, window, learns)
            self._hours_seen[hour] += window.hours
        elif window.hours == DAY_HOURS:
            self._profile.learn_day(counts, level, window, learns)
        if window.hours <= DAY_HOURS:
            self._days_seen[day] += window.hours / DAY_HOURS
        else:
            self._days_seen += window.hours / WEEK_HOURS
        if (window.start_hour + window.hours) // DAY_HOURS > window.start_hour // DAY_HOURS:
            self._profile.end_day()

    def state(self, rows: IntArray) -> State:
        """Return these series; a series without its own profile needs its parent's beside it."""
        table = self._table.state(rows)
        profiles = table.pop("profile")[table["owner"]]
        return (
            {f"row.{name}": column for name, column in table.items()}
            | {f"level.{name}": column for name, column in self._level.state(rows).items()}
            | {f"profile.{name}": column for name, column in self._profile.state(profiles).items()}
            | {"days_seen": self._days_seen.copy(), "hours_seen": self._hours_seen.copy()}
            | {f"days_seen_at:{length}": days.copy() for length, (days, _) in self._seen_at_begin.items()}
            | {f"hours_seen_at:{length}": hours.copy() for length, (_, hours) in self._seen_at_begin.items()}
        )

    def load(self, state: Mapping[str, NDArray[Any]], parents: IntArray) -> None:
        """Add the series of a state."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"row": {}, "level": {}, "profile": {}}
        for name, column in state.items():
            part, _, rest = name.partition(".")
            if rest:
                parts[part][rest] = column
        first, owners = self.rows, self._profile.rows
        own = parents == NO_PARENT
        self._table.load(parts["row"] | {"profile": np.zeros(len(parents), np.int64)})
        self._table["profile"][first:][own] = owners + np.arange(int(own.sum()))
        self._table["profile"][first:][~own] = self._table["profile"][parents[~own]]
        self._level.load(parts["level"])
        self._profile.load(parts["profile"])
        self._days_seen = state["days_seen"].astype(np.float64)
        self._hours_seen = state["hours_seen"].astype(np.float64)
        self._seen_at_begin = {
            length: (state[f"days_seen_at:{length}"].copy(), state[f"hours_seen_at:{length}"].copy())
            for length in self._judged()
        }


def _largest_residual(mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return how far above its mean a count is believed: its quantile at _BOUNDED_SDS (Cornish & Fisher 1938).

    The skewness of a negative binomial is (2 variance / mean - 1) / standard deviation.
    """
    residual: FloatArray = (
        _BOUNDED_SDS * np.sqrt(variance) + (2.0 * variance / mean - 1.0) * (_BOUNDED_SDS**2 - 1.0) / 6.0
    )
    return residual
