"""What every implementation of a port promises: subclass with a fixture that makes an empty store.

``AlertStoreContract`` needs a fixture ``made`` that gives the store and a function that writes an alert with its
signals and course as the engine would, ``PlanStoreContract`` a fixture ``plan_store`` whose clock stands at ``NOW``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any, TypeAlias

import pytest

from tests.warning.policy.signals import MONDAY, hours, signal
from tests.warning.policy.signals import Desk as PolicyDesk
from tests.warning.service.alerts import NOW
from warning.domain.alert import Alert, AlertStatus, Disposition
from warning.domain.control import Control, ControlKind
from warning.domain.errors import InvalidInputError
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Act, Command, Handling, handled
from warning.domain.signal import Signal
from warning.service.ports import SORTS, AlertQuery, AlertStore, AlertView, ConflictError, Plan, PlanStore

Put: TypeAlias = Callable[[Alert, Sequence[Signal], Sequence[EvidencePoint]], None]
Made: TypeAlias = tuple[AlertStore, Put]
NAMES = ("Noise", "Water", "Roads", "Trees", "Lamps")
PROTECT = Control(kind=ControlKind.PROTECT, jurisdiction="City", effective_from=0)


def written(put: Put) -> list[Alert]:
    """Write five alerts, raised an hour apart, of several severities."""
    policy = PolicyDesk()
    alerts = []
    for number, name in enumerate(NAMES):
        evidence = signal(name, "City/East" if number % 2 else "City", observed=(400, 40, 90, 40, 200)[number])
        alerts.append(policy.one(evidence, later=timedelta(hours=1)))
        put(alerts[-1], [evidence], [])
    return alerts


def act_on(store: AlertStore, alert_id: str, act: Act, controls: Sequence[Control] = (), **more: Any) -> Handling:
    view = store.get(alert_id)
    assert view is not None
    given: dict[str, Any] = {"act": act, "actor": "li", "at": NOW} | more
    after, entry = handled(replace(view.handling, status=view.status), Command(**given))
    store.act(after, entry, controls)
    return after


class AlertStoreContract:
    """Promises of :class:`warning.service.ports.AlertStore`."""

    @pytest.mark.parametrize("sort", SORTS)
    def test_pages_hold_every_alert_once_in_order(self, made: Made, sort: str) -> None:
        """Whatever the size of a page, following the cursors gives every alert once, in the order asked for."""
        store, put = made
        alerts = written(put)
        name = sort.removeprefix("-")
        for limit in (1, 2, 5, 50):
            seen: list[AlertView] = []
            cursor = None
            while True:
                page = store.find(AlertQuery(sort=sort, limit=limit, cursor=cursor))
                seen += page.items
                cursor = page.next_cursor
                if cursor is None:
                    break
            assert sorted(view.alert.id for view in seen) == sorted(alert.id for alert in alerts)
            keys = [getattr(view.alert, name) for view in seen]
            assert all(a >= b if sort.startswith("-") else a <= b for a, b in pairwise(keys))

    def test_a_cursor_belongs_to_its_order(self, made: Made) -> None:
        """A cursor of another order, or none at all, is refused and not misread."""
        store, put = made
        written(put)
        cursor = store.find(AlertQuery(limit=2)).next_cursor
        for query in (AlertQuery(sort="-severity", cursor=cursor), AlertQuery(cursor="@@")):
            with pytest.raises(InvalidInputError):
                store.find(query)

    def test_filters_all_hold(self, made: Made) -> None:
        """Category, area with what is around it, severity, time, status, assignee and review narrow the list."""
        store, put = made
        alerts = written(put)
        by_name = {alert.categories[0]: alert for alert in alerts}
        act_on(store, by_name["Water"].id, Act.ASSIGN, assignee="wang")
        act_on(store, by_name["Trees"].id, Act.REVIEW, disposition=Disposition.CONFIRMED)

        def names(**query: Any) -> set[str]:
            return {view.alert.categories[0] for view in store.find(AlertQuery(**query)).items}

        assert names() == set(NAMES)
        assert names(category="Roads") == {"Roads"}
        assert names(area="City/East") == set(NAMES)
        assert names(area="City/West") == {"Noise", "Roads", "Lamps"}
        assert names(area="City/East", category="Roads") == {"Roads"}
        assert names(severity_min=by_name["Noise"].severity) == {"Noise"}
        assert names(raised_from=by_name["Trees"].raised_at) == {"Trees", "Lamps"}
        assert names(raised_until=by_name["Trees"].raised_at) == {"Noise", "Water", "Roads"}
        assert names(status=frozenset({AlertStatus.ACKNOWLEDGED})) == names(assignee="wang") == {"Water"}
        assert names(disposition=frozenset({Disposition.CONFIRMED})) == names(needs_review=False) == {"Trees"}
        assert names(needs_review=True, area="City/East", category="Trees") == set()

    def test_a_merged_alert_is_found_by_either_id(self, made: Made) -> None:
        """The alert that goes on answers to the id of the one merged into it, which is listed no more."""
        store, put = made
        alerts = written(put)
        merged = replace(alerts[0], aliases=(alerts[1].id,))
        put(merged, [], [])
        assert [view.alert.id for i in (merged.id, alerts[1].id) if (view := store.get(i))] == [merged.id] * 2
        assert alerts[1].id not in {view.alert.id for view in store.find(AlertQuery()).items}
        assert store.get("nothing") is None

    def test_a_merged_alert_is_told_once(self, made: Made) -> None:
        """The feed says that an alert went into another, under its own id, so that who shows it can drop it."""
        store, put = made
        alerts = written(put)
        newest = store.feed_bounds()[1]
        merged = replace(alerts[0], aliases=(alerts[1].id,))
        put(merged, [], [])
        put(merged, [], [])
        told = [(event.kind, event.subject, event.change) for event in store.feed_after(newest, 100)]
        assert told == [("alert", alerts[1].id, "MERGE-1")]

    def test_an_act_is_stored_once(self, made: Made) -> None:
        """Of two acts on the same version one is stored; the other is told the present state, and leaves no trace."""
        store, put = made
        alert = written(put)[0]
        first = act_on(store, alert.id, Act.ACKNOWLEDGE)
        other, entry = handled(Handling(alert_id=alert.id), Command(act=Act.CLOSE, actor="zhao", at=NOW))
        newest = store.feed_bounds()[1]
        with pytest.raises(ConflictError) as error:
            store.act(other, entry, [PROTECT])
        assert error.value.handling == first
        assert [line.rule for line in store.entries(alert.id)] == ["ACK-1"]
        assert store.feed_bounds()[1] == newest

    def test_the_history_is_in_order(self, made: Made) -> None:
        """Entries come oldest first and are what was stored."""
        store, put = made
        alert = written(put)[0]
        act_on(store, alert.id, Act.ACKNOWLEDGE)
        act_on(store, alert.id, Act.NOTE, reason="问过区里", at=NOW + hours(1))
        act_on(store, alert.id, Act.REVIEW, disposition=Disposition.FALSE_ALARM, at=NOW + hours(2))
        entries = store.entries(alert.id)
        assert [(line.rule, line.version) for line in entries] == [("ACK-1", 1), ("NOTE-2", 2), ("REVIEW-2", 3)]
        assert (entries[1].reason, entries[2].disposition) == ("问过区里", Disposition.FALSE_ALARM)

    def test_snoozes_that_ran_out_are_found(self, made: Made) -> None:
        """From its moment on a snooze has run out, and no longer once the alert is open again."""
        store, put = made
        alert, other, *_ = written(put)
        act_on(store, alert.id, Act.SNOOZE, until=NOW + hours(1))
        act_on(store, other.id, Act.SNOOZE, until=NOW + hours(9))
        assert store.snoozed_before(NOW + hours(0.9)) == []
        assert [handling.alert_id for handling in store.snoozed_before(NOW + hours(1))] == [alert.id]
        act_on(store, alert.id, Act.REOPEN)
        assert store.snoozed_before(NOW + hours(1)) == []

    def test_the_review_queue_is_what_needs_review(self, made: Made) -> None:
        """It counts alerts without a disposition or in want of data, and knows the oldest; an empty one has none."""
        store, put = made
        assert (store.review_queue().size, store.review_queue().oldest) == (0, None)
        alerts = written(put)
        assert (store.review_queue().size, store.review_queue().oldest) == (5, alerts[0].raised_at)
        act_on(store, alerts[0].id, Act.REVIEW, disposition=Disposition.CONFIRMED)
        act_on(store, alerts[1].id, Act.REVIEW, disposition=Disposition.NEEDS_MORE_DATA)
        assert (store.review_queue().size, store.review_queue().oldest) == (4, alerts[1].raised_at)

    def test_the_feed_tells_everything_in_order(self, made: Made) -> None:
        """Each rule of an alert's life and each act has one event; sequence numbers grow; a limit cuts the newest."""
        store, put = made
        assert store.feed_bounds() == (0, 0)
        alerts = written(put)
        act_on(store, alerts[0].id, Act.ACKNOWLEDGE)
        events = store.feed_after(0, 100)
        assert [(e.kind, e.subject, e.change) for e in events] == [
            *(("alert", alert.id, "OPEN-1") for alert in alerts),
            ("handling", alerts[0].id, "ACK-1"),
        ]
        assert all(a.sequence < b.sequence for a, b in pairwise(events))
        assert store.feed_bounds() == (events[0].sequence, events[-1].sequence)
        assert store.feed_after(events[1].sequence, 2) == events[2:4]

    def test_signals_and_course_are_the_alerts_own(self, made: Made) -> None:
        """The alert's signals and the points of its leading series, by time; of an unknown alert none."""
        store, put = made
        evidence = signal("Noise")
        alert = PolicyDesk().one(evidence)
        points = [
            EvidencePoint(
                series=evidence.series if day else signal("Water").series,
                length=evidence.length,
                start=MONDAY - timedelta(days=day),
                end=MONDAY - timedelta(days=day - 1),
                observed=day,
                expected=2.0,
                upper_bound=6.0,
            )
            for day in range(4)
        ]
        put(alert, [evidence, signal("Water")], points)
        assert store.signals(alert.id) == [evidence]
        assert [point.observed for point in store.course(alert.id)] == [3, 2, 1]
        assert not any([store.signals("nothing"), store.course("nothing"), store.entries("nothing")])


class PlanStoreContract:
    """Promises of :class:`warning.service.ports.PlanStore`."""

    def test_plans_come_by_start(self, plan_store: PlanStore) -> None:
        """What has ended is left out unless asked for; a plan saved again replaces itself."""
        for name, start in (("c", 5.0), ("a", -9.0), ("b", 2.0)):
            plan = Plan(id=name, title=name, start=NOW + hours(start), end=NOW + hours(start + 3))
            plan_store.save(plan, replace(PROTECT, kind=ControlKind.PLANNED, plan=name))
        assert [plan.id for plan in plan_store.plans()] == ["b", "c"]
        assert [plan.id for plan in plan_store.plans(include_past=True)] == ["a", "b", "c"]
        again = replace(plan_store.plans()[0], cancelled_at=NOW)
        plan_store.save(again, replace(PROTECT, kind=ControlKind.PLANNED, plan="b"))
        assert plan_store.plans()[0] == again
        assert len(plan_store.plans(include_past=True)) == 3
