"""From a shape, a start and a size in standard deviations to an incident: where it is, how long, and how much.

Each shape has one function here. What the specification leaves out is drawn, in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from warning.domain.errors import InvalidInputError
from warning.domain.truth import Shape
from warning.simulator.days import DAY_MS, HOUR_MS, MINUTE_MS, days_touched, midnight
from warning.simulator.incidents import Incident, IncidentSpec
from warning.simulator.parameters import ShapeParameters, parameters
from warning.simulator.rates import FloatArray, Rates
from warning.simulator.seeds import Purpose, generator

CLASSES = 4
"""Categories and departments fall into so many classes that take turns, a week each: so no two incidents of a shape
(at most two weeks long, and each shape at most once a week) ever change the same one at once."""
CHANNEL_CLASSES = 2
"""The same for channels, whose silence is at most six days long."""
_BEST_CELLS = 5
_STEP_MS = 15 * MINUTE_MS


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """An incident in the making."""

    rates: Rates
    spec: IncidentSpec
    chance: np.random.Generator
    week: date
    id: str
    number: int

    @property
    def of(self) -> ShapeParameters:
        """The shape's parameters."""
        return parameters().of(self.spec.shape)

    @property
    def start(self) -> int:
        """Milliseconds of the epoch, whole minutes."""
        return int(self.spec.start.timestamp()) * 1000 // MINUTE_MS * MINUTE_MS

    def size(self) -> float:
        """Return the size asked for, or draw one."""
        sizes = parameters().size
        drawn = self.chance.uniform(sizes.least, sizes.most)
        return float(drawn if self.spec.size is None else self.spec.size)

    def end(self) -> int:
        """Return the end that the length asked for gives, or draw one."""
        drawn = self.chance.uniform(*self.of.hours)
        hours = drawn if self.spec.hours is None else self.spec.hours
        return self.start + max(1, round(hours * 60)) * MINUTE_MS

    def turn(self, names: Sequence[str], classes: int = CLASSES) -> list[int]:
        """Return the indices whose turn it is this week."""
        city = self.rates.city.name
        order = generator(city, self.rates.seed, Purpose.TARGETS, more=len(names)).permutation(len(names))
        week = self.week.toordinal() // 7
        mine = sorted(int(index) for place, index in enumerate(order) if place % classes == week % classes)
        return mine or list(range(len(names)))

    def incident(self, end: int, *, amount: float, size_sd: float) -> Incident:
        """Return the incident without what it is about."""
        return Incident(
            id=self.id,
            shape=self.spec.shape,
            start=self.start,
            end=end,
            amount=amount,
            size_sd=size_sd,
            statistic=self.of.statistic,
            drawn_on=self.week,
            number=self.number,
        )


def sized(drawing: Drawing) -> Incident:
    """Make the incident of a drawing; raises InvalidInputError where the specification names what is not there."""
    return _SHAPES[drawing.spec.shape](drawing)


def _local(drawing: Drawing) -> Incident:
    """Burst, slow rise, one writer: a category in a district."""
    size, end = drawing.size(), drawing.end()
    area, category = _cell(drawing)
    return _extra(drawing, end, size, areas=(area,), category=category)


def _spread(drawing: Drawing) -> Incident:
    size, end = drawing.size(), drawing.end()
    areas = _asked_areas(drawing) or _connected(drawing)
    category = _asked(drawing.rates.categories, drawing.spec.category, "category")
    if category is None:
        means = drawing.rates.base[list(areas)].sum(axis=0)
        category = _weighted(drawing, _enough(drawing, means), means)
    return _extra(drawing, end, size, areas=areas, category=category)


def _planned_change(drawing: Drawing) -> Incident:
    size, end = drawing.size(), drawing.end()
    return _extra(drawing, end, size, areas=(), category=_category(drawing))


def _city_wide(drawing: Drawing) -> Incident:
    size, end = drawing.size(), drawing.end()
    return _extra(drawing, end, size, areas=(), category=None)


def _new_topic(drawing: Drawing) -> Incident:
    size, end = drawing.size(), drawing.end()
    category = _category(drawing)
    texts = float(drawing.rates.expected(drawing.start, end)[:, category].sum())
    share = drawing.of.background_share
    sd = float(np.sqrt(texts * share * (1 - share)))
    changed = max(1, min(round(size * sd), int(texts)))
    return replace(drawing.incident(end, amount=changed, size_sd=changed / sd), category=category)


def _department_slow(drawing: Drawing) -> Incident:
    size, end = drawing.size(), drawing.end()
    department = _department(drawing)
    log_sd = list(drawing.rates.city.departments.values())[department].log_sd
    shift = size * log_sd / np.sqrt(_of_department(drawing, end, department))
    return replace(drawing.incident(end, amount=float(shift), size_sd=size), department=department)


def _transfers(drawing: Drawing) -> Incident:
    size, end = drawing.size(), drawing.end()
    department = _department(drawing)
    likely = list(drawing.rates.city.departments.values())[department].transfer
    tickets = _of_department(drawing, end, department)
    sd = float(np.sqrt(tickets * likely * (1 - likely))) or 1.0
    changed = max(1, min(round(size * sd), int(tickets * (1 - likely))))
    return replace(drawing.incident(end, amount=changed, size_sd=changed / sd), department=department)


def _channel_silent(drawing: Drawing) -> Incident:
    size = drawing.size()
    channel = _channel(drawing)
    if drawing.spec.hours is not None:
        end = drawing.end()
        sizes = _silences(drawing.rates, channel, drawing.start, end)
        return replace(drawing.incident(end, amount=0, size_sd=float(sizes[-1])), channel=channel)
    sizes = _silences(drawing.rates, channel, drawing.start, drawing.start + drawing.of.hours[1] * HOUR_MS)
    steps = min(int(np.searchsorted(sizes, size)), len(sizes) - 1)
    end = drawing.start + (steps + 1) * _STEP_MS
    return replace(drawing.incident(end, amount=0, size_sd=float(sizes[steps])), channel=channel)


def _late_batch(drawing: Drawing) -> Incident:
    end = drawing.end()
    return replace(drawing.incident(end, amount=0, size_sd=0), channel=_channel(drawing))


def _extra(drawing: Drawing, end: int, size: float, *, areas: tuple[int, ...], category: int | None) -> Incident:
    """Return an incident of extra tickets, whose size is in standard deviations over the whole days it touches."""
    rates = drawing.rates
    days = days_touched(drawing.start, end, rates.city.zone)
    means = rates.within(rates.hourly(days, areas or None), days, midnight(days[0], rates.city.zone), end + DAY_MS)
    sd = rates.sd(means if category is None else rates.only(means, (category,)), areas or None)
    tickets = drawing.of.tickets if drawing.spec.shape is Shape.ONE_WRITER else max(1, round(size * sd))
    return replace(drawing.incident(end, amount=tickets, size_sd=tickets / sd), areas=areas, category=category)


def _silences(rates: Rates, channel: int, start: int, end: int) -> FloatArray:
    """Return how many standard deviations a channel's silence is, from the start to each quarter of an hour."""
    days = days_touched(start, end, rates.city.zone)
    hourly = rates.channel_hourly(days, channel)
    sizes = []
    for step in range(1, (end - start) // _STEP_MS + 1):
        lost = rates.within(hourly, days, start, start + step * _STEP_MS)
        sizes.append(lost.sum() / max(rates.sd(lost), 1e-9))
    return np.array(sizes or [0.0])


def _of_department(drawing: Drawing, end: int, department: int) -> float:
    expected = drawing.rates.expected(drawing.start, end).sum(axis=0)
    return max(1.0, float(expected[drawing.rates.department_of == department].sum()))


def _cell(drawing: Drawing) -> tuple[int, int]:
    """Choose a district and category that has enough tickets, each of them as likely."""
    areas = _asked_areas(drawing)
    category = _asked(drawing.rates.categories, drawing.spec.category, "category")
    means = drawing.rates.base
    rows = list(areas) or list(range(len(means)))
    columns = drawing.turn(drawing.rates.categories) if category is None else [category]
    cells = sorted(((float(means[a, c]), a, c) for a in rows for c in columns), reverse=True)
    enough = [cell for cell in cells if cell[0] >= parameters().least_daily_mean] or cells[:_BEST_CELLS]
    _, area, chosen = enough[int(drawing.chance.integers(len(enough)))]
    return area, chosen


def _connected(drawing: Drawing) -> tuple[int, ...]:
    """Choose a district and walk from it to neighbours, and theirs."""
    rates = drawing.rates
    least, most = drawing.of.areas
    wanted = int(drawing.chance.integers(least, most + 1))
    reached = [int(drawing.chance.integers(len(rates.areas)))]
    while len(reached) < wanted:
        beside = sorted(set(beside_of(rates, reached)) - set(reached))
        if not beside:
            break
        reached.append(beside[int(drawing.chance.integers(len(beside)))])
    return tuple(reached)


def beside_of(rates: Rates, areas: Sequence[int]) -> list[int]:
    """Return the districts that touch one of some."""
    touching = rates.city.touching()
    names = [path.parts[-1] for path in rates.areas]
    return [i for i, name in enumerate(names) if any((names[a], name) in touching for a in areas)]


def _category(drawing: Drawing) -> int:
    asked = _asked(drawing.rates.categories, drawing.spec.category, "category")
    if asked is not None:
        return asked
    means = drawing.rates.base.sum(axis=0)
    return _weighted(drawing, _enough(drawing, means), means)


def _enough(drawing: Drawing, means: FloatArray) -> list[int]:
    mine = drawing.turn(drawing.rates.categories)
    return [c for c in mine if means[c] >= parameters().least_daily_mean] or mine


def _department(drawing: Drawing) -> int:
    rates = drawing.rates
    asked = _asked(rates.departments, drawing.spec.department, "department")
    if asked is not None:
        return asked
    means: FloatArray = np.bincount(rates.department_of, rates.base.sum(axis=0), len(rates.departments)).astype(float)
    mine = [index for index in drawing.turn(rates.departments) if means[index] > 0]
    return _weighted(drawing, mine or [int(np.argmax(means))], means)


def _channel(drawing: Drawing) -> int:
    rates = drawing.rates
    asked = _asked(rates.channels, drawing.spec.channel, "channel")
    shares = np.array([channel.share for channel in rates.city.channels], dtype=float)
    return _weighted(drawing, drawing.turn(rates.channels, CHANNEL_CLASSES), shares) if asked is None else asked


def _weighted(drawing: Drawing, choices: list[int], weights: FloatArray) -> int:
    chances = weights[choices]
    return int(drawing.chance.choice(choices, p=chances / chances.sum()))


def _asked(names: Sequence[str], name: str, kind: str) -> int | None:
    if not name:
        return None
    if name not in names:
        raise InvalidInputError(f"incident: {kind}", f"there is no {kind} {name!r}", f"Use one of {', '.join(names)}.")
    return list(names).index(name)


def _asked_areas(drawing: Drawing) -> tuple[int, ...]:
    districts = [path.parts for path in drawing.rates.areas]
    names = [parts[-1] for parts in districts]
    found = []
    for area in drawing.spec.areas:
        if area not in (names if isinstance(area, str) else districts):
            raise InvalidInputError("incident: areas", f"there is no district {area!r}", f"Use {', '.join(names)}.")
        found.append(names.index(area) if isinstance(area, str) else districts.index(area))
    return tuple(found)


_SHAPES: dict[Shape, Callable[[Drawing], Incident]] = {
    Shape.BURST: _local,
    Shape.SLOW_RISE: _local,
    Shape.ONE_WRITER: _local,
    Shape.SPATIAL_SPREAD: _spread,
    Shape.NEW_TOPIC: _new_topic,
    Shape.DEPARTMENT_SLOW: _department_slow,
    Shape.CHANNEL_SILENT: _channel_silent,
    Shape.TRANSFERS: _transfers,
    Shape.CITY_WIDE: _city_wide,
    Shape.PLANNED_CHANGE: _planned_change,
    Shape.LATE_BATCH: _late_batch,
}
"""A holiday is nobody's doing: the calendar makes it."""
