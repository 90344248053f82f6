"""Levels: how many tickets an average hour of a series has, followed online."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from models.base import BoolArray, FloatArray, IntArray
from models.rows import RowTable

if TYPE_CHECKING:
    from collections.abc import Mapping


class GammaPoissonLevel:
    """Gamma posterior of each series' rate on a fixed profile, discounted so that it follows slow change.

    Counts are Poisson with mean rate x mass; the posterior is Gamma(prior_count + A, prior_hours + B) with A the
    discounted counts and B the discounted masses: exact, and never unstable (West & Harrison, Bayesian Forecasting and
    Dynamic Models, 2nd ed., section 10.8: discounted Poisson-Gamma). A series first seen now has been silent since the
    start: it begins with the whole past's mass and no count, so a burst of something never seen is a surprise.

    Parameters
    ----------
    half_life_hours : age at which a count has half its weight
    prior_count, prior_hours : the prior's shape and rate: half a ticket in half a day
    """

    def __init__(self, half_life_hours: float = 28 * 24.0, prior_count: float = 0.5, prior_hours: float = 12.0) -> None:
        self.half_life_hours = half_life_hours
        self.prior_count = prior_count
        self.prior_hours = prior_hours
        self._table = RowTable({"count": (np.float64, (), 0.0), "mass": (np.float64, (), 0.0)})
        self.elapsed: float = 0.0
        """Discounted hours since the start, whatever the series."""

    @property
    def rows(self) -> int:
        """How many levels there are."""
        return self._table.rows

    def add(self, levels: int) -> None:
        """Add levels of series never seen before."""
        first = self.rows
        self._table.add(levels)
        self._table["mass"][first:] = self.elapsed

    def restart(self, rows: IntArray) -> None:
        """Make these the levels of series never seen before."""
        self._table["count"][rows] = 0.0
        self._table["mass"][rows] = self.elapsed

    def shape(self, rows: IntArray | None = None) -> FloatArray:
        """Return the posteriors' shapes (of some rows): about the number of tickets a level rests on."""
        count = self._table["count"]
        shape: FloatArray = (count if rows is None else count[rows]) + self.prior_count
        return shape

    def mean(self, rows: IntArray | None = None) -> FloatArray:
        """Return the expected counts of an average hour (of some rows)."""
        mass = self._table["mass"]
        mean: FloatArray = self.shape(rows) / ((mass if rows is None else mass[rows]) + self.prior_hours)
        return mean

    def learn(self, counts: FloatArray, mass: FloatArray, hours: float, learning: BoolArray) -> None:
        """Update where ``learning``: ``counts`` (n,) came where the profile has ``mass`` (n,) average hours."""
        keep = 0.5 ** (hours / self.half_life_hours)
        table = self._table
        table["count"][:] = np.where(learning, keep * table["count"] + counts, table["count"])
        table["mass"][:] = np.where(learning, keep * table["mass"] + mass, table["mass"])
        self.elapsed = keep * self.elapsed + hours

    def state(self, rows: IntArray) -> dict[str, NDArray[Any]]:
        """Return these levels and the elapsed time."""
        return self._table.state(rows) | {"elapsed": np.array([self.elapsed])}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Add the levels of a state; the elapsed time is taken over."""
        self._table.load(state)
        self.elapsed = float(state["elapsed"][0])
