"""Days as they really were: ordinary life, less what was lost, with what incidents changed and added."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from warning.domain.truth import Shape
from warning.simulator.catalogue import wording
from warning.simulator.columns import Columns
from warning.simulator.days import IntArray, days_touched, midnight
from warning.simulator.draws import SECOND_MS, ordinary_day
from warning.simulator.extras import ADDING, extra_tickets
from warning.simulator.incidents import Incident
from warning.simulator.plan import Plan
from warning.simulator.rates import Rates
from warning.simulator.seeds import Purpose, generator

V = TypeVar("V")
_CHOOSING = frozenset({Shape.NEW_TOPIC, Shape.TRANSFERS})
"""The shapes that change so many of the ordinary tickets."""
_TOUCHING = frozenset({Shape.DEPARTMENT_SLOW, Shape.LATE_BATCH})
"""The shapes that change every ticket of theirs in the window, added ones too."""
_NONE = np.zeros(0, dtype=np.int64)
_DAYS = 48
_INCIDENTS = 64
_EFFECT_ON_CHOICE = 500
"""Tells the chance that chooses tickets from the one that adds them."""


class Remembered:
    """The latest values of a pure function, up to a limit."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: OrderedDict[Hashable, object] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of a key, made if it is not there."""
        if key not in self._values:
            self._values[key] = make()
            while len(self._values) > self.limit:
                self._values.popitem(last=False)
        return self._values[key]  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day's tickets by time; ``belonging`` has the rows of each incident by its id, ``lost`` counts what was lost."""

    tickets: Columns
    belonging: dict[str, IntArray]
    lost: dict[str, int]


class Days:
    """Makes days from rates and a plan: each a pure function of them, whatever was made before."""

    def __init__(self, rates: Rates, plan: Plan) -> None:
        self.rates, self.plan = rates, plan
        self._ordinary, self._made = Remembered(_DAYS), Remembered(_DAYS)
        self._extras, self._choices = Remembered(_INCIDENTS), Remembered(_INCIDENTS)

    def of(self, day: date) -> Day:
        """Return a day as it really was."""
        return self._made.get(day, lambda: self._make(day))

    def _make(self, day: date) -> Day:
        start, end = self._bounds(day)
        incidents = self.plan.overlapping(start, end)
        tickets, lost = self._present(day)
        rows: dict[str, IntArray] = {}
        for one in incidents:
            if one.shape in _CHOOSING:
                rows[one.id] = self._choice(one).get(day, _NONE)
                tickets = self._changed(tickets, one, rows[one.id])
        added = [self._added(number, one, start, end) for number, one in enumerate(incidents) if one.shape in ADDING]
        whole = Columns.joined([tickets, *added])
        for number, one in enumerate(incidents):
            if one.shape in ADDING:
                rows[one.id] = np.flatnonzero(whole.origin == number)
            elif one.shape in _TOUCHING:
                whole, rows[one.id] = self._touched(whole, one)
        order = np.argsort(whole.time, kind="stable")
        place = np.argsort(order)
        belonging = {identity: np.sort(place[mine]) for identity, mine in rows.items()}
        return Day(tickets=whole.take(order), belonging=belonging, lost=lost)

    def _bounds(self, day: date) -> tuple[int, int]:
        zone = self.rates.city.zone
        return midnight(day, zone), midnight(day + timedelta(days=1), zone)

    def _present(self, day: date) -> tuple[Columns, dict[str, int]]:
        """Return a day of ordinary life without what silent channels lost, and how much that was."""
        return self._ordinary.get(day, lambda: self._without_lost(day))

    def _without_lost(self, day: date) -> tuple[Columns, dict[str, int]]:
        tickets = ordinary_day(self.rates, day)
        kept = np.ones(len(tickets), dtype=np.bool_)
        lost = {}
        for one in self._silent(*self._bounds(day)):
            gone = kept & _within(tickets, one) & (tickets.channel == one.channel)
            lost[one.id] = int(gone.sum())
            kept &= ~gone
        return tickets.take(np.flatnonzero(kept)), lost

    def _silent(self, start: int, end: int) -> list[Incident]:
        return [one for one in self.plan.overlapping(start, end) if one.shape is Shape.CHANNEL_SILENT]

    def _added(self, number: int, one: Incident, start: int, end: int) -> Columns:
        every = self._extras.get(one.id, lambda: extra_tickets(self.rates, one, self._silent(one.start, one.end)))
        first, after = np.searchsorted(every.time, [start, end])
        rows = np.arange(first, after)
        return replace(every.take(rows), origin=np.full(len(rows), number))

    def _choice(self, one: Incident) -> dict[date, IntArray]:
        """Choose exactly as many of the ordinary tickets in an incident's window as it says; rows by day."""
        return self._choices.get(one.id, lambda: self._chosen(one))

    def _chosen(self, one: Incident) -> dict[date, IntArray]:
        days = days_touched(one.start, one.end, self.rates.city.zone)
        could = [np.flatnonzero(_candidates(self._present(day)[0], one)) for day in days]
        chance = generator(
            self.rates.city.name, self.rates.seed, Purpose.EFFECT, one.drawn_on, _EFFECT_ON_CHOICE + one.number
        )
        total = sum(map(len, could))
        picks = np.sort(chance.choice(total, min(total, int(one.amount)), replace=False))
        ends = np.cumsum([len(rows) for rows in could])
        parts = np.split(picks, np.searchsorted(picks, ends[:-1]))
        begins = [0, *ends[:-1].tolist()]
        return {
            day: rows[part - begin]
            for day, rows, part, begin in zip(days, could, parts, begins, strict=True)
            if len(part)
        }

    def _changed(self, tickets: Columns, one: Incident, rows: IntArray) -> Columns:
        if one.shape is Shape.TRANSFERS:
            transfers = tickets.transfers.copy()
            transfers[rows] += 1
            return replace(tickets, transfers=transfers)
        topics = wording(self.rates.city.language).new_topics
        topic = tickets.topic.copy()
        topic[rows] = (one.drawn_on.toordinal() // 7 + one.number) % len(topics)
        return replace(tickets, topic=topic)

    def _touched(self, tickets: Columns, one: Incident) -> tuple[Columns, IntArray]:
        """Carry out what an incident does to every ticket of its kind in its window."""
        if one.shape is Shape.LATE_BATCH:
            rows = np.flatnonzero(_within(tickets, one) & (tickets.channel == one.channel))
            received = tickets.received.copy()
            received[rows] = np.maximum(received[rows], one.end)
            return replace(tickets, received=received), rows
        rows = np.flatnonzero(_within(tickets, one) & (tickets.department == one.department))
        closed = tickets.closed.copy()
        work = (closed[rows] - tickets.time[rows]) * np.exp(one.amount)
        closed[rows] = tickets.time[rows] + (work / SECOND_MS).astype(np.int64) * SECOND_MS
        return replace(tickets, closed=closed), rows


def _within(tickets: Columns, one: Incident) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (one.start <= tickets.time) & (tickets.time < one.end)
    return inside


def _candidates(tickets: Columns, one: Incident) -> NDArray[np.bool_]:
    """Return which ordinary tickets an incident may change."""
    about: NDArray[np.bool_] = tickets.category == one.category
    if one.shape is Shape.TRANSFERS:
        about = (tickets.department == one.department) & (tickets.transfers == 0)
    return about & _within(tickets, one)
