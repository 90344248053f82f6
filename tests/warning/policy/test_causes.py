"""Which signals have one cause: by category, place and time, and which total a category explains."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warning.policy.signals import (
    CATEGORY,
    CHANNEL,
    CONFIG,
    DAY,
    DEPARTMENT,
    FINAL,
    HOUR,
    MONDAY,
    PROVISIONAL,
    TOTAL,
    WEEK,
    Desk,
    channel,
    department,
    hours,
    register,
    signal,
    total,
    weak,
)
from warning.domain.area import AreaRegister
from warning.domain.signal import Signal
from warning.policy.config import PolicyConfig
from warning.policy.episode import same_cause
from warning.policy.matching import EvidenceIndex

NOWHERE = AreaRegister()


def _alerts(*signals: Signal, areas: AreaRegister | None = None) -> int:
    desk = Desk(areas=areas)
    desk.tick(*signals)
    return len(desk.alerts)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"area": "City"}, {"area": "City/East"}),
        ({"area": "City/East/A"}, {"area": "City"}),
        ({"area": "City/East"}, {"area": "City/East", "length": HOUR, "start": MONDAY + hours(5)}),
        ({"length": HOUR}, {"length": HOUR, "start": MONDAY + hours(25)}),
        ({"length": WEEK}, {"length": DAY, "start": MONDAY + timedelta(days=3)}),
        ({"state": PROVISIONAL}, {"state": FINAL, "length": HOUR}),
    ],
)
def test_one_category_in_overlapping_areas_and_times_is_one_episode(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Signals of one category whose areas contain each other, and that are near in time, make one alert."""
    assert _alerts(signal(**first), signal(**second)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"name": "Noise"}, {"name": "Water"}),
        ({"name": "Noise"}, {"name": "Noise "}),
        ({"area": "City/East"}, {"area": "City/West"}),
        ({"area": "City/East"}, {"area": "City/Easter"}),
        ({"area": "City/East/A"}, {"area": "City/East/B"}),
        ({"area": "City"}, {"area": "Town"}),
        ({"length": HOUR}, {"length": HOUR, "start": MONDAY + hours(25.25)}),
        ({}, {"start": MONDAY + timedelta(days=3)}),
    ],
)
def test_other_categories_places_or_times_are_other_episodes(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Different categories, areas apart, and a pause longer than the merge gap make two alerts."""
    assert _alerts(signal(**first), signal(**second)) == 2


def test_categories_stay_apart_in_the_same_place_and_time() -> None:
    """Five categories that surge in one district on one day are five alerts."""
    assert _alerts(*(signal(f"Category {i}", "City/East") for i in range(5))) == 5


def test_siblings_join_where_the_register_says_they_touch() -> None:
    """Neighbours join, in both directions; areas two apart join only through the one between them."""
    east, middle, west = (signal(area=f"City/{name}") for name in ("East", "Middle", "West"))
    assert _alerts(east, middle, areas=register()) == _alerts(middle, west, areas=register()) == 1
    assert _alerts(east, west, areas=register()) == 2
    assert _alerts(east, west, middle, areas=register()) == 1
    assert _alerts(east, middle) == 2


def test_parts_of_neighbours_are_not_neighbours() -> None:
    """Only what the register says touches does: a street of East is not next to Middle."""
    assert _alerts(signal(area="City/East/A"), signal(area="City/Middle"), areas=register()) == 2


def test_siblings_join_once_evidence_above_them_says_so() -> None:
    """Two districts that are no neighbours become one episode when the whole city shows the same category."""
    desk = Desk()
    desk.tick(signal(area="City/East"), signal(area="City/West"))
    assert len(desk.alerts) == 2
    desk.tick(weak(area="City"), later=hours(1))
    assert len(desk.policy.state()["episodes"]) == 1


@pytest.mark.parametrize("gap", [1, 24, 48])
def test_the_merge_gap_is_the_settings(gap: int) -> None:
    """Evidence that begins exactly the merge gap after the last ended still joins; a quarter of an hour later not."""
    first = signal(length=HOUR)
    for pause, together in ((gap, True), (gap + 0.25, False)):
        second = signal(length=HOUR, start=MONDAY + hours(1 + pause))
        for one, other in ((first, second), (second, first)):
            assert same_cause(one, other, PolicyConfig(merge_hours=gap), NOWHERE) is together


def test_a_week_that_has_just_begun_speaks_of_its_first_days_only() -> None:
    """Evidence reaches as far as it has seen: an open week is not near what comes days after it was last looked at."""
    week = signal(length=WEEK, state=PROVISIONAL, updated_at=MONDAY + hours(30))
    later = signal(start=MONDAY + timedelta(days=5))
    assert not same_cause(week, later, CONFIG, NOWHERE)
    assert same_cause(week, signal(start=MONDAY + timedelta(days=2)), CONFIG, NOWHERE)
    assert same_cause(signal(length=WEEK), later, CONFIG, NOWHERE)


@pytest.mark.parametrize(
    ("excess", "joins"), [(35, True), (18, True), (17, False), (70, True), (71, False), (1, False)]
)
@pytest.mark.parametrize("category_first", [True, False])
def test_a_total_joins_the_category_that_explains_it(excess: int, joins: bool, category_first: bool) -> None:
    """Where the smaller excess is at least half of the larger one, total and category are one alert, in any order."""
    category, whole = signal(observed=40, expected=5.0), total(observed=100 + excess, expected=100.0)
    desk, order = Desk(PolicyConfig(minimum_ratio=1.0)), (category, whole) if category_first else (whole, category)
    desk.tick(order[0])
    desk.tick(order[1], later=hours(1))
    assert len(desk.policy.state()["episodes"]) == (1 if joins else 2)


@pytest.mark.parametrize(
    ("change", "joins"),
    [
        ({}, True),
        ({"area": "City/East"}, True),
        ({"length": HOUR}, False),
        ({"start": MONDAY + timedelta(days=1)}, False),
        ({"area": "Town"}, False),
    ],
)
@pytest.mark.parametrize("kind", [TOTAL, DEPARTMENT, CHANNEL])
def test_series_of_two_kinds_join_in_one_window_and_place_only(change: dict[str, Any], joins: bool, kind: Any) -> None:
    """A total, department or channel has a category's cause in the very same window and an overlapping area."""
    other = signal("", **({"kind": kind} | change))
    assert same_cause(signal(), other, CONFIG, NOWHERE) is joins
    assert same_cause(other, signal(), CONFIG, NOWHERE) is joins


def test_departments_and_channels_join_each_other_by_their_excess() -> None:
    """Two roll-ups of the same tickets are one alert; two of one kind with other names are not."""
    assert _alerts(department("Roads"), channel("app"), total()) == 1
    assert _alerts(department("Roads"), department("Parks")) == 2
    assert _alerts(department("Roads"), channel("app", observed=100)) == 2


def test_what_joins_shows_in_the_alert() -> None:
    """An alert names the areas, categories, departments and channels of all its evidence, each once and sorted."""
    desk = Desk()
    alert = desk.one(
        signal(area="City/West", departments=("Roads", "Parks"), channels=("app",)),
        signal(area="City", detector="other"),
        department("Works"),
        channel("phone"),
        total(),
    )
    assert alert.areas == ("City", "City/West")
    assert alert.categories == ("Noise",)
    assert alert.departments == ("Parks", "Roads", "Works")
    assert alert.channels == ("app", "phone")
    assert alert.detectors == ("other", "surge")


def test_weak_evidence_joins_what_opens_in_its_own_tick() -> None:
    """A tick's signals are simultaneous: what supports an alert joins it, wherever it stands in the order."""
    desk = Desk()
    supporting = weak(area="City", length=DAY)
    alert = desk.one(supporting, signal(area="City/West", length=HOUR, start=MONDAY + hours(9)))
    assert supporting.id in alert.signal_ids


areas = st.sampled_from(["City", "City/East", "City/Middle", "City/West", "City/East/A", "City/East/B", "Town"])
signals = st.builds(
    lambda kind, name, area, length, start, observed, seen: signal(
        name if kind is not TOTAL else "",
        area if kind in {CATEGORY, TOTAL} else area.split("/")[0],
        kind=kind,
        length=length,
        start=MONDAY + hours(start),
        observed=observed,
        updated_at=MONDAY + hours(start + seen),
    ),
    st.sampled_from([CATEGORY, CATEGORY, TOTAL, DEPARTMENT, CHANNEL]),
    st.sampled_from(["Noise", "Water"]),
    areas,
    st.sampled_from([HOUR, DAY]),
    st.integers(0, 60),
    st.sampled_from([10, 20, 40, 90]),
    st.integers(0, 24),
)


@given(signals, signals)
@settings(deadline=None)
def test_having_one_cause_is_mutual(first: Signal, second: Signal) -> None:
    """Whichever of two signals is known first, the answer is the same."""
    for known in (NOWHERE, register()):
        assert same_cause(first, second, CONFIG, known) is same_cause(second, first, CONFIG, known)


@given(
    st.lists(signals, max_size=12, unique_by=lambda each: each.id), st.lists(st.integers(0, 11), max_size=5), signals
)
@settings(deadline=None)
def test_the_index_finds_everything_that_has_one_cause(known: list[Signal], gone: list[int], new: Signal) -> None:
    """All signals with a new one's cause are near it by the index, and none that was taken out."""
    for each in (NOWHERE, register()):
        index, kept = EvidenceIndex(each), {one.id: one for one in known}
        for one in (*known, *known[:3]):
            index.add(one)
        for at in gone:
            if at < len(known):
                index.discard(known[at])
                kept.pop(known[at].id, None)
        found = set(index.near(new))
        assert found <= kept.keys()
        assert {one.id for one in kept.values() if same_cause(one, new, CONFIG, each)} <= found
        for one in kept.values():
            index.discard(one)
        assert index._at == index._below == {}
