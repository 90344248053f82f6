"""What people say changes which alerts are raised: sensitivity, reviews and plans. Decisions already made stand."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warning.policy.signals import (
    CONFIG,
    DAY,
    FINAL,
    HOUR,
    MONDAY,
    PROVISIONAL,
    WITHDRAWN,
    Desk,
    hours,
    register,
    rules,
    signal,
    total,
    weak,
)
from warning.domain.alert import AlertStatus
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.policy.sensitivity import MOST_NAMES, Sensitivity

SOON = timedelta(minutes=15)
NOISE = SeriesKey(SeriesKind.AREA_CATEGORY, "City", "Noise")
TUESDAY = MONDAY + timedelta(days=1)
LEAST = CONFIG.least_recurrence_days(DAY)


def control(kind: ControlKind, **more: Any) -> Control:
    given: dict[str, Any] = {"kind": kind, "jurisdiction": "City", "effective_from": 0} | more
    return Control(**given)


def less(factor: float, alert: str = "", series: SeriesKey = NOISE) -> Control:
    return control(ControlKind.SENSITIVITY, series=series, factor=factor, alert=alert)


def reset(alert: str = "", series: SeriesKey | None = None) -> Control:
    return control(ControlKind.RESET, series=series, alert=alert)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def plan(start: datetime = MONDAY, end: datetime = TUESDAY, **scope: Any) -> Control:
    return control(ControlKind.PLANNED, plan="fair", effective_from=ms(start), until=ms(end), **scope)


def told(*controls: Control, areas: bool = False) -> Desk:
    desk = Desk(areas=register() if areas else None)
    for each in controls:
        desk.policy.control(each)
    return desk


def restarted(desk: Desk) -> Desk:
    """The desk with a policy that was written down and read again."""
    other = Desk(areas=desk.policy.register)
    other.policy.load(json.loads(json.dumps(desk.policy.state())))
    other.alerts, other.now = desk.alerts, desk.now
    return other


# --- sensitivity ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("factor", [1.0, 4.0, 16.0, 64.0])
def test_a_less_sensitive_series_needs_stronger_evidence(factor: float) -> None:
    """It alerts from a recurrence interval of factor times the least on, and its figures stay the evidence's own."""
    desk = told(less(factor))
    assert desk.policy.factor(NOISE) == factor
    assert desk.tick(signal(recurrence=factor * LEAST * 0.99)) == []
    enough = signal("Noise", recurrence=factor * LEAST * 1.01)
    alert = desk.one(enough)
    assert (alert.p_value, alert.recurrence_interval_days) == (enough.p_value, enough.recurrence_interval_days)


def test_other_series_are_as_sensitive_as_before() -> None:
    """Another area or category of the same name is another series."""
    desk = told(less(64.0))
    assert desk.policy.factor(replace(NOISE, area="City/East")) == 1.0
    assert desk.tick(signal("Water", recurrence=LEAST), signal(area="City/East", recurrence=LEAST)) != []


@pytest.mark.parametrize(("said", "factor"), [(0.0, 1.0), (0.25, 1.0), (-3.0, 1.0), (1e9, 64.0), (float("nan"), 1.0)])
def test_the_factor_is_bounded_where_it_is_applied(said: float, factor: float) -> None:
    """Whatever a record says, evidence counts for no more than it is and no less than a sixty-fourth."""
    assert told(less(said)).policy.factor(NOISE) == factor


def test_sensitivity_said_again_is_said_once() -> None:
    """A record in the same name replaces the earlier one, so that replaying it changes nothing."""
    desk = told(*[less(4.0, "a")] * 5, less(4.0, "b"))
    assert desk.policy.factor(NOISE) == 16.0


def test_a_step_back_does_not_go_below_one() -> None:
    """Confirmations of a series that is as sensitive as can be are not saved up against later false alarms."""
    desk = told(*(less(0.25, f"c{i}") for i in range(5)), less(4.0, "f"))
    assert desk.policy.factor(NOISE) == 4.0


def test_what_was_said_in_a_name_is_taken_back_exactly() -> None:
    """RESET in an alert's name leaves what others said; without a name it takes all of the series back."""
    other = replace(NOISE, name="Water")
    desk = told(less(4.0, "a"), less(4.0, "b"), less(4.0, "a", other), reset("a"))
    assert (desk.policy.factor(NOISE), desk.policy.factor(other)) == (4.0, 1.0)
    desk = told(less(4.0, "a"), less(4.0, "b"), less(4.0, "a", other), reset("", NOISE))
    assert (desk.policy.factor(NOISE), desk.policy.factor(other)) == (1.0, 4.0)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([0.25, 4.0, None])), max_size=12), st.booleans())
def test_a_review_taken_back_was_never_given(steps: list[tuple[str, float | None]], undo: bool) -> None:
    """Whatever was said and taken back, saying something in a new name and taking it back leaves no trace."""
    plain, twice = Sensitivity(), Sensitivity()
    for at, (name, factor) in enumerate(steps):
        for subject in (plain, twice):
            subject.tell(reset(name) if factor is None else less(factor, name))
        if at == len(steps) // 2:
            twice.tell(less(4.0, "new"))
    twice.tell(reset("new"))
    assert plain.state() == twice.state()
    assert plain.of(NOISE) == twice.of(NOISE)


def test_the_memory_of_names_is_bounded() -> None:
    """Beyond so many reviews of a series the oldest are counted together, with the factor as it was."""
    subject = Sensitivity()
    for i in range(5 * MOST_NAMES):
        subject.tell(less(4.0 if i % 3 else 0.25, f"a{i}"))
    assert len(subject.state()) == MOST_NAMES
    assert subject.of(NOISE) == 64.0


def test_sensitivity_does_not_undo_an_open_alert() -> None:
    """A false alarm changes the next episode: the alert it was given to keeps its evidence and closes in time."""
    desk = Desk()
    alert = desk.one(signal(state=PROVISIONAL, recurrence=2 * LEAST, updated_at=MONDAY + hours(9)))
    desk.policy.control(less(4.0, alert.id))
    assert rules(desk.one(signal(recurrence=2 * LEAST), later=SOON))[-1] == "CONFIRM-1"
    closed = desk.one(watermark=MONDAY + timedelta(days=9), later=timedelta(days=9))
    assert (closed.status, closed.state) == (AlertStatus.CLOSED, FINAL)
    assert desk.tick(signal(recurrence=2 * LEAST, start=MONDAY + timedelta(days=30))) == []


# --- reviewed ---------------------------------------------------------------------------------------------------------


def reviewed(alert_id: str) -> Control:
    return control(ControlKind.REVIEWED, alert=alert_id)


def two_alerts() -> tuple[Desk, str, str]:
    """An older alert in the East and a younger one in the West, which evidence in the City shows to be one."""
    desk = Desk()
    older = desk.one(signal(area="City/East"))
    younger = desk.one(signal(area="City/West"), later=SOON)
    return desk, older.id, younger.id


@pytest.mark.parametrize("restart", [False, True])
def test_a_reviewed_alert_is_not_absorbed(restart: bool) -> None:
    """The one a person reviewed goes on though it is the younger, and takes the other in."""
    desk, older, younger = two_alerts()
    desk.policy.control(reviewed(younger))
    desk = restarted(desk) if restart else desk
    alert = desk.one(weak(area="City"), later=SOON)
    assert (alert.id, alert.aliases) == (younger, (older,))
    assert rules(alert) == ["OPEN-1", "MERGE-1"]


@pytest.mark.parametrize("restart", [False, True])
def test_two_reviewed_alerts_are_linked_once(restart: bool) -> None:
    """Both stay; the later one's history says so once, however often their evidence meets."""
    desk, older, younger = two_alerts()
    for each in (older, younger):
        desk.policy.control(reviewed(each))
    changed = {alert.id: alert for alert in desk.tick(weak(area="City"), later=SOON)}
    assert rules(changed[younger]) == ["OPEN-1", "LINK-1"]
    assert "LINK-1" not in rules(changed[older])
    desk = restarted(desk) if restart else desk
    for observed in (13, 14, 15):
        desk.tick(weak(area="City", observed=observed), signal(area="City/West", observed=50 + observed), later=SOON)
    assert rules(desk.alerts[younger]).count("LINK-1") == 1
    assert not any(alert.aliases for alert in desk.alerts.values())


def test_a_signal_stays_with_the_reviewed_alert_that_knows_it() -> None:
    """A later version of a reviewed alert's evidence does not move to an older reviewed alert of the same cause."""
    desk, older, younger = two_alerts()
    for each in (older, younger):
        desk.policy.control(reviewed(each))
    desk.tick(weak(area="City"), later=SOON)
    desk.tick(signal(area="City/West", observed=77), later=SOON)
    assert desk.alerts[younger].observed == 77
    assert signal(area="City/West").id not in desk.alerts[older].signal_ids


def test_a_third_alert_joins_a_reviewed_one() -> None:
    """An alert nobody reviewed is merged into the older of two reviewed ones, as into any."""
    desk, older, younger = two_alerts()
    for each in (older, younger):
        desk.policy.control(reviewed(each))
    third = desk.one(signal(area="City/Middle"), later=SOON)
    desk.tick(weak(area="City"), later=SOON)
    assert desk.alerts[older].aliases == (third.id,)
    assert rules(desk.alerts[older])[-1] == "MERGE-1"


def test_a_review_of_a_merged_alert_holds_for_the_one_that_goes_on() -> None:
    """A review may reach policy just after the merge: it names the alias."""
    desk, older, younger = two_alerts()
    desk.tick(weak(area="City"), later=SOON)
    desk.policy.control(reviewed(younger))
    desk.policy.control(reviewed("nobody's"))
    (episode,) = desk.policy.state()["episodes"]
    assert (episode["id"], episode["reviewed"]) == (older, True)


# --- planned ----------------------------------------------------------------------------------------------------------


def test_what_is_planned_raises_no_alert() -> None:
    """A signal whose window starts in the plan's time and place is no reason to look; before and after it is."""
    desk = told(plan(areas=("City",), categories=("Noise",)))
    assert desk.tick(signal(), signal(length=HOUR, start=MONDAY + hours(23))) == []
    assert desk.one(signal(start=TUESDAY)).window_start == TUESDAY
    assert told(plan(areas=("City",))).one(signal(start=MONDAY - timedelta(days=1)))
    assert told(plan(categories=("Noise",))).one(signal("Water"))


@pytest.mark.parametrize("scope", [{}, {"areas": ("City/East",)}, {"categories": ("Noise",)}])
def test_totals_are_explained_by_plans_for_all_categories(scope: dict[str, Any]) -> None:
    """A plan for the whole city and everything explains its total; a plan for a part of it does not."""
    assert bool(told(plan(**scope)).tick(total())) is bool(scope)


@pytest.mark.parametrize(("east", "raised"), [(30, False), (12, True)])
def test_a_wider_series_is_explained_by_its_planned_parts(east: int, raised: bool) -> None:
    """Where parts in the plan's areas carry half of a wider excess, the wider series raises nothing either."""
    parts = (("City/East", east, 2.0), ("City/West", 40 - east, 3.0))
    assert bool(told(plan(areas=("City/East",))).tick(signal(parts=parts))) is raised


@pytest.mark.parametrize("restart", [False, True])
def test_what_is_planned_supports_an_alert_but_does_not_lead_it(restart: bool) -> None:
    """It joins an alert of the same cause; when that loses its own evidence, the alert is withdrawn."""
    desk = told(plan(areas=("City/East",)))
    own = signal(state=PROVISIONAL, updated_at=MONDAY + hours(9))
    planned = signal(area="City/East", recurrence=1e6, observed=400)
    assert desk.tick(planned) == []
    desk.tick(own, later=SOON)
    desk = restarted(desk) if restart else desk
    alert = desk.one(planned, later=SOON)
    assert (alert.lead_signal_id, alert.observed) == (own.id, 40)
    assert planned.id in alert.signal_ids
    gone = desk.one(replace(own, state=WITHDRAWN), later=SOON)
    assert (gone.state, rules(gone)[-1]) == (WITHDRAWN, "WITHDRAW-1")


def test_a_plan_does_not_undo_an_open_alert() -> None:
    """What was raised before the plan was entered stays, and is confirmed by its own evidence."""
    desk = Desk()
    desk.tick(signal(state=PROVISIONAL, updated_at=MONDAY + hours(9)))
    desk.policy.control(plan())
    alert = desk.one(signal(), later=SOON)
    assert (alert.state, rules(alert)) == (FINAL, ["OPEN-1", "CONFIRM-1"])


def test_a_plan_called_off_explains_nothing() -> None:
    """From then on its time and place are as any other."""
    desk = told(plan())
    assert desk.tick(signal()) == []
    desk.policy.control(plan(end=MONDAY))
    assert desk.one(signal(observed=41), later=SOON)


def test_plans_are_forgotten_when_no_window_of_theirs_is_open() -> None:
    """A policy that has run for years remembers the plans of the last days."""
    desk = told(plan())
    desk.tick(watermark=MONDAY + timedelta(days=8))
    assert len(desk.policy.state()["plans"]) == 1
    desk.tick(watermark=MONDAY + timedelta(days=9, hours=1))
    assert desk.policy.state()["plans"] == []


def test_what_was_said_survives_a_restart() -> None:
    """A state carries sensitivity, in its order, and plans."""
    desk = told(less(4.0, "a"), less(0.25, "b"), less(4.0, "c"), plan(areas=("City/East",)), areas=True)
    other = restarted(desk)
    assert other.policy.state() == desk.policy.state()
    assert other.policy.factor(NOISE) == desk.policy.factor(NOISE) == 4.0
    assert other.tick(signal(area="City/East")) == []
