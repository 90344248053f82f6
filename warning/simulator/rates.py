"""What a city's ordinary life is expected to bring: rates by district, category, hour and channel, and their spread.

A day's tickets of a district and category are Poisson with mean ``base x factor x s x g``: ``factor`` is of the
category's week, year, holidays and weather; s (one for a category and day) and g (one for a district, category and day)
are gamma variables of mean one with variances SHARED_SPREAD and the category's spread. So a count that expects M[d, c]
on day d from districts A has variance

    sum M + sum M[d, c]^2 (u + v_c (1 + u) sum_{a in A} w_ac^2),   u = SHARED_SPREAD, v_c = spread, w = share in A.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from warning.domain.area import AreaPath
from warning.simulator.calendars import Calendar, DayKind
from warning.simulator.catalogue import rhythms
from warning.simulator.city import City
from warning.simulator.days import HOUR_MS, days_touched, midnight
from warning.simulator.seeds import Purpose, generator
from warning.simulator.weather import Weather, weather_factor

FloatArray = NDArray[np.float64]
SHARED_SPREAD = 0.01
_AFFINITY_SD = 0.3
"""How different districts are in what their people write about."""
_LEISURE = 0.5
"""On days off, this much of a rhythm is that of waking people."""
_REMEMBERED_DAYS = 64
_WEDNESDAY = 2


class Rates:
    """Expected tickets of one city under one seed (which decides its weather)."""

    def __init__(self, city: City, seed: int) -> None:
        self.city, self.seed = city, seed
        self.calendar = Calendar(city.calendar)
        self.weather = Weather(city.name, seed)
        self.areas: tuple[AreaPath, ...] = tuple(city.districts())
        self.categories = city.category_names()
        self.departments = tuple(department.name for department in city.departments.values())
        self.channels = tuple(channel.name for channel in city.channels)
        keys = list(city.departments)
        self.department_of = np.array([keys.index(category.department) for category in city.categories])
        self.topics = tuple(category.as_topic() for category in city.categories)
        self.spreads = np.array([topic.spread for topic in self.topics])
        self.base = _base(city)
        self.hours = _hours(city)
        """Share of a category's day by (kind of day, category, hour)."""
        self.ways = _ways(city)
        """Chance of a channel by (kind of day, hour, channel)."""
        self._factors: dict[date, FloatArray] = {}

    def factor(self, day: date) -> FloatArray:
        """Return what a day does to each category's rate."""
        if day not in self._factors:
            while len(self._factors) >= _REMEMBERED_DAYS:
                self._factors.pop(next(iter(self._factors)))
            self._factors[day] = self._factor(day)
        return self._factors[day]

    def day_means(self, day: date) -> FloatArray:
        """Return the expected tickets of a day by (district, category)."""
        means: FloatArray = self.base * self.factor(day)
        return means

    def hourly(self, days: Sequence[date], areas: Sequence[int] | None = None) -> FloatArray:
        """Return the expected tickets of some districts (None: all) by (hour of the days, category)."""
        base = (self.base if areas is None else self.base[list(areas)]).sum(axis=0)
        blocks = [(base * self.factor(day))[:, None] * self.hours[self.calendar.kind(day)] for day in days]
        return np.concatenate([block.T for block in blocks])

    def channel_hourly(self, days: Sequence[date], channel: int) -> FloatArray:
        """Return the expected tickets that come through a channel by (hour of the days, category)."""
        ways = np.concatenate([self.ways[self.calendar.kind(day)][:, channel] for day in days])
        through: FloatArray = self.hourly(days) * ways[:, None]
        return through

    def within(self, hourly: FloatArray, days: Sequence[date], start: int, end: int) -> FloatArray:
        """Cut hourly expectations to a stretch of time; returns them by (day, category)."""
        begins = (start - midnight(days[0], self.city.zone)) / HOUR_MS
        ends = (end - midnight(days[0], self.city.zone)) / HOUR_MS
        hour = np.arange(len(hourly))
        inside = np.clip(np.minimum(hour + 1, ends) - np.maximum(hour, begins), 0, 1)
        cut: FloatArray = (hourly * inside[:, None]).reshape(len(days), 24, -1).sum(axis=1)
        return cut

    def expected(self, start: int, end: int, areas: Sequence[int] | None = None) -> FloatArray:
        """Return the expected tickets in a stretch of time by (day touched, category)."""
        days = days_touched(start, end, self.city.zone)
        return self.within(self.hourly(days, areas), days, start, end)

    def sd(self, means: FloatArray, areas: Sequence[int] | None = None) -> float:
        """Return the standard deviation of a count that expects ``means`` by (day, category) from the districts.

        ``means`` has all categories, with zero for those not counted.
        """
        base = self.base if areas is None else self.base[list(areas)]
        squares = ((base / base.sum(axis=0)) ** 2).sum(axis=0)
        extra = SHARED_SPREAD + self.spreads * (1 + SHARED_SPREAD) * squares
        return float(np.sqrt(means.sum() + (means**2 * extra).sum()))

    def only(self, means: FloatArray, categories: Sequence[int]) -> FloatArray:
        """Keep some categories of expectations by (day, category)."""
        kept = np.zeros_like(means)
        kept[:, list(categories)] = means[:, list(categories)]
        return kept

    def _factor(self, day: date) -> FloatArray:
        kind = self.calendar.kind(day)
        heat, rain = self.weather.of(day)
        turn = 2 * np.pi * day.timetuple().tm_yday / 365.25
        values = []
        for topic in self.topics:
            amplitude, peak = topic.year
            year = 1 + amplitude * np.cos(turn - 2 * np.pi * peak / 365.25)
            values.append(year * _week(topic, day, kind) * weather_factor(topic.weather, heat, rain))
        return np.array(values)


def _week(topic: Any, day: date, kind: DayKind) -> float:
    """Return the weekly factor; a make-up working day at a weekend is like a Wednesday."""
    if kind is DayKind.HOLIDAY:
        return float(topic.holiday)
    week = rhythms().weeks[topic.week]
    weekday = _WEDNESDAY if kind is DayKind.WORKING and day.weekday() > 4 else day.weekday()
    return week[weekday] * 7 / sum(week)


def _base(city: City) -> FloatArray:
    people = np.array([district.population for district in city.districts().values()], dtype=float)
    shares = np.array([category.share for category in city.categories], dtype=float)
    chance = generator(city.name, 0, Purpose.AFFINITY)
    affinity = np.exp(_AFFINITY_SD * chance.standard_normal((len(people), len(shares))))
    by_area = people[:, None] * affinity
    base: FloatArray = city.tickets_per_day * shares / shares.sum() * by_area / by_area.sum(axis=0)
    return base


def _hours(city: City) -> FloatArray:
    shapes = rhythms().hours
    waking = np.array(shapes["waking"]) / sum(shapes["waking"])
    working = np.array(
        [np.array(shapes[c.as_topic().rhythm]) / sum(shapes[c.as_topic().rhythm]) for c in city.categories]
    )
    leisure = (1 - _LEISURE) * working + _LEISURE * waking
    return np.stack([working, leisure, leisure])


def _ways(city: City) -> FloatArray:
    shapes = rhythms().hours
    shares = np.array([channel.share for channel in city.channels])
    weekend = np.array([channel.weekend for channel in city.channels])
    opened = np.array([np.array(shapes[channel.hours]) / np.mean(shapes[channel.hours]) for channel in city.channels]).T
    working = opened * shares
    ways = np.stack([working, working * weekend, working * weekend])
    total = ways.sum(axis=2, keepdims=True)
    chances: FloatArray = np.where(total > 0, ways, shares) / np.where(total > 0, total, shares.sum())
    return chances
