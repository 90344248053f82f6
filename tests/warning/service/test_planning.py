"""Planned events: entered, checked field by field, called off, and told to the engine."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.warning.policy.signals import hours
from tests.warning.service.alerts import NOW
from tests.warning.service.fakes import MemoryPlanStore, TurnedClock
from warning.domain.control import Control, ControlKind
from warning.domain.errors import UnknownNameError
from warning.service.errors import BadInputError
from warning.service.planning import LONGEST, LONGEST_TITLE, MOST_NAMES, Planning
from warning.service.ports import Plan

START, END = NOW + timedelta(days=1), NOW + timedelta(days=3)


def office() -> tuple[Planning, MemoryPlanStore, TurnedClock]:
    clock = TurnedClock(NOW)
    store = MemoryPlanStore(clock)
    return Planning(store, jurisdiction="City", now=clock), store, clock


def added(planning: Planning, **changes: Any) -> Plan:
    given: dict[str, Any] = {"title": "灯会 / lantern fair", "start": START, "end": END, "actor": "li"} | changes
    return planning.add(given.pop("title"), given.pop("start"), given.pop("end"), **given)


def test_a_plan_is_stored_and_told_to_the_engine() -> None:
    """The plan says who entered it and when; its control record says what it explains, and from when until when."""
    planning, store, _ = office()
    plan = added(planning, areas=["City/West", "City/East", "City/East"], categories=[" Noise "])
    assert planning.plans() == [plan]
    assert (plan.areas, plan.categories, plan.entered_by) == (("City/East", "City/West"), ("Noise",), "li")
    assert (plan.entered_at, plan.cancelled_at) == (NOW, None)
    assert store.log == [
        Control(
            kind=ControlKind.PLANNED,
            jurisdiction="City",
            effective_from=round(START.timestamp() * 1000),
            until=round(END.timestamp() * 1000),
            reason="li: 灯会 / lantern fair",
            plan=plan.id,
            areas=plan.areas,
            categories=plan.categories,
        )
    ]


def test_plans_have_ids_of_their_own() -> None:
    """Two plans that differ in anything, the moment included, are two."""
    planning, _, clock = office()
    ids = {added(planning).id, added(planning, areas=["City"]).id, added(planning, title="another").id}
    clock.turn(minutes=1)
    assert len(ids | {added(planning).id}) == 4


def test_a_plan_is_called_off_once() -> None:
    """The record ends where it begins; calling off again changes nothing; what is not there is named."""
    planning, store, clock = office()
    plan = added(planning)
    clock.turn(hours=1)
    cancelled = planning.cancel(plan.id, "wang")
    assert cancelled.cancelled_at == NOW + hours(1)
    assert (store.log[-1].plan, store.log[-1].until) == (plan.id, store.log[-1].effective_from)
    assert store.log[-1].reason.startswith("wang: ")
    assert planning.cancel(plan.id, "zhao") == cancelled
    assert len(store.log) == 2
    with pytest.raises(UnknownNameError, match="no plan is named 'x'"):
        planning.cancel("x", "li")


def test_plans_that_are_over_are_left_out_unless_asked_for() -> None:
    """The list is of what is to come or under way, by start."""
    planning, _, clock = office()
    later, first = added(planning, start=START + hours(1), end=END + hours(9)), added(planning)
    assert planning.plans() == [first, later]
    clock.turn(days=3)
    assert planning.plans() == [later]
    assert planning.plans(include_past=True) == [first, later]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * (LONGEST_TITLE + 1)}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"start": datetime(2030, 1, 1)}, "start"),  # noqa: DTZ001
        ({"end": datetime(2030, 1, 1)}, "end"),  # noqa: DTZ001
        ({"start": datetime.fromisoformat("9999-12-31T23:00:00-14:00"), "end": END}, "start"),
        ({"end": datetime.fromisoformat("9999-12-31T23:59:59-14:00")}, "end"),
        ({"end": START}, "end"),
        ({"end": START - hours(1)}, "end"),
        ({"start": NOW - hours(9), "end": NOW}, "end"),
        ({"end": START + LONGEST + hours(1)}, "end"),
        ({"areas": ["City//East"]}, "areas"),
        ({"areas": ["a/b/c/d/e"]}, "areas"),
        ({"areas": [""]}, "areas"),
        ({"categories": ["Noise", " "]}, "categories"),
        ({"categories": ["a\x00"]}, "categories"),
        ({"categories": [str(i) for i in range(MOST_NAMES + 1)]}, "categories"),
    ],
)
def test_what_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    """An error names the field, says what to do in both languages, and nothing is stored."""
    planning, store, _ = office()
    with pytest.raises(BadInputError) as error:
        added(planning, **changes)
    assert error.value.where == field
    assert error.value.zh.startswith(f"{field}: ")
    assert error.value.advice.endswith(".")
    assert store.log == []
    assert planning.plans(include_past=True) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "x" * LONGEST_TITLE},
        {"end": START + LONGEST},
        {"start": NOW - hours(9), "end": NOW + hours(1)},
        {"areas": ["a/b/c/d"]},
        {"categories": [str(i) for i in range(MOST_NAMES)]},
    ],
)
def test_the_limits_themselves_are_allowed(changes: dict[str, Any]) -> None:
    """The longest title, the longest plan, one that is under way, the deepest area and the most names."""
    planning, _, _ = office()
    assert planning.plans() == [] != [added(planning, **changes)] == planning.plans()
