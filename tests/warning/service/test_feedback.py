"""What reviews teach: the records of each disposition, the words for it, and that a changed review leaves no trace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warning.engine.tickets import city, engine, feed, log
from tests.warning.policy.signals import MONDAY, WITHDRAWN, department, register, signal, total, weak
from tests.warning.service.alerts import alert_of, desk_of, review
from tests.warning.service.fakes import MemoryAlertStore
from warning.domain.alert import Alert, Disposition
from warning.domain.bucket import DAY_MS
from warning.domain.control import Control, ControlKind
from warning.domain.handling import Handling
from warning.domain.signal import Signal
from warning.policy.alerting import AlertPolicy
from warning.service.desk import Desk
from warning.service.feedback import Feedback, Lesson
from warning.service.ports import AlertView

CONFIRMED, FALSE_ALARM, EXPECTED_CHANGE, DUPLICATE, NEEDS_MORE_DATA = Disposition
PROTECT, RELEASE, RESET, SENSITIVITY, REVIEWED = (
    ControlKind.PROTECT,
    ControlKind.RELEASE,
    ControlKind.RESET,
    ControlKind.SENSITIVITY,
    ControlKind.REVIEWED,
)
LEAD, EAST = signal(), weak(area="City/East")
FEEDBACK = Feedback(register(), timedelta(days=14))
WINDOW_START = round(MONDAY.timestamp() * 1000)


def view(*signals: Signal, before: Disposition | None = None) -> AlertView:
    alert = alert_of(*signals)
    return AlertView(alert=alert, handling=Handling(alert_id=alert.id, disposition=before))


def lesson(disposition: Disposition, before: Disposition | None = None, *signals: Signal) -> Lesson:
    known = signals or (EAST, LEAD)
    return FEEDBACK.lesson(view(*known, before=before), known, disposition)


def said(taught: Lesson) -> list[tuple[ControlKind, str]]:
    return [(control.kind, "" if control.series is None else control.series.area) for control in taught.controls]


def test_a_confirmed_alert_protects_each_of_its_series() -> None:
    """From the leading window's start until the limit past its end; the leading series is one step more sensitive."""
    taught = lesson(CONFIRMED)
    assert said(taught) == [(PROTECT, "City"), (PROTECT, "City/East"), (SENSITIVITY, "City"), (REVIEWED, "")]
    assert {control.until for control in taught.controls[:2]} == {WINDOW_START + 15 * DAY_MS}
    assert taught.controls[2].factor == 0.25
    assert "2 series do not learn this period as normal before 2024-05-21 00:00" in taught.effect.en
    assert "2 条序列在 2024-05-21 00:00 之前" in taught.effect.zh


def test_a_false_alarm_makes_the_leading_series_less_sensitive() -> None:
    """That series and no other, by a factor of four, named in both languages."""
    taught = lesson(FALSE_ALARM)
    assert said(taught) == [(SENSITIVITY, "City"), (REVIEWED, "")]
    assert taught.controls[0].factor == 4.0
    assert "'Noise, the city' now needs evidence 4 times as strong" in taught.effect.en
    assert "“Noise, 本市”今后须有 4 倍强的证据" in taught.effect.zh


@pytest.mark.parametrize(
    ("lead", "zh", "en"),
    [(total(), "全部工单, 本市", "all tickets, the city"), (department("Police"), "部门 Police", "department Police")],
)
def test_a_series_of_another_kind_is_named_as_such(lead: Signal, zh: str, en: str) -> None:
    """Totals and departments are not mistaken for categories."""
    effect = lesson(FALSE_ALARM, None, lead).effect
    assert zh in effect.zh
    assert en in effect.en


def test_an_expected_change_releases_each_series() -> None:
    """All of the alert's series learn the new level at once."""
    taught = lesson(EXPECTED_CHANGE)
    assert said(taught) == [(RELEASE, "City"), (RELEASE, "City/East"), (REVIEWED, "")]
    assert "2 series learn the new level" in taught.effect.en


@pytest.mark.parametrize("disposition", [DUPLICATE, NEEDS_MORE_DATA])
def test_other_dispositions_teach_nothing(disposition: Disposition) -> None:
    """They say only that a person has looked, and have no words for an effect."""
    taught = lesson(disposition)
    assert said(taught) == [(REVIEWED, "")]
    assert (taught.effect.zh, taught.effect.en) == ("", "")


@pytest.mark.parametrize("before", Disposition)
@pytest.mark.parametrize("after", Disposition)
def test_a_changed_review_takes_the_earlier_one_back_first(before: Disposition, after: Disposition) -> None:
    """One RESET in the alert's name comes before what the new review says, and the words tell both."""
    taught, plain = lesson(after, before), lesson(after)
    teaches = before in {CONFIRMED, FALSE_ALARM, EXPECTED_CHANGE}
    undo = taught.controls[: len(taught.controls) - len(plain.controls)]
    assert [control.kind for control in undo] == [RESET] * teaches
    assert taught.controls[len(undo) :] == plain.controls
    assert ("is taken back" in taught.effect.en) is ("已撤回" in taught.effect.zh) is teaches
    assert taught.effect.en.endswith(plain.effect.en)
    assert taught.effect.zh.endswith(plain.effect.zh)


def test_a_review_of_an_alert_that_was_merged_is_taken_back_too() -> None:
    """A review may have been given to an alert just before it was merged: its records are in the alias's name."""
    seen = view(EAST, LEAD, before=FALSE_ALARM)
    merged = replace(seen, alert=replace(seen.alert, aliases=("a1", "a2")))
    controls = FEEDBACK.lesson(merged, [EAST, LEAD], DUPLICATE).controls
    assert [control.alert for control in controls if control.kind is RESET] == [seen.alert.id, "a1", "a2"]


@pytest.mark.parametrize("disposition", Disposition)
def test_every_record_is_in_the_alerts_name_from_its_window_on(disposition: Disposition) -> None:
    """So that it can be taken back exactly, and the log says why it is there."""
    seen = view(EAST, LEAD, before=CONFIRMED)
    for control in FEEDBACK.lesson(seen, [EAST, LEAD], disposition).controls:
        assert (control.alert, control.jurisdiction) == (seen.alert.id, seen.alert.jurisdiction)
        assert control.effective_from == WINDOW_START
        assert control.reason in set(Disposition)


def test_withdrawn_and_foreign_evidence_teaches_nothing() -> None:
    """Series whose evidence was withdrawn, and signals of other alerts, are left alone."""
    seen = view(EAST, LEAD)
    known = [LEAD, replace(EAST, state=WITHDRAWN), signal("Water")]
    controls = FEEDBACK.lesson(seen, known, EXPECTED_CHANGE).controls
    assert [control.series for control in controls] == [LEAD.series, None]
    assert said(FEEDBACK.lesson(seen, [], CONFIRMED)) == [(REVIEWED, "")]


# --- through a desk and a real engine ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reviewed:
    """The test city's alert with its signals, and a snapshot of the engine that raised it."""

    alert: Alert
    signals: list[Signal]
    snapshot: dict[str, Any]

    def desk(self) -> tuple[Desk, MemoryAlertStore]:
        store = MemoryAlertStore()
        store.put(self.alert, self.signals)
        return desk_of(store)[0], store

    def learning_after(self, controls: Sequence[Control]) -> list[Any]:
        """What an engine that was told the records holds and releases, and the sensitivity of each series."""
        subject = engine()
        subject.restore(self.snapshot)
        feed(subject, controls)
        policy = subject.jurisdiction.policy
        assert isinstance(policy, AlertPolicy)
        banks = [subject.stages[0].bank, subject.jurisdiction.bank]
        holds = [repr(bank.holds.state(np.arange(bank.rows), lambda _: True)) for bank in banks]
        return [*holds, *(policy.factor(key) for bank in banks for key in bank.keys)]


@pytest.fixture(name="raised", scope="module")
def _raised() -> Reviewed:
    subject = engine()
    heard = feed(subject, log(city(days=3.2)))
    (alert,) = heard.alerts.values()
    return Reviewed(alert, [heard.signals[i] for i in alert.signal_ids], subject.snapshot())


@settings(max_examples=25, deadline=None)
@given(reviews=st.lists(st.sampled_from(Disposition), max_size=4), last=st.sampled_from([DUPLICATE, NEEDS_MORE_DATA]))
def test_a_review_changed_back_leaves_every_series_as_before(
    raised: Reviewed, reviews: list[Disposition], last: Disposition
) -> None:
    """However often a review changes, one that teaches nothing in the end leaves the engine as if it were the first."""
    desk, store = raised.desk()
    for version, disposition in enumerate([*reviews, last]):
        desk.act(raised.alert.id, version, review(disposition))
    assert raised.learning_after(store.log) == raised.learning_after([])


@pytest.mark.parametrize("disposition", [CONFIRMED, FALSE_ALARM, EXPECTED_CHANGE])
def test_a_review_changes_what_the_engine_does(raised: Reviewed, disposition: Disposition) -> None:
    """Each disposition that teaches is felt, and is the same after detours by others."""
    direct, detour = raised.desk(), raised.desk()
    direct[0].act(raised.alert.id, 0, review(disposition))
    for version, each in enumerate([FALSE_ALARM, EXPECTED_CHANGE, CONFIRMED, disposition]):
        detour[0].act(raised.alert.id, version, review(each))
    learned = raised.learning_after(direct[1].log)
    assert learned == raised.learning_after(detour[1].log)
    felt = learned != raised.learning_after([])
    assert felt


def test_three_false_alarms_are_the_most(raised: Reviewed) -> None:
    """Reviews of five alerts of one series multiply up to 64, and a confirmed one takes a step back from there."""
    lead = next(signal for signal in raised.signals if signal.id == raised.alert.lead_signal_id)
    factors = []
    told: list[Control] = []
    for number, disposition in enumerate([FALSE_ALARM] * 5 + [CONFIRMED]):
        other = replace(raised, alert=replace(raised.alert, id=f"a{number}"))
        desk, store = other.desk()
        desk.act(other.alert.id, 0, review(disposition))
        told += store.log
        subject = engine()
        feed(subject, told)
        policy = subject.jurisdiction.policy
        assert isinstance(policy, AlertPolicy)
        factors.append(policy.factor(lead.series))
    assert factors == [4.0, 16.0, 64.0, 64.0, 64.0, 16.0]
