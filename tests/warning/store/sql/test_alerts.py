"""Alerts in the database, beyond the contract: merged ones, what people did to them, and the log."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warning import samples
from tests.warning.service.alerts import NOW
from tests.warning.service.contracts import PROTECT, act_on
from tests.warning.store.sql.steps import said
from warning.domain.alert import Alert, AlertStatus, Disposition
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.domain.handling import Act, Command, Handling, handled
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import EvidenceState
from warning.service.ports import AlertQuery, ConflictError
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.tickets import SqlTickets


@pytest.fixture(name="store")
def _store(database: Database) -> SqlAlerts:
    return SqlAlerts(database)


def pair(database: Database) -> tuple[Alert, Alert]:
    """Store two alerts; the first will go on."""
    one, other = samples.alert("one"), samples.alert("other")
    said(database, alerts=[one, other])
    return one, other


def merge(database: Database, one: Alert, other: Alert) -> Alert:
    merged = replace(one, aliases=(other.id,))
    said(database, alerts=[merged])
    return merged


def test_a_merged_alert_leaves_its_handling_to_an_untouched_one(database: Database, store: SqlAlerts) -> None:
    """Who was working on the alert that went away works on the one that goes on, and its history shows how."""
    one, other = pair(database)
    act_on(store, other.id, Act.ASSIGN, assignee="wang")
    act_on(store, other.id, Act.SNOOZE, until=NOW + timedelta(hours=1))
    merge(database, one, other)
    view = store.get(other.id)
    assert view is not None
    assert (view.handling.alert_id, view.handling.assignee, view.status) == ("one", "wang", AlertStatus.SNOOZED)
    assert [(entry.alert_id, entry.rule) for entry in store.entries("one")] == [
        ("other", "ASSIGN-1"),
        ("other", "SNOOZE-2"),
    ]
    assert [handling.alert_id for handling in store.snoozed_before(NOW + timedelta(hours=2))] == ["one"]
    assert [v.alert.id for v in store.find(AlertQuery(assignee="wang")).items] == ["one"]
    assert act_on(store, other.id, Act.ACKNOWLEDGE).version == 3


def test_a_touched_alert_keeps_its_own_handling(database: Database, store: SqlAlerts) -> None:
    """Both were handled: the one that goes on stays as it was, and shows what was done to the other."""
    one, other = pair(database)
    act_on(store, one.id, Act.ACKNOWLEDGE)
    act_on(store, other.id, Act.ASSIGN, assignee="wang", at=NOW + timedelta(minutes=1))
    merge(database, one, other)
    view = store.get(other.id)
    assert view is not None
    assert (view.handling.assignee, view.handling.version) == ("", 1)
    assert [entry.rule for entry in store.entries(other.id)] == ["ACK-1", "ASSIGN-1"]


def test_an_act_on_an_alert_merged_meanwhile_is_refused(database: Database, store: SqlAlerts) -> None:
    """Someone acts on what their page shows while it is merged: they are told of the alert that goes on."""
    one, other = pair(database)
    after, entry = handled(Handling(alert_id=other.id), Command(act=Act.CLOSE, actor="li", at=NOW))
    merge(database, one, other)
    with pytest.raises(ConflictError) as error:
        store.act(after, entry, [])
    assert error.value.handling.alert_id == one.id


def test_an_act_on_no_alert_is_refused(store: SqlAlerts) -> None:
    """An alert that is not there, or no more, cannot be handled."""
    after, entry = handled(Handling(alert_id="gone"), Command(act=Act.CLOSE, actor="li", at=NOW))
    with pytest.raises(UnknownNameError):
        store.act(after, entry, [])


def test_controls_of_an_act_are_in_the_log(database: Database, store: SqlAlerts) -> None:
    """The control records of an act follow in the log, in their order."""
    one, _ = pair(database)
    newest = SqlLog(database).newest()
    controls = [PROTECT, replace(PROTECT, reason="second")]
    act_on(store, one.id, Act.REVIEW, controls, disposition=Disposition.CONFIRMED)
    assert [record for _, record in SqlLog(database).read(newest)] == controls


def test_what_the_engine_says_later_leaves_the_handling_alone(database: Database, store: SqlAlerts) -> None:
    """An alert that someone acknowledged stays so when its evidence changes or its episode ends."""
    one, other = pair(database)
    act_on(store, one.id, Act.ACKNOWLEDGE)
    closed = {"status": AlertStatus.CLOSED, "closed_at": NOW, "severity": 12}
    said(database, alerts=[replace(alert, **closed) for alert in (one, other)])  # type: ignore[arg-type]
    by_status = {
        status: [view.alert.id for view in store.find(AlertQuery(status=frozenset({status}))).items]
        for status in AlertStatus
    }
    assert by_status[AlertStatus.ACKNOWLEDGED] == ["one"]
    assert by_status[AlertStatus.CLOSED] == ["other"]
    assert store.find(AlertQuery(severity_min=13)).items == ()


def test_a_withdrawn_alert_needs_no_review(database: Database, store: SqlAlerts) -> None:
    """What the engine took back leaves the review queue."""
    one, other = pair(database)
    said(database, alerts=[replace(one, state=EvidenceState.WITHDRAWN)])
    assert [view.alert.id for view in store.find(AlertQuery(needs_review=True)).items] == [other.id]
    assert store.review_queue().size == 1


def test_names_that_an_alert_lost_find_it_no_more(database: Database, store: SqlAlerts) -> None:
    """Filters go by what an alert is about now."""
    one, _ = pair(database)
    said(database, alerts=[replace(one, departments=("Parks",))])
    assert [view.alert.id for view in store.find(AlertQuery(department="Parks")).items] == ["one"]
    assert [view.alert.id for view in store.find(AlertQuery(department="DOT")).items] == ["other"]


def test_only_news_is_told(database: Database, store: SqlAlerts) -> None:
    """A version of an alert without a new line of history is stored quietly; one with several tells the newest."""
    one, _ = pair(database)
    newest = store.feed_bounds()[1]
    said(database, alerts=[replace(one, observed=121)])
    assert store.feed_bounds()[1] == newest
    line = one.history[-1]
    more = (*one.history, replace(line, rule="MERGE-1"), replace(line, rule="CONFIRM-1"))
    said(database, alerts=[replace(one, history=more)])
    assert [(event.subject, event.change, event.at) for event in store.feed_after(newest, 9)] == [
        ("one", "CONFIRM-1", NOW)
    ]


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "WzFd", "bnVsbA", "WyItcmFpc2VkX2F0IiwxXQ", "WyItcmFpc2VkX2F0IiwieCIsInkiXQ", "\ud800"],
    ids=["empty", "short", "one number", "null", "too few", "text for a number", "surrogate"],
)
def test_a_forged_cursor_is_refused(store: SqlAlerts, cursor: str) -> None:
    """Whatever is sent as a cursor, the answer is an error that says so."""
    with pytest.raises(InvalidInputError):
        store.find(AlertQuery(cursor=cursor))


def test_an_unknown_sort_is_refused(store: SqlAlerts) -> None:
    """A sort that is not offered is an error that names those that are."""
    with pytest.raises(InvalidInputError, match="-severity"):
        store.find(AlertQuery(sort="headline"))


def test_an_overlong_name_is_found(database: Database, store: SqlAlerts) -> None:
    """Names as long as intake lets them be, in a script of many bytes and no two alike, are stored and found."""
    rng = random.Random(1)
    area = "/".join("".join(chr(rng.randint(0x20000, 0x2A6D0)) for _ in range(200)) for _ in range(4))
    series = SeriesKey(SeriesKind.AREA_CATEGORY, area, "x" * 200)
    course = [replace(point, series=series) for point in samples.course(3)]
    lead = samples.signal("lead", series=series, length=course[0].length)
    alert = samples.alert("long", areas=(area,), signal_ids=("lead",), lead_signal_id="lead")
    said(database, alerts=[alert, samples.alert("other")], signals=[lead], points=course)
    above = area.rsplit("/", 1)[0]
    for wanted in (area, above, f"{area}/below"):
        assert [view.alert for view in store.find(AlertQuery(area=wanted)).items] == [alert]
    assert store.find(AlertQuery(area=above[:-1])).items == ()
    assert store.course("long") == course


def test_a_zero_byte_finds_nothing(database: Database, store: SqlAlerts) -> None:
    """Whatever is sent as a name, the answer is that there is nothing by it."""
    said(database, alerts=[samples.alert()])
    assert store.find(AlertQuery(assignee="\0", area="City\0")).items == ()
    assert (store.get("\0"), SqlTickets(database).status("desk", "T\0")) == (None, None)
