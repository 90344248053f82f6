"""What happens beside ordinary life: each week's incidents and hard negatives, those asked for, and the holidays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from warning.domain.errors import InvalidInputError
from warning.domain.truth import Shape
from warning.simulator.days import HOUR_MS, local_day, midnight, monday
from warning.simulator.incidents import Incident, IncidentSpec
from warning.simulator.parameters import ShapeParameters, parameters
from warning.simulator.rates import Rates
from warning.simulator.seeds import Purpose, generator
from warning.simulator.sizing import Drawing, sized

LONGEST_MS = max(of.hours[1] * HOUR_MS for of in (*parameters().shapes.values(), *parameters().hard_negatives.values()))
"""No drawn incident is longer."""
_MINUTES_A_WEEK = 7 * 24 * 60
_ASKED = 1000
"""Numbers from here on are of incidents that were asked for."""


class Plan:
    """The incidents of one city and seed from a first moment on.

    Parameters
    ----------
    rates
        The city's ordinary life.
    first_ms
        Incidents that start earlier do not happen.
    asked
        Incidents beside those drawn.
    drawn
        Whether any are drawn: without, only those asked for happen.
    """

    def __init__(self, rates: Rates, first_ms: int, asked: Iterable[IncidentSpec] = (), *, drawn: bool = True) -> None:
        self.rates, self.first_ms, self.drawn = rates, first_ms, drawn
        self._weeks: dict[date, tuple[Incident, ...]] = {}
        self.asked = tuple(self._asked(number, spec) for number, spec in enumerate(asked))

    def overlapping(self, start: int, end: int) -> list[Incident]:
        """Return the incidents that go on at some time of a stretch, by start and id."""
        zone = self.rates.city.zone
        week = monday(local_day(start - LONGEST_MS, zone))
        found = [incident for incident in self.asked if incident.overlaps(start, end)]
        while midnight(week, zone) < end:
            found += [one for one in self.week(week) if one.overlaps(start, end) and one.start >= self.first_ms]
            week += timedelta(days=7)
        return sorted(found, key=lambda one: (one.start, one.id))

    def week(self, week: date) -> tuple[Incident, ...]:
        """Return what is drawn for the week that begins on a Monday."""
        if not self.drawn:
            return ()
        if week not in self._weeks:
            self._weeks[week] = (
                *self._drawn(week, Purpose.PLAN, parameters().shapes, parameters().incidents_per_week),
                *self._drawn(
                    week, Purpose.NEGATIVES, parameters().hard_negatives, parameters().hard_negatives_per_week
                ),
            )
        return self._weeks[week]

    def holidays(self, first: date, last: date) -> list[Incident]:
        """Return the public holidays from one day to another, as hard negatives."""
        zone = self.rates.city.zone
        return [
            Incident(
                id=f"holiday-{begin:%Y%m%d}",
                shape=Shape.HOLIDAY,
                start=midnight(begin, zone),
                end=midnight(end, zone),
                drawn_on=monday(begin),
                number=0,
            )
            for begin, end in self.rates.calendar.runs(first, last)
        ]

    def _drawn(
        self, week: date, purpose: Purpose, shapes: Mapping[Shape, ShapeParameters], count: int
    ) -> Iterable[Incident]:
        """Draw the shapes of a week without repetition, then each one from a chance of its own."""
        city, seed = self.rates.city, self.rates.seed
        chance = generator(city.name, seed, purpose, week)
        shares = np.array([of.share for of in shapes.values()])
        chosen = chance.choice(len(shapes), min(count, len(shapes)), replace=False, p=shares / shares.sum())
        begin = datetime.combine(week, time(), ZoneInfo(city.zone))
        for place, index in enumerate(chosen.tolist()):
            number = purpose * 10 + place
            own = generator(city.name, seed, purpose, week, number)
            start = begin + timedelta(minutes=int(own.integers(_MINUTES_A_WEEK)))
            spec = IncidentSpec(shape=list(shapes)[index], start=start)
            name = f"{week:%Y%m%d}-{'n' if purpose is Purpose.NEGATIVES else ''}{place + 1}"
            yield sized(Drawing(rates=self.rates, spec=spec, chance=own, week=week, id=name, number=number))

    def _asked(self, number: int, spec: IncidentSpec) -> Incident:
        if spec.start.utcoffset() is None:
            raise InvalidInputError("incident: start", "carries no zone", "Give it the city's zone.")
        if spec.shape is Shape.HOLIDAY:
            raise InvalidInputError("incident: shape", "a holiday cannot be asked for", "Choose another shape.")
        for name, value in (("size", spec.size), ("hours", spec.hours)):
            if value is not None and value <= 0:
                raise InvalidInputError(f"incident: {name}", f"is {value:g}", "Give a number above zero.")
        week = monday(spec.start.astimezone(ZoneInfo(self.rates.city.zone)).date())
        city, seed = self.rates.city.name, self.rates.seed
        chance = generator(city, seed, Purpose.PLAN, week, _ASKED + number)
        identity = f"asked-{number + 1}"
        return sized(
            Drawing(rates=self.rates, spec=spec, chance=chance, week=week, id=identity, number=_ASKED + number)
        )
