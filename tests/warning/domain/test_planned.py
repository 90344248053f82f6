"""What a plan explains, and for how long it is remembered."""

from __future__ import annotations

from typing import Any

import pytest

from warning.domain.bucket import DAY_MS
from warning.domain.control import Control, ControlKind
from warning.domain.planned import PlannedEvents
from warning.domain.series import SeriesKey, SeriesKind

CATEGORY, TOTAL, DEPARTMENT, CHANNEL = SeriesKind


def plan(name: str = "fair", start: int = 10, end: int | None = 20, **scope: Any) -> Control:
    return Control(kind=ControlKind.PLANNED, jurisdiction="City", effective_from=start, until=end, plan=name, **scope)


def events(*plans: Control) -> PlannedEvents:
    told = PlannedEvents()
    for each in plans:
        told.tell(each)
    return told


@pytest.mark.parametrize(
    ("areas", "categories", "series", "covered"),
    [
        ((), (), SeriesKey(CATEGORY, "City/East", "Noise"), True),
        ((), (), SeriesKey(TOTAL, "City"), True),
        (("City/East",), (), SeriesKey(CATEGORY, "City/East", "Noise"), True),
        (("City/East",), (), SeriesKey(CATEGORY, "City/East/Park", "Noise"), True),
        (("City/East",), (), SeriesKey(CATEGORY, "City/Eastwood", "Noise"), False),
        (("City/East",), (), SeriesKey(CATEGORY, "City", "Noise"), False),
        (("City/East", "City/West"), (), SeriesKey(TOTAL, "City/West"), True),
        (("City",), (), SeriesKey(DEPARTMENT, "City", "Police"), True),
        (("City/East",), (), SeriesKey(CHANNEL, "City", "phone"), False),
        (("City",), ("Noise",), SeriesKey(CATEGORY, "City/East", "Noise"), True),
        (("City",), ("Noise",), SeriesKey(CATEGORY, "City/East", "Water"), False),
        (("City",), ("Noise",), SeriesKey(TOTAL, "City"), False),
        (("City",), ("Police",), SeriesKey(DEPARTMENT, "City", "Police"), False),
    ],
)
def test_a_plan_covers_series_within_it(
    areas: tuple[str, ...], categories: tuple[str, ...], series: SeriesKey, covered: bool
) -> None:
    """Within one of its areas and of one of its categories; sums over categories only where it names none."""
    assert plan(areas=areas, categories=categories).covers(series) is covered


def test_a_plan_is_half_open() -> None:
    """It begins with its first moment and is over at its end; one without an end goes on."""
    series = SeriesKey(TOTAL, "City")
    told = events(plan())
    assert [told.covers(series, moment) for moment in (9, 10, 19, 20)] == [False, True, True, False]
    assert [bool(told.during(*span)) for span in ((0, 10), (0, 11), (19, 30), (20, 30))] == [False, True, True, False]
    assert events(plan(end=None)).covers(series, 10**15)


def test_a_plan_said_again_replaces_itself() -> None:
    """The later record of a plan stands, whatever its span; one that ends where it begins calls it off."""
    series = SeriesKey(TOTAL, "City")
    told = events(plan(), plan(start=30, end=40))
    assert [told.covers(series, moment) for moment in (15, 35)] == [False, True]
    told.tell(plan(start=30, end=30))
    assert told.state() == []


def test_plans_behind_the_watermark_are_forgotten() -> None:
    """What lies behind it by more than a week can explain no open window; a plan without an end is kept."""
    told = events(plan(), plan("later", end=30 * DAY_MS), plan("open", end=None))
    assert told.forget(20 + 7 * DAY_MS) == []
    assert told.forget(20 + 8 * DAY_MS) == ["fair"]
    assert [each.plan for each in told.state()] == ["later", "open"]


def test_plans_survive_a_restart() -> None:
    """A state holds what is in force."""
    told, copy = events(plan(), plan("other", areas=("City/East",))), PlannedEvents()
    copy.load(told.state())
    assert copy.state() == told.state()
    assert [each.plan for each in copy.about(SeriesKey(TOTAL, "City"))] == ["fair"]
