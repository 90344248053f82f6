"""A simulated stretch of a city's life: its tickets, and the truth about them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta

from warning.domain.truth import NOT_INCIDENTS, Period, Shape, Truth
from warning.simulator.city import City
from warning.simulator.days import midnight, moment
from warning.simulator.extras import ADDING
from warning.simulator.incidents import Incident, IncidentSpec
from warning.simulator.rates import Rates
from warning.simulator.sizing import beside_of
from warning.simulator.stream import SimulatedTicket, Stream, WrittenDay
from warning.simulator.texts import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Tickets created in the period, by event time; the truth by start; what was planted in the texts by ticket."""

    city: City
    period: Period
    tickets: list[SimulatedTicket]
    truth: list[Truth]
    identities: list[Identity]
    calendar_sources: dict[str, str]
    """Year -> where its holidays come from."""


def simulate(
    city: City,
    seed: int,
    start: date,
    days: int,
    *,
    quiet_days: int = 0,
    extra_incidents: Iterable[IncidentSpec] = (),
    progress: Callable[[int], None] | None = None,
) -> Simulation:
    """Simulate some local days of a city: the same arguments give the same simulation.

    ``quiet_days`` at the start hold no incidents; ``progress`` is told of each day. Raises InvalidInputError for a
    year that the city's calendar does not know.
    """
    stream = Stream(city, seed, start, extra_incidents=extra_incidents, quiet_days=quiet_days)
    end = start + timedelta(days=days)
    lived = _Lived()
    for offset in range(days):
        lived.add(stream.day(start + timedelta(days=offset)))
        if progress is not None:
            progress(1)
    return Simulation(
        city=city,
        period=_period(stream, start + timedelta(days=quiet_days), end),
        tickets=lived.tickets,
        truth=_truths(stream, end, lived),
        identities=lived.identities,
        calendar_sources=stream.rates.calendar.sources(range(start.year, end.year + 1)),
    )


@dataclass(slots=True)
class _Lived:
    """What days held, put together."""

    tickets: list[SimulatedTicket] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    belonging: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    lost: Counter[str] = field(default_factory=Counter)

    def add(self, day: WrittenDay) -> None:
        """Add a day after those before it."""
        self.tickets += day.tickets
        self.identities += day.identities
        self.lost.update(day.lost)
        for name, ids in day.belonging.items():
            self.belonging[name] += ids


def _period(stream: Stream, measured_from: date, end: date) -> Period:
    zone = stream.city.zone
    return Period(
        city=stream.city.name,
        seed=stream.seed,
        start=moment(stream.start_ms, zone),
        measured_from=moment(midnight(measured_from, zone), zone),
        end=moment(midnight(end, zone), zone),
    )


def _truths(stream: Stream, end: date, lived: _Lived) -> list[Truth]:
    until = midnight(end, stream.city.zone)
    happened = stream.plan.overlapping(stream.start_ms, until)
    happened += stream.plan.holidays(stream.start, end - timedelta(days=1))
    truths = [truth_of(stream.rates, one, lived.belonging[one.id], lived.lost[one.id]) for one in happened]
    return sorted(truths, key=lambda truth: (truth.start, truth.id))


def truth_of(rates: Rates, one: Incident, ticket_ids: list[str], lost: int) -> Truth:
    """Say what an incident really was."""
    zone = rates.city.zone
    areas = tuple(str(rates.areas[index]) for index in one.areas)
    beside = beside_of(rates, one.areas) if one.shape is Shape.SPATIAL_SPREAD else []
    departments = [one.department] if one.department is not None else []
    if one.category is not None:
        departments = [int(rates.department_of[one.category])]
    return Truth(
        id=one.id,
        shape=one.shape,
        incident=one.shape not in NOT_INCIDENTS,
        start=moment(one.start, zone),
        end=moment(one.end, zone),
        areas=areas or (rates.city.area.name,),
        neighbours=tuple(str(rates.areas[index]) for index in beside if index not in one.areas),
        categories=() if one.category is None else (rates.categories[one.category],),
        departments=tuple(rates.departments[index] for index in departments),
        channels=() if one.channel is None else (rates.channels[one.channel],),
        extra_tickets=len(ticket_ids) if one.shape in ADDING else -lost,
        size_sd=one.size_sd,
        statistic=one.statistic,
        ticket_ids=tuple(ticket_ids),
    )
