"""Drawing tickets: a day of ordinary life, and everything about a ticket but where, when and what."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from warning.simulator.catalogue import wording
from warning.simulator.columns import BASELINE, NO_TOPIC, Columns
from warning.simulator.days import HOUR_MS, MINUTE_MS, IntArray, hour_starts
from warning.simulator.people import population
from warning.simulator.rates import SHARED_SPREAD, FloatArray, Rates
from warning.simulator.seeds import Purpose, generator

SECOND_MS = 1000
SHORTEST_WORK_MS = 10 * MINUTE_MS
LONGEST_WORK_MS = 60 * 24 * HOUR_MS
WHENS = 4
_SECOND_TRANSFER = 0.25
"""How likely a transferred ticket is passed on once more."""


def ordinary_day(rates: Rates, day: date) -> Columns:
    """Draw a day of ordinary life, sorted by time: the same for a city, seed and day, whatever came before."""
    chance = generator(rates.city.name, rates.seed, Purpose.BASELINE, day)
    means = rates.day_means(day)
    shared = chance.gamma(1 / SHARED_SPREAD, SHARED_SPREAD, means.shape[1])
    own = chance.gamma(1 / rates.spreads, rates.spreads, means.shape)
    counts = chance.poisson(means * shared * own)
    cell = np.repeat(np.arange(counts.size), counts.ravel())
    area, category = cell // means.shape[1], cell % means.shape[1]
    kind = rates.calendar.kind(day)
    hour = picked(chance, np.cumsum(rates.hours[kind], axis=1)[category])
    seconds = chance.integers(0, 3600, len(cell))
    time = np.array(hour_starts(day, rates.city.zone))[hour] + seconds * SECOND_MS
    tickets = completed(rates, chance, time, area, category, rates.ways[kind][hour])
    return tickets.take(np.argsort(tickets.time, kind="stable"))


def completed(
    rates: Rates, chance: np.random.Generator, time: IntArray, area: IntArray, category: IntArray, ways: FloatArray
) -> Columns:
    """Draw the rest of tickets whose time, district and category are known; ``ways`` has the channels' chances."""
    n = len(time)
    people, words = population(rates.city.name, rates.city.language), wording(rates.city.language)
    bodies = np.array([len(words.bodies[c.topic]) for c in rates.city.categories])
    channel = picked(chance, np.cumsum(ways, axis=1))
    department = rates.department_of[category]
    return Columns(
        time=time,
        received=time + _delays(rates, chance, channel),
        closed=time + _work(rates, chance, department),
        area=area,
        category=category,
        department=department,
        channel=channel,
        transfers=_transfers(rates, chance, department),
        other=_others(rates, chance, department),
        opening=chance.integers(0, len(words.openings), n),
        body=chance.integers(0, 1 << 30, n) % bodies[category],
        closing=chance.integers(0, len(words.closings), n),
        person=chance.integers(0, len(people.people), n),
        street=chance.integers(0, len(people.streets), n),
        when=chance.integers(0, WHENS, n),
        topic=np.full(n, NO_TOPIC),
        origin=np.full(n, BASELINE),
    )


def picked(chance: np.random.Generator, cumulative: FloatArray) -> IntArray:
    """Pick one of each row's choices by its cumulative chances."""
    thrown = chance.random(len(cumulative)) * cumulative[:, -1]
    choice: IntArray = (cumulative <= thrown[:, None]).sum(axis=1)
    return choice


def _delays(rates: Rates, chance: np.random.Generator, channel: IntArray) -> IntArray:
    delays = [one.delay for one in rates.city.channels]
    median = np.array([delay.median_minutes * MINUTE_MS for delay in delays])[channel]
    log_sd = np.array([delay.log_sd for delay in delays])[channel]
    most = np.array([delay.most_hours * HOUR_MS for delay in delays])[channel]
    return _seconds(np.minimum(median * np.exp(log_sd * chance.standard_normal(len(channel))), most))


def _work(rates: Rates, chance: np.random.Generator, department: IntArray) -> IntArray:
    departments = list(rates.city.departments.values())
    median = np.array([one.median_hours * HOUR_MS for one in departments])[department]
    log_sd = np.array([one.log_sd for one in departments])[department]
    drawn = median * np.exp(log_sd * chance.standard_normal(len(department)))
    return _seconds(np.clip(drawn, SHORTEST_WORK_MS, LONGEST_WORK_MS))


def _transfers(rates: Rates, chance: np.random.Generator, department: IntArray) -> IntArray:
    likely = np.array([one.transfer for one in rates.city.departments.values()])[department]
    thrown = chance.random(len(department))
    return (thrown < likely).astype(np.int64) + (thrown < likely * _SECOND_TRANSFER)


def _others(rates: Rates, chance: np.random.Generator, department: IntArray) -> IntArray:
    """Draw for each ticket a department that is not its own (where there is only one: that one)."""
    count = len(rates.departments)
    return (department + 1 + chance.integers(0, max(1, count - 1), len(department))) % count


def _seconds(ms: NDArray[np.float64]) -> IntArray:
    return (ms // SECOND_MS).astype(np.int64) * SECOND_MS
