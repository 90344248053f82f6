"""The tickets that an incident adds: exactly as many as it says, all within its window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from warning.domain.truth import Shape
from warning.simulator.catalogue import wording
from warning.simulator.columns import Columns
from warning.simulator.days import HOUR_MS, MINUTE_MS, IntArray, days_touched, local_day, midnight
from warning.simulator.draws import SECOND_MS, completed, picked
from warning.simulator.incidents import Incident
from warning.simulator.people import population
from warning.simulator.rates import FloatArray, Rates
from warning.simulator.seeds import Purpose, generator

ADDING = frozenset(
    {Shape.BURST, Shape.SLOW_RISE, Shape.SPATIAL_SPREAD, Shape.CITY_WIDE, Shape.PLANNED_CHANGE, Shape.ONE_WRITER}
)
"""The shapes that add tickets."""
_CELL_MS = 15 * MINUTE_MS
_SPREAD_BY = 0.7
"""By this share of its length a spread has reached its last district."""


def extra_tickets(rates: Rates, incident: Incident, silent: Iterable[Incident]) -> Columns:
    """Draw the tickets of an incident, sorted by time; none of them comes through a channel while it is silent."""
    city = rates.city
    chance = generator(city.name, rates.seed, Purpose.EFFECT, incident.drawn_on, incident.number)
    tickets = int(incident.amount)
    areas = np.array(incident.areas or range(len(rates.areas)))
    place, category = _what(rates, incident, areas, chance, tickets)
    time = _when(rates, incident, place, len(areas), chance)
    ways = _ways(rates, time, silent)
    added = completed(rates, chance, time, areas[place], category, ways)
    added = replace(added, **_words(rates, incident, chance, tickets))
    return added.take(np.argsort(added.time, kind="stable"))


def _what(
    rates: Rates, incident: Incident, areas: IntArray, chance: np.random.Generator, tickets: int
) -> tuple[IntArray, IntArray]:
    """Draw place (an index into the districts) and category of each ticket, in the proportions of ordinary life."""
    base = rates.base[areas]
    if incident.category is not None:
        base = base[:, [incident.category]]
    drawn = picked(chance, np.broadcast_to(np.cumsum(base.ravel()), (tickets, base.size)))
    category = drawn % base.shape[1] if incident.category is None else np.full(tickets, incident.category)
    return drawn // base.shape[1], category


def _when(rates: Rates, incident: Incident, place: IntArray, places: int, chance: np.random.Generator) -> IntArray:
    """Draw the time of each ticket from weights of quarters of an hour, which may differ by place."""
    begins = np.arange(incident.start, incident.end, _CELL_MS)
    ends = np.minimum(begins + _CELL_MS, incident.end)
    weights = _course(rates, incident, begins) * (ends - begins)
    by_place = np.broadcast_to(weights, (places, len(begins)))
    if incident.shape is Shape.SPATIAL_SPREAD:
        reached = incident.start + _SPREAD_BY * np.arange(places) / places * (incident.end - incident.start)
        by_place = by_place * (ends[None, :] > reached[:, None])
    cell = picked(chance, np.cumsum(by_place, axis=1)[place])
    within = chance.random(len(place)) * (ends - begins)[cell]
    time: IntArray = (begins[cell] + within.astype(np.int64)) // SECOND_MS * SECOND_MS
    return time


def _course(rates: Rates, incident: Incident, begins: IntArray) -> FloatArray:
    """Return how the tickets are spread over the window: a burst by its own course, the others as people live."""
    passed = (begins + _CELL_MS / 2 - incident.start) / (incident.end - incident.start)
    if incident.shape is Shape.BURST:
        early: FloatArray = np.clip(passed, 0.05, 1) ** 0.5 * np.clip(1.1 - passed, 0.1, 1)
        return early
    zone = rates.city.zone
    days = days_touched(incident.start, incident.end, zone)
    hourly = rates.hourly(days, incident.areas or None)
    level = hourly.sum(axis=1) if incident.category is None else hourly[:, incident.category]
    hour = np.clip((begins - midnight(days[0], zone)) // HOUR_MS, 0, len(level) - 1)
    rhythm: FloatArray = level[hour] + level.mean() / 1000
    course: FloatArray = rhythm * passed if incident.shape is Shape.SLOW_RISE else rhythm
    return course


def _ways(rates: Rates, time: IntArray, silent: Iterable[Incident]) -> FloatArray:
    """Return the chances of the channels at each time, without those that are silent then."""
    zone = rates.city.zone
    if not len(time):
        return np.zeros((0, len(rates.channels)))
    days = days_touched(int(time.min()), int(time.max()) + 1, zone)
    kinds = np.repeat([int(rates.calendar.kind(day)) for day in days], 24)
    hour = np.clip((time - midnight(local_day(int(time.min()), zone), zone)) // HOUR_MS, 0, len(kinds) - 1)
    ways: FloatArray = rates.ways[kinds[hour], hour % 24]
    for incident in silent:
        ways[(incident.start <= time) & (time < incident.end), incident.channel] = 0
    shut = ways.sum(axis=1) == 0
    ways[shut] = [channel.share for channel in rates.city.channels]
    return ways


def _words(rates: Rates, incident: Incident, chance: np.random.Generator, tickets: int) -> dict[str, IntArray]:
    """Choose what the tickets say: one cause is told in one way, and one writer is one person who says who it is."""
    city = rates.city
    words = wording(city.language)
    chosen: dict[str, IntArray] = {}
    if incident.category is not None:
        bodies = words.bodies[city.categories[incident.category].topic]
        chosen["body"] = np.full(tickets, chance.integers(len(bodies)))
    if incident.shape is Shape.ONE_WRITER:
        signed = [index for index, closing in enumerate(words.closings) if "{phone}" in closing]
        chosen["closing"] = np.full(tickets, signed[0])
        chosen["person"] = np.full(tickets, chance.integers(len(population(city.name, city.language).people)))
        chosen["street"] = np.full(tickets, chance.integers(len(population(city.name, city.language).streets)))
    return chosen
