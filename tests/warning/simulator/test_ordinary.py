"""Ordinary life: what is drawn has the means, cycles and spread that the rates state."""

from datetime import date, timedelta

import numpy as np
import pytest

from warning.simulator import load_city
from warning.simulator.calendars import DayKind
from warning.simulator.columns import Columns
from warning.simulator.days import HOUR_MS, midnight
from warning.simulator.draws import ordinary_day
from warning.simulator.rates import Rates
from warning.simulator.weather import Weather, weather_factor

START = date(2025, 3, 3)
DAYS = [START + timedelta(days=offset) for offset in range(250)]


@pytest.fixture(name="rates", scope="module")
def _rates() -> Rates:
    return Rates(load_city("fairmont"), 7)


@pytest.fixture(name="life", scope="module")
def _life(rates: Rates) -> dict[date, Columns]:
    return {day: ordinary_day(rates, day) for day in DAYS}


def _counts(rates: Rates, tickets: Columns) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
    shape = (len(rates.areas), len(rates.categories))
    return np.bincount(tickets.area * shape[1] + tickets.category, minlength=shape[0] * shape[1]).reshape(shape)


def test_a_day_is_the_same_whatever_came_before(life: dict[date, Columns]) -> None:
    """A day drawn alone equals the same day drawn after 200 others."""
    alone = ordinary_day(Rates(load_city("fairmont"), 7), DAYS[200])
    assert np.array_equal(alone.time, life[DAYS[200]].time)
    assert np.array_equal(alone.closed, life[DAYS[200]].closed)


def test_seeds_and_cities_differ(life: dict[date, Columns]) -> None:
    """Another seed gives another day."""
    assert not np.array_equal(ordinary_day(Rates(load_city("fairmont"), 8), START).time, life[START].time)


def test_a_year_has_the_tickets_stated(rates: Rates) -> None:
    """Over a year the expected tickets a day are within 15 percent of the city's figure, whatever the weather."""
    year = [rates.day_means(START + timedelta(days=offset)).sum() for offset in range(365)]
    assert np.mean(year) == pytest.approx(rates.city.tickets_per_day, rel=0.15)


def test_counts_have_the_mean_and_spread_stated(rates: Rates, life: dict[date, Columns]) -> None:
    """Daily counts (city, category, category in a district), standardised by the rates, have mean 0 and variance 1."""
    for category, areas in ((None, None), (0, None), (1, None), (0, (2,)), (5, (8,))):
        scores = []
        for day, tickets in life.items():
            counts, means = _counts(rates, tickets), rates.day_means(day)
            mine = list(areas or range(len(rates.areas)))
            kept = np.arange(len(rates.categories)) if category is None else [category]
            by_category = np.zeros((1, len(rates.categories)))
            by_category[0, kept] = means[mine].sum(axis=0)[kept]
            observed = counts[mine].sum(axis=0)[kept].sum()
            scores.append((observed - by_category.sum()) / rates.sd(by_category, areas))
        assert np.mean(scores) == pytest.approx(0, abs=0.25)
        assert np.var(scores) == pytest.approx(1, abs=0.35)


def test_hours_follow_the_rhythm(rates: Rates, life: dict[date, Columns]) -> None:
    """On working days a category's share of tickets by six hours of the day is the rhythm's."""
    working = [day for day in DAYS if rates.calendar.kind(day) is DayKind.WORKING]
    hours = np.concatenate([(life[day].time - midnight(day, rates.city.zone)) // HOUR_MS for day in working])
    category = np.concatenate([life[day].category for day in working])
    for index in (0, 1, 5):
        quarters = np.bincount(np.minimum(hours[category == index], 23) // 6, minlength=4)
        stated = rates.hours[DayKind.WORKING][index].reshape(4, 6).sum(axis=1)
        assert quarters / quarters.sum() == pytest.approx(stated, abs=0.04)


def test_weeks_and_holidays_follow_the_calendar(rates: Rates) -> None:
    """Road damage is reported less on a Sunday than on a Tuesday, and least on a holiday; noise the other way."""
    road, noise = (rates.categories.index(name) for name in ("Road damage", "Noise"))
    sunny = {day: rates.factor(day) for day in (date(2025, 7, 1), date(2025, 7, 4), date(2025, 7, 6))}
    tuesday, holiday, sunday = sunny.values()
    assert holiday[road] < tuesday[road] > sunday[road]
    assert sunday[noise] > tuesday[noise]


def test_channels_open_when_they_say(rates: Rates, life: dict[date, Columns]) -> None:
    """Channels have their shares on working days, and nobody comes to the counter at a weekend."""
    weekends = [life[day].channel for day in DAYS if rates.calendar.kind(day) is DayKind.WEEKEND]
    working = np.concatenate([life[day].channel for day in DAYS if rates.calendar.kind(day) is DayKind.WORKING])
    assert rates.channels.index("counter") not in np.concatenate(weekends)
    assert np.bincount(working) / len(working) == pytest.approx([0.46, 0.34, 0.16, 0.04], abs=0.05)


def test_work_and_delays_are_as_stated(rates: Rates, life: dict[date, Columns]) -> None:
    """Median handling time, share transferred and reporting delay of each department and channel are the city's."""
    whole = Columns.joined(list(life.values()))
    for index, department in enumerate(rates.city.departments.values()):
        mine = whole.take(np.flatnonzero(whole.department == index))
        assert np.median((mine.closed - mine.time) / HOUR_MS) == pytest.approx(department.median_hours, rel=0.1)
        assert np.mean(mine.transfers > 0) == pytest.approx(department.transfer, abs=0.02)
    for index, channel in enumerate(rates.city.channels):
        delay = (whole.received - whole.time)[whole.channel == index] / HOUR_MS
        assert np.median(delay) * 60 == pytest.approx(channel.delay.median_minutes, rel=0.15)
        assert 0 <= delay.min() <= delay.max() <= channel.delay.most_hours
    assert (whole.other != whole.department).all()


def test_weather_remembers_yesterday() -> None:
    """Heat is like the day before, rain less so, and about seven days in ten are dry."""
    weather = Weather("anywhere", 3)
    days = np.array([weather.of(START + timedelta(days=offset)) for offset in range(800)])
    heat, rain = days.T
    assert np.corrcoef(heat[1:], heat[:-1])[0, 1] == pytest.approx(0.8, abs=0.1)
    assert np.std(heat) == pytest.approx(1, abs=0.25)
    assert np.mean(rain == 0) == pytest.approx(0.73, abs=0.08)


def test_weather_changes_the_days_not_the_year(rates: Rates) -> None:
    """Rain brings more drainage tickets; over all weather the factor is one on average."""
    effect = rates.topics[rates.categories.index("Drainage")].weather
    chance = np.random.default_rng(1)
    factors = [weather_factor(effect, heat, max(0.0, rain - 0.6)) for heat, rain in chance.standard_normal((4000, 2))]
    assert weather_factor(effect, 0, 1) > weather_factor(effect, 0, 0)
    assert np.mean(factors) == pytest.approx(1, abs=0.02)
