"""Two lives of one city: with an incident that was asked for, and without."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from warning.simulator import IncidentSpec, Shape, SimulatedTicket, Stream, Truth, load_city
from warning.simulator.simulation import truth_of

CITY = load_city("fairmont")
START = date(2025, 3, 3)
DAYS = 24
BEGIN = datetime(2025, 3, 5, 14, 20, tzinfo=ZoneInfo(CITY.zone))
Key = tuple[Any, ...]


def spec(shape: Shape, **asked: Any) -> IncidentSpec:
    return IncidentSpec(shape=shape, start=BEGIN, **asked)


def stream(*asked: IncidentSpec, seed: int = 5) -> Stream:
    return Stream(CITY, seed, START, extra_incidents=asked, incidents=False)


def tickets(life: Stream) -> list[SimulatedTicket]:
    """Return the tickets of DAYS days, by event time."""
    return [ticket for offset in range(DAYS) for ticket in life.day(START + timedelta(days=offset)).tickets]


def truth(life: Stream) -> Truth:
    """Return the truth of the one incident that was asked for."""
    (incident,) = life.plan.asked
    days = [life.day(START + timedelta(days=offset)) for offset in range(DAYS)]
    belonging = [one for day in days for one in day.belonging.get(incident.id, [])]
    return truth_of(life.rates, incident, belonging, sum(day.lost.get(incident.id, 0) for day in days))


def without(ticket: SimulatedTicket, *fields: str) -> Key:
    """Return a ticket's values without its id and some others."""
    return tuple(value for name, value in ticket._asdict().items() if name not in {"ticket_id", *fields})
