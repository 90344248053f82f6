"""A city's tickets as they come in: endless, by the time they are received, made day by day when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from warning.simulator.city import City
from warning.simulator.columns import Columns
from warning.simulator.days import HOUR_MS, local_day, midnight
from warning.simulator.effects import Day, Days, Remembered
from warning.simulator.incidents import IncidentSpec
from warning.simulator.plan import Plan
from warning.simulator.rates import Rates
from warning.simulator.texts import Identity, Writer

LONGEST_DELAY_MS = 72 * HOUR_MS
"""No ticket is received later than this after its creation (Delay.most_hours and the longest late batch)."""
_DAYS = 16


class SimulatedTicket(NamedTuple):
    """One ticket with its final values; times are milliseconds of the epoch, ``area`` is a path.

    ``department`` is the one it was given to when it was created, ``final_department`` the one that closed it.
    """

    event_time: int
    received_time: int
    ticket_id: str
    category: str
    department: str
    channel: str
    area: tuple[str, ...]
    text: str
    closed_ms: int | None
    transfers: int
    final_department: str


class WrittenDay(NamedTuple):
    """A day's tickets by event time, what was planted in their texts, and which belong to which incident."""

    tickets: list[SimulatedTicket]
    identities: list[Identity]
    belonging: dict[str, list[str]]
    lost: dict[str, int]


class Stream:
    """The tickets of a city from a first local day on, for ever.

    What a day holds depends on city, seed and incidents alone, so two streams that began on different days agree from
    then on (but for incidents that began before the later one's first day).

    Parameters
    ----------
    city, seed
        Whose tickets, and which of its possible lives.
    start
        The first local day; no ticket is older.
    extra_incidents
        Incidents beside those drawn.
    incidents
        Whether any are drawn. False: only the extra ones happen, and no hard negatives but holidays.
    quiet_days
        Days at the start in which no drawn incident or hard negative begins.
    """

    def __init__(
        self,
        city: City,
        seed: int,
        start: date,
        *,
        extra_incidents: Iterable[IncidentSpec] = (),
        incidents: bool = True,
        quiet_days: int = 0,
    ) -> None:
        self.city, self.seed, self.start = city, seed, start
        self.start_ms = midnight(start, city.zone)
        rates = Rates(city, seed)
        first = midnight(start + timedelta(days=quiet_days), city.zone)
        self.plan = Plan(rates, first, extra_incidents, drawn=incidents)
        self.rates = rates
        self._days = Days(rates, self.plan)
        self._writer = Writer(city)
        self._written = Remembered(_DAYS)
        self._read_to = self.start_ms

    def until(self, ms: int) -> list[SimulatedTicket]:
        """Return the tickets received since the last call (at first: since the start) and before a moment."""
        tickets = self.between(self._read_to, ms)
        self._read_to = max(self._read_to, ms)
        return tickets

    def between(self, a_ms: int, b_ms: int) -> list[SimulatedTicket]:
        """Return the tickets received in [a, b), by the time received, then id."""
        if b_ms <= a_ms:
            return []
        zone = self.city.zone
        day = max(self.start, local_day(a_ms - LONGEST_DELAY_MS, zone))
        found: list[SimulatedTicket] = []
        while midnight(day, zone) < b_ms:
            found += [ticket for ticket in self.day(day).tickets if a_ms <= ticket.received_time < b_ms]
            day += timedelta(days=1)
        return sorted(found, key=lambda ticket: (ticket.received_time, ticket.ticket_id))

    def day(self, day: date) -> WrittenDay:
        """Return everything about the tickets created on a local day."""
        return self._written.get(day, lambda: self._write(day))

    def _write(self, day: date) -> WrittenDay:
        made: Day = self._days.of(day)
        ids = [f"{day:%Y%m%d}-{number:05d}" for number in range(1, len(made.tickets) + 1)]
        return WrittenDay(
            tickets=self._tickets(made.tickets, ids),
            identities=self._writer.identities(made.tickets, ids),
            belonging={name: [ids[row] for row in rows.tolist()] for name, rows in made.belonging.items()},
            lost=made.lost,
        )

    def _tickets(self, tickets: Columns, ids: list[str]) -> list[SimulatedTicket]:
        rates = self.rates
        paths = [path.parts for path in rates.areas]
        final = np.where(tickets.transfers > 0, tickets.other, tickets.department)
        columns = zip(
            tickets.time.tolist(),
            tickets.received.tolist(),
            ids,
            [rates.categories[code] for code in tickets.category.tolist()],
            [rates.departments[code] for code in tickets.department.tolist()],
            [rates.channels[code] for code in tickets.channel.tolist()],
            [paths[code] for code in tickets.area.tolist()],
            self._writer.texts(tickets),
            tickets.closed.tolist(),
            tickets.transfers.tolist(),
            [rates.departments[code] for code in final.tolist()],
            strict=True,
        )
        return [SimulatedTicket(*values) for values in columns]
