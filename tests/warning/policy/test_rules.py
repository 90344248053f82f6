"""The named rules of an alert's life, each with the evidence that makes it apply and the evidence that does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.warning.policy.signals import (
    DAY,
    FINAL,
    HOUR,
    LONG_AGO,
    MONDAY,
    PROVISIONAL,
    WITHDRAWN,
    Desk,
    hours,
    rules,
    signal,
    total,
    weak,
)
from warning.domain.alert import AlertStatus
from warning.policy.config import PolicyConfig

SOON = timedelta(minutes=15)
NOTHING = Desk().policy.state()


def test_open_1_a_signal_that_qualifies_raises_an_alert() -> None:
    """Final evidence that qualifies opens one alert with the signal's own figures, raised now."""
    desk = Desk()
    evidence = signal()
    alert = desk.one(evidence)
    assert rules(alert) == ["OPEN-1"]
    assert (alert.status, alert.state, alert.closed_at) == (AlertStatus.OPEN, FINAL, None)
    assert alert.raised_at == alert.updated_at == desk.now
    for name in ("observed", "expected", "upper_bound", "p_value", "window_start", "window_end", "kind", "parts"):
        assert getattr(alert, name) == getattr(evidence, name)
    assert alert.recurrence_interval_days == evidence.recurrence_interval_days
    assert (alert.areas, alert.categories, alert.detectors) == (("City",), ("Noise",), ("surge",))
    assert (alert.lead_signal_id, alert.signal_ids, alert.aliases) == (evidence.id, (evidence.id,), ())
    line = alert.history[0]
    assert (line.at, line.severity, line.observed, line.expected) == (desk.now, alert.severity, 40, 5.0)


def test_open_1_needs_evidence_that_qualifies() -> None:
    """Weak evidence, withdrawn evidence and none raise nothing, and leave nothing behind."""
    desk = Desk()
    assert desk.tick(weak()) == desk.tick(signal(state=WITHDRAWN)) == desk.tick() == []
    assert desk.policy.state() == NOTHING


def test_the_same_evidence_again_changes_nothing() -> None:
    """A signal that comes again unchanged brings no new version of its alert."""
    desk = Desk()
    desk.tick(signal())
    assert desk.tick(signal(), later=SOON) == []


@pytest.mark.parametrize(
    ("change", "noted"),
    [({"observed": 41}, False), ({"observed": 400, "expected": 50.0}, True), ({"observed": 120}, True)],
)
def test_update_1_notes_changes_worth_noting(change: dict[str, Any], noted: bool) -> None:
    """Every change brings a version with new figures; only a severity five points away enters the history."""
    desk = Desk()
    first = desk.one(signal())
    alert = desk.one(signal(**change), later=SOON)
    assert alert.observed == change["observed"]
    assert (abs(alert.severity - first.severity) >= 5) is noted
    assert rules(alert) == (["OPEN-1", "UPDATE-1"] if noted else ["OPEN-1"])
    assert alert.updated_at == desk.now > alert.raised_at


def test_update_1_notes_a_severity_that_drifts() -> None:
    """Many small changes that add up to five points since the last entry are noted, however slowly they come."""
    desk = Desk()
    severities = [desk.one(signal(observed=observed), later=SOON).severity for observed in range(40, 400, 4)]
    assert max(b - a for a, b in pairwise(severities)) < 5
    (alert,) = desk.alerts.values()
    noted = [line.severity for line in alert.history]
    assert noted[-1] - noted[0] >= 10
    assert all(b - a >= 5 for a, b in pairwise(noted))
    assert severities[-1] - noted[-1] < 5


@pytest.mark.parametrize(
    "more", [weak(area="City/East"), weak("", kind=total().series.kind, observed=30)], ids=["area", "total"]
)
def test_update_1_notes_new_areas_but_not_what_adds_nothing(more: Any) -> None:
    """Weak evidence of the same cause joins; a new area is noted, a total of the same area only counts as evidence."""
    desk = Desk()
    first = desk.one(signal())
    alert = desk.one(more, later=SOON)
    assert alert.signal_ids == tuple(sorted([signal().id, more.id]))
    assert rules(alert) == (["OPEN-1", "UPDATE-1"] if alert.areas != first.areas else ["OPEN-1"])
    assert alert.lead_signal_id == first.lead_signal_id


def test_confirm_1_the_first_closed_bucket_bears_it_out() -> None:
    """A provisional alert becomes final when a bucket it rests on closes with evidence that qualifies; once only."""
    desk = Desk()
    assert desk.one(signal(state=PROVISIONAL, updated_at=MONDAY + hours(9))).state is PROVISIONAL
    weaker = desk.one(weak(length=HOUR, start=MONDAY + hours(8)), later=SOON)
    assert (weaker.state, rules(weaker)) == (PROVISIONAL, ["OPEN-1"])
    alert = desk.one(signal(length=HOUR, start=MONDAY + hours(9), observed=30), later=SOON)
    assert (alert.state, rules(alert)) == (FINAL, ["OPEN-1", "CONFIRM-1"])
    alert = desk.one(signal(recurrence=1e6), later=SOON)
    assert (alert.state, alert.lead_signal_id) == (FINAL, signal().id)
    assert rules(alert).count("CONFIRM-1") == 1


def test_an_alert_raised_on_closed_buckets_needs_no_confirmation() -> None:
    """What is final from the start has OPEN-1 only."""
    assert rules(Desk().one(signal(state=FINAL))) == ["OPEN-1"]


def test_a_confirmed_alert_stays_final() -> None:
    """Later provisional evidence, even when it leads, does not take a confirmation back, nor does its withdrawal."""
    desk = Desk()
    desk.tick(signal())
    stronger = signal(length=HOUR, start=MONDAY + hours(20), state=PROVISIONAL, recurrence=1e6, observed=90)
    alert = desk.one(stronger, later=SOON)
    assert (alert.lead_signal_id, alert.state) == (stronger.id, FINAL)
    alert = desk.one(replace(stronger, state=WITHDRAWN), later=SOON)
    assert (alert.lead_signal_id, alert.state, alert.status) == (signal().id, FINAL, AlertStatus.OPEN)
    assert set(rules(alert)) == {"OPEN-1", "UPDATE-1"}


def test_merge_1_the_older_alert_goes_on_with_the_others_id_as_alias() -> None:
    """Evidence that belongs to two alerts makes them one: the first id and time stay, the other id becomes an alias."""
    desk = Desk()
    first = desk.one(signal(area="City/East"))
    second = desk.one(signal(area="City/West"), later=SOON)
    assert second.id != first.id
    alert = desk.one(weak(area="City"), later=SOON)
    assert (alert.id, alert.raised_at, alert.aliases) == (first.id, first.raised_at, (second.id,))
    assert rules(alert) == ["OPEN-1", "MERGE-1"]
    assert alert.areas == ("City", "City/East", "City/West")
    assert desk.tick(signal(area="City/West", observed=41), later=SOON)[0].id == first.id


def test_merge_1_is_told_whatever_else_happens_in_the_tick() -> None:
    """A merge is in the history also where the same tick updated the alert before, or confirmed it."""
    desk = Desk()
    first = desk.one(signal(area="City/East", state=PROVISIONAL))
    second = desk.one(signal(area="City/West", state=PROVISIONAL), later=SOON)
    alert = desk.one(
        signal(area="City/East"), signal(area="City/West"), weak(area="City"), total(observed=70), later=SOON
    )
    assert (alert.id, alert.aliases) == (first.id, (second.id,))
    assert rules(alert) == ["OPEN-1", "MERGE-1", "CONFIRM-1"]


def test_merge_1_keeps_the_aliases_of_what_it_absorbs() -> None:
    """Ids that were absorbed by an alert that is absorbed itself lead to the one that goes on."""
    desk = Desk()
    ids = [desk.one(signal(area=f"City/{name}/x"), later=SOON).id for name in ("East", "West", "North")]
    desk.one(weak(area="City/East/x", length=HOUR), later=SOON)
    third = desk.one(signal(area="City/South/x"), signal(area="City/South/y"), weak(area="City/South"), later=SOON)
    alert = desk.one(weak(area="City"), later=SOON)
    assert alert.id == ids[0]
    assert alert.aliases == tuple(sorted([*ids[1:], third.id]))


def test_alerts_nobody_was_shown_leave_no_alias() -> None:
    """What opens and merges inside one tick is one alert, opened, without aliases."""
    desk = Desk()
    alert = desk.one(signal(area="City/East", length=HOUR), signal(area="City/West", length=HOUR), weak())
    assert (rules(alert), alert.aliases) == (["OPEN-1"], ())


@pytest.mark.parametrize("name", [f"Noise {i}" for i in range(6)])
def test_an_alert_that_was_shown_is_never_absorbed_by_a_new_one(name: str) -> None:
    """Where time stands still between two ticks, the alert that was shown first goes on, whatever the ids are."""
    desk = Desk()
    first = desk.one(signal(name, "City/East"))
    alert = desk.one(signal(name, "City/West", length=HOUR), weak(name), later=timedelta())
    assert (alert.id, alert.aliases) == (first.id, ())


def test_withdraw_1_when_its_only_bucket_closes_without_bearing_it_out() -> None:
    """An alert on provisional evidence is withdrawn and closed when that is withdrawn; its figures stay as shown."""
    desk = Desk()
    early = signal(state=PROVISIONAL, updated_at=MONDAY + hours(9))
    first = desk.one(early)
    alert = desk.one(replace(early, state=WITHDRAWN, observed=8, recurrence_interval_days=0.1), later=hours(16))
    assert rules(alert) == ["OPEN-1", "WITHDRAW-1"]
    assert (alert.state, alert.status, alert.closed_at) == (WITHDRAWN, AlertStatus.CLOSED, desk.now)
    assert (alert.observed, alert.id, alert.raised_at) == (40, first.id, first.raised_at)
    assert alert.history[-1].status is AlertStatus.CLOSED
    assert desk.policy.state() == NOTHING


def test_withdraw_1_when_the_bucket_closes_on_evidence_that_does_not_qualify() -> None:
    """A bucket that closes still unusual, but no reason to look, does not bear an alert out either."""
    desk = Desk()
    desk.tick(signal(state=PROVISIONAL, updated_at=MONDAY + hours(9)))
    alert = desk.one(weak(), later=hours(16))
    assert (alert.state, rules(alert)) == (WITHDRAWN, ["OPEN-1", "WITHDRAW-1"])


def test_an_alert_is_not_withdrawn_while_a_bucket_may_still_bear_it_out() -> None:
    """Evidence that fades and comes back in an open bucket leaves one alert, shown as it was: none flaps."""
    desk = Desk()
    early = signal(state=PROVISIONAL, updated_at=MONDAY + hours(9))
    first = desk.one(early)
    assert desk.tick(replace(early, recurrence_interval_days=50.0), later=SOON) == []
    other = weak(length=HOUR, start=MONDAY + hours(8))
    waiting = desk.one(other, later=SOON)
    assert (waiting.state, waiting.status, waiting.observed) == (PROVISIONAL, AlertStatus.OPEN, 40)
    assert waiting.signal_ids == tuple(sorted([early.id, other.id]))
    again = desk.one(replace(early, observed=44), later=SOON)
    assert (again.id, rules(again)) == (first.id, ["OPEN-1"])
    assert desk.one(signal(observed=44), later=hours(16)).state is FINAL


def test_faded_alerts_that_merge_say_so() -> None:
    """Two alerts whose evidence has faded, but is not settled, become one without losing the other's id."""
    desk = Desk()
    east, west = (signal(area=f"City/{name}", state=PROVISIONAL) for name in ("East", "West"))
    first, second = desk.one(east), desk.one(west, later=SOON)
    for each in (east, west):
        assert desk.tick(replace(each, recurrence_interval_days=50.0), later=SOON) == []
    alert = desk.one(weak(), later=SOON)
    assert (alert.id, alert.aliases, rules(alert)) == (first.id, (second.id,), ["OPEN-1", "MERGE-1"])
    ended = desk.one(replace(east, state=WITHDRAWN), replace(west, state=WITHDRAWN), later=SOON)
    assert (ended.aliases, rules(ended)) == ((second.id,), ["OPEN-1", "MERGE-1", "WITHDRAW-1"])
    assert ended.signal_ids == tuple(sorted([east.id, west.id, weak().id]))


def test_after_a_withdrawal_new_evidence_is_a_new_alert() -> None:
    """What was withdrawn is over: later evidence raises another alert with its own id and time."""
    desk = Desk()
    first = desk.one(signal(state=PROVISIONAL))
    desk.one(signal(state=WITHDRAWN), later=SOON)
    alert = desk.one(signal(length=HOUR, start=MONDAY + hours(20)), later=SOON)
    assert alert.id != first.id
    assert (alert.raised_at, rules(alert)) == (desk.now, ["OPEN-1"])


def test_close_1_when_the_watermark_has_passed_the_last_evidence_by_the_gap() -> None:
    """An alert closes when its evidence ended the merge gap ago, to the minute, and keeps its last figures."""
    desk = Desk(PolicyConfig(merge_hours=12))
    shown = desk.one(signal())
    end = MONDAY + hours(36)
    assert desk.tick(watermark=end - timedelta(minutes=1), later=SOON) == []
    alert = desk.one(watermark=end, later=SOON)
    assert rules(alert) == ["OPEN-1", "CLOSE-1"]
    assert (alert.status, alert.closed_at, alert.updated_at) == (AlertStatus.CLOSED, desk.now, desk.now)
    assert (alert.state, alert.observed, alert.severity) == (FINAL, shown.observed, shown.severity)
    assert desk.tick(watermark=end + hours(999)) == []
    assert desk.policy.state() == NOTHING


def test_close_1_counts_from_the_latest_evidence() -> None:
    """Each later signal keeps its alert open; the last one to end decides."""
    desk = Desk()
    desk.tick(signal(length=HOUR), signal(length=HOUR, start=MONDAY + hours(10)))
    assert desk.tick(watermark=MONDAY + hours(11 + 23)) == []
    assert rules(desk.one(watermark=MONDAY + hours(11 + 24)))[-1] == "CLOSE-1"


def test_close_1_does_not_wait_for_evidence_that_was_withdrawn() -> None:
    """A withdrawn signal holds nothing open: the gap counts from what is left."""
    desk = Desk()
    desk.tick(signal(length=HOUR), signal(state=PROVISIONAL))
    desk.tick(signal(state=WITHDRAWN), later=SOON)
    assert rules(desk.one(watermark=MONDAY + hours(25)))[-1] == "CLOSE-1"


def test_nothing_closes_while_any_evidence_is_provisional() -> None:
    """However late it is, an alert with an open bucket behind it waits; the bucket's end lets it close."""
    desk = Desk()
    desk.tick(signal(), weak(length=HOUR, start=MONDAY + hours(3), state=PROVISIONAL))
    assert desk.tick(watermark=MONDAY + timedelta(days=30)) == []
    closed = desk.one(weak(length=HOUR, start=MONDAY + hours(3)), watermark=MONDAY + hours(48))
    assert closed.status is AlertStatus.CLOSED


def test_an_alert_may_open_and_close_in_one_tick() -> None:
    """After a gap in the log one tick raises and closes what lies far back; the closed version comes last."""
    desk = Desk()
    opened, closed = desk.tick(signal(), watermark=MONDAY + timedelta(days=30))
    assert (opened.id, opened.status, rules(opened)) == (closed.id, AlertStatus.OPEN, ["OPEN-1"])
    assert (closed.status, rules(closed)) == (AlertStatus.CLOSED, ["OPEN-1", "CLOSE-1"])


def test_after_closing_the_same_cause_is_a_new_alert() -> None:
    """An alert that is closed is not reopened."""
    desk = Desk()
    first = desk.one(signal())
    desk.one(watermark=MONDAY + hours(48), later=hours(48))
    alert = desk.one(signal(start=MONDAY + timedelta(days=2)), later=hours(24))
    assert alert.id != first.id
    assert rules(alert) == ["OPEN-1"]


def test_an_alert_keeps_its_first_id_and_time_for_life() -> None:
    """From provisional to closed, through stronger leads, merges and confirmation, id and raised_at never change."""
    desk = Desk()
    early = signal(area="City/East", state=PROVISIONAL, updated_at=MONDAY + hours(9))
    versions = [desk.one(early)]
    desk.tick(signal(area="City/West"), later=SOON)
    versions.append(desk.one(signal(length=HOUR, start=MONDAY + hours(9), recurrence=1e6), later=SOON))
    settled = replace(early, state=FINAL, updated_at=MONDAY + hours(25))
    versions.append(desk.one(settled, signal(area="City/South"), later=hours(16)))
    versions.append(desk.one(watermark=MONDAY + hours(48), later=hours(24)))
    assert {alert.id for alert in versions} == {versions[0].id}
    assert {alert.raised_at for alert in versions} == {versions[0].raised_at}
    assert [alert.updated_at for alert in versions] == sorted({alert.updated_at for alert in versions})
    assert rules(versions[-1]) == ["OPEN-1", "MERGE-1", "CONFIRM-1", "UPDATE-1", "CLOSE-1"]
    assert [len(alert.history) for alert in versions] == [1, 3, 4, 5]


def test_ids_tell_alerts_of_one_cause_at_other_times_apart() -> None:
    """The id depends on what was seen first and when: another time or place gives another id, a rerun the same."""

    def identity(later: timedelta = timedelta(), **changes: Any) -> str:
        return Desk().one(signal(**changes), later=later).id

    assert identity() == identity()
    assert (
        len({identity(), identity(later=SOON), identity(jurisdiction="Elsewhere"), identity(length=DAY, id="x")}) == 4
    )


def test_the_lead_is_the_most_unusual_then_the_shortest_then_the_largest() -> None:
    """Beyond two thousand years all are beyond doubt: the shorter window leads, then the larger excess."""
    desk = Desk()
    day, hour = signal(recurrence=1e9), signal(length=HOUR, recurrence=2e6, observed=20)
    assert desk.one(day, hour).lead_signal_id == hour.id
    other = signal(length=HOUR, start=MONDAY + hours(1), recurrence=2e6, observed=21)
    assert desk.one(other).lead_signal_id == other.id
    assert Desk().one(signal(recurrence=2e5), signal(length=HOUR, recurrence=1.9e5)).lead_signal_id == day.id


def test_a_withdrawn_signal_nobody_knows_is_nothing() -> None:
    """A withdrawal of evidence that never joined an alert changes none."""
    desk = Desk()
    desk.tick(signal())
    assert desk.tick(weak("Noise", "City/East", state=WITHDRAWN), watermark=LONG_AGO) == []
