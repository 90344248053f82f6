"""The plan: how many incidents of which shapes and sizes there are, and that they do not tread on each other."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest

from warning.domain.truth import NOT_INCIDENTS
from warning.simulator import Shape, load_city
from warning.simulator.days import midnight
from warning.simulator.incidents import Incident
from warning.simulator.parameters import parameters
from warning.simulator.plan import LONGEST_MS, Plan
from warning.simulator.rates import Rates

MONDAY = date(2025, 1, 6)
WEEKS = 150


@pytest.fixture(name="plan", scope="module")
def _plan() -> Plan:
    city = load_city("demo")
    return Plan(Rates(city, 11), midnight(MONDAY, city.zone))


@pytest.fixture(name="weeks", scope="module")
def _weeks(plan: Plan) -> list[tuple[Incident, ...]]:
    return [plan.week(MONDAY + timedelta(weeks=number)) for number in range(WEEKS)]


def test_a_week_has_three_incidents_and_a_hard_negative(weeks: list[tuple[Incident, ...]]) -> None:
    """Every week has three incidents of different shapes and one hard negative, and they begin within it."""
    for week in weeks:
        shapes = [one.shape for one in week]
        assert [shape in NOT_INCIDENTS for shape in shapes] == [False, False, False, True]
        assert len(set(shapes)) == 4
        assert max(one.start for one in week) - min(one.start for one in week) < 7 * 86_400_000


def test_shapes_and_sizes_are_those_of_the_parameters(weeks: list[tuple[Incident, ...]]) -> None:
    """Every shape occurs; sizes are uniform between 2 and 10 but for rounding to whole tickets; lengths as stated."""
    incidents = [one for week in weeks for one in week if one.shape not in NOT_INCIDENTS]
    counts = Counter(one.shape for one in incidents)
    assert counts.keys() == set(parameters().shapes)
    assert counts[Shape.BURST] > counts[Shape.TRANSFERS]
    exact = [one.size_sd for one in incidents if one.amount > 10 or one.shape is Shape.DEPARTMENT_SLOW]
    assert 1.8 <= min(exact) <= max(exact) <= 10.3
    assert np.histogram(exact, bins=[1, 4, 6, 8, 11])[0] / len(exact) == pytest.approx([0.25] * 4, abs=0.1)
    for one in incidents:
        least, most = parameters().of(one.shape).hours
        assert (least - 1) * 3_600_000 < one.end - one.start <= most * 3_600_000 + 60_000


def test_two_incidents_of_a_shape_never_share_a_target(weeks: list[tuple[Incident, ...]]) -> None:
    """Of one shape, no two that overlap in time are about the same category, department or channel."""
    for shape in set(parameters().shapes) - {Shape.CITY_WIDE}:
        mine = [one for week in weeks for one in week if one.shape is shape]
        for first in mine:
            for other in mine:
                if first.id < other.id and first.overlaps(other.start, other.end):
                    assert (first.category, first.department, first.channel) != (
                        other.category,
                        other.department,
                        other.channel,
                    )


def test_a_spread_walks_from_neighbour_to_neighbour(plan: Plan, weeks: list[tuple[Incident, ...]]) -> None:
    """Each further district of a spread touches one that was reached before."""
    touching, names = plan.rates.city.touching(), [path.parts[-1] for path in plan.rates.areas]
    for one in (one for week in weeks for one in week if one.shape is Shape.SPATIAL_SPREAD):
        assert 3 <= len(one.areas) <= 5
        for place, area in enumerate(one.areas[1:], 1):
            assert any((names[earlier], names[area]) in touching for earlier in one.areas[:place])


def test_what_overlaps_is_found_however_it_is_asked(plan: Plan) -> None:
    """Asking day by day finds the same incidents as asking for all days at once."""
    days = [midnight(MONDAY + timedelta(days=offset), plan.rates.city.zone) for offset in range(60)]
    daily = {one.id for start, end in pairwise(days) for one in plan.overlapping(start, end)}
    assert daily == {one.id for one in plan.overlapping(days[0], days[-1])}
    assert LONGEST_MS == 336 * 3_600_000


def test_quiet_days_hold_no_incident() -> None:
    """Nothing drawn begins before the first moment; what would have gone on from before does not happen either."""
    city = load_city("demo")
    first = midnight(date(2025, 2, 5), city.zone)
    quiet = Plan(Rates(city, 11), first)
    found = quiet.overlapping(first - 30 * 86_400_000, first + 30 * 86_400_000)
    assert found
    assert all(one.start >= first for one in found)


def test_holidays_are_hard_negatives(plan: Plan) -> None:
    """Every run of public holidays is in the truth, from midnight to midnight."""
    (spring,) = plan.holidays(date(2025, 1, 20), date(2025, 2, 20))
    assert spring.shape is Shape.HOLIDAY
    assert spring.end - spring.start == 8 * 86_400_000
