"""Weather: heat and rain of each day, as two autoregressive series with a finite memory.

Finite, so that a day's weather comes from its own draws and those of the days before it, wherever a stream begins.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from warning.simulator.catalogue import WeatherEffect
from warning.simulator.seeds import Purpose, generator

MEMORY_DAYS = 25
HEAT_MEMORY = 0.8
RAIN_MEMORY = 0.5
DRY_BELOW = 0.6
"""Rain is what the series has above this: about seven days in ten are dry."""
_GRID = np.linspace(-5, 5, 2001)
_NORMAL = np.exp(-(_GRID**2) / 2) / np.exp(-(_GRID**2) / 2).sum()


class Weather:
    """The weather of one city and seed: standard normal heat, and rain that is zero on most days."""

    def __init__(self, city: str, seed: int) -> None:
        self.city, self.seed = city, seed
        self._shocks: dict[date, NDArray[np.float64]] = {}

    def of(self, day: date) -> tuple[float, float]:
        """Return heat and rain of a day."""
        heat = self._series(day, 0, HEAT_MEMORY)
        rain = self._series(day, 1, RAIN_MEMORY)
        return heat, max(0.0, rain - DRY_BELOW)

    def _series(self, day: date, which: int, memory: float) -> float:
        weights = memory ** np.arange(MEMORY_DAYS)
        shocks = [self._shock(day - timedelta(days=back))[which] for back in range(MEMORY_DAYS)]
        return float(np.dot(weights, shocks) / np.sqrt(np.dot(weights, weights)))

    def _shock(self, day: date) -> NDArray[np.float64]:
        if day not in self._shocks:
            if len(self._shocks) > 4 * MEMORY_DAYS:
                self._shocks.pop(min(self._shocks))
            self._shocks[day] = generator(self.city, self.seed, Purpose.WEATHER, day).standard_normal(2)
        return self._shocks[day]


def weather_factor(effect: WeatherEffect, heat: float, rain: float) -> float:
    """Return the factor on a rate, scaled so that its mean over all weather is one."""
    return float(np.exp(effect.heat * heat - effect.heat**2 / 2 + effect.rain * rain)) / _mean_of_rain(effect.rain)


@cache
def _mean_of_rain(effect: float) -> float:
    return float(np.dot(_NORMAL, np.exp(effect * np.maximum(0.0, _GRID - DRY_BELOW))))
