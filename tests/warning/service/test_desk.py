"""The desk: what people see of an alert, and what becomes of what they do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.warning.policy.signals import MONDAY, hours, signal, weak
from tests.warning.service.alerts import NOW, PROTECTION_DAYS, alert_of, command, desk_of, filled, id_of, review
from tests.warning.service.fakes import MemoryAlertStore
from warning.domain.alert import AlertStatus, Disposition
from warning.domain.control import ControlKind
from warning.domain.errors import UnknownNameError
from warning.domain.handling import Act, ActRefusedError, handled
from warning.domain.signal import EvidenceState
from warning.service.desk import SYSTEM
from warning.service.explain import reason
from warning.service.ports import AlertQuery, ConflictError


def test_a_detail_has_all_that_tells_why() -> None:
    """Reason, parts that sum to observed, own signals with the leading one first, and the handling history."""
    lead, support = signal(parts=(("City/East", 30, 3.0),)), weak(area="City/East")
    store = MemoryAlertStore()
    store.put(alert_of(lead, support), [support, lead, signal("Water")])
    desk, _ = desk_of(store)
    alert_id = id_of(store, "Noise")
    desk.act(alert_id, 0, command(Act.ACKNOWLEDGE))
    detail = desk.detail(alert_id)
    assert detail.reason == reason(detail.view.alert)
    assert [(part.name, part.observed) for part in detail.parts] == [("City/East", 30), ("(other)", 10)]
    assert [each.id for each in detail.signals] == [lead.id, support.id]
    assert [entry.rule for entry in detail.entries] == ["ACK-1"]
    assert detail.view.status is AlertStatus.ACKNOWLEDGED


def test_an_alert_that_is_not_there_is_named() -> None:
    """Both looking at it and acting on it say which id is unknown, and which there are."""
    store = filled("Noise")
    desk, _ = desk_of(store)
    with pytest.raises(UnknownNameError, match=f"no alert is named 'x1'; there are: {id_of(store, 'Noise')}"):
        desk.detail("x1")
    with pytest.raises(UnknownNameError):
        desk.act("x1", 0, command(Act.ACKNOWLEDGE))


def test_a_merged_alert_is_handled_by_either_id() -> None:
    """The id of an alert that was merged leads to the one that goes on, for looking and for acting."""
    store = filled("Noise")
    (view,) = store.find(AlertQuery()).items
    store.put(replace(view.alert, aliases=("old",)))
    desk, _ = desk_of(store)
    assert desk.act("old", 0, command(Act.ACKNOWLEDGE)).handling.alert_id == view.alert.id
    assert desk.detail("old").view.handling.version == 1


def test_an_act_returns_the_alert_as_it_is_then() -> None:
    """The next act needs the version that came back."""
    store = filled("Noise")
    desk, _ = desk_of(store)
    alert_id = id_of(store, "Noise")
    assigned = desk.act(alert_id, 0, command(Act.ASSIGN, assignee="wang"))
    assert (assigned.handling.version, assigned.handling.assignee) == (1, "wang")
    assert desk.detail(alert_id).view == assigned
    closed = desk.act(alert_id, 1, command(Act.CLOSE, reason="fixed"))
    assert (closed.status, closed.handling.version) == (AlertStatus.CLOSED, 2)


def test_who_comes_second_is_told_the_present_state() -> None:
    """An act on an older version, or one that is not there yet, changes nothing and carries what stands."""
    store = filled("Noise")
    desk, _ = desk_of(store)
    alert_id = id_of(store, "Noise")
    desk.act(alert_id, 0, command(Act.ASSIGN, assignee="wang"))
    for version in (0, 2):
        with pytest.raises(ConflictError) as error:
            desk.act(alert_id, version, review(Disposition.FALSE_ALARM))
        assert (error.value.handling.version, error.value.handling.assignee) == (1, "wang")
    assert store.log == []


def test_a_refused_act_leaves_nothing() -> None:
    """An act that lacks what it needs writes no entry and no control record."""
    store = filled("Noise")
    desk, _ = desk_of(store)
    with pytest.raises(ActRefusedError):
        desk.act(id_of(store, "Noise"), 0, command(Act.REVIEW))
    assert desk.detail(id_of(store, "Noise")).entries == ()
    assert store.log == []


def test_a_closed_episode_stays_closed_when_it_is_reviewed() -> None:
    """Reviewing an alert whose excess is over does not open it; it can be reopened, not acknowledged."""
    store = filled("Noise")
    (view,) = store.find(AlertQuery()).items
    store.put(replace(view.alert, status=AlertStatus.CLOSED, closed_at=NOW))
    desk, _ = desk_of(store)
    with pytest.raises(ActRefusedError, match="not possible while the alert is closed"):
        desk.act(view.alert.id, 0, command(Act.ACKNOWLEDGE))
    reviewed = desk.act(view.alert.id, 0, review(Disposition.CONFIRMED))
    assert reviewed.status is AlertStatus.CLOSED
    assert desk.act(view.alert.id, 1, command(Act.REOPEN)).status is AlertStatus.OPEN


def test_a_review_teaches_and_says_so() -> None:
    """Its control records go to the log with it, and the history says in both languages what they do."""
    store = filled("Noise")
    desk, _ = desk_of(store)
    desk.act(id_of(store, "Noise"), 0, review(Disposition.CONFIRMED))
    (entry,) = desk.detail(id_of(store, "Noise")).entries
    assert [control.kind for control in store.log] == [
        ControlKind.PROTECT,
        ControlKind.SENSITIVITY,
        ControlKind.REVIEWED,
    ]
    assert store.log[0].until == round((MONDAY + hours(24 * (1 + PROTECTION_DAYS))).timestamp() * 1000)
    assert "1 series do not learn" in entry.effect_en
    assert "1 条序列" in entry.effect_zh


@pytest.mark.parametrize("act", [act for act in Act if act is not Act.REVIEW])
def test_other_acts_teach_nothing(act: Act) -> None:
    """Only a disposition is a statement about the models."""
    store = filled("Noise")
    desk, _ = desk_of(store)
    alert_id = id_of(store, "Noise")
    version = 0
    if act is Act.REOPEN:
        version = desk.act(alert_id, 0, command(Act.CLOSE)).handling.version
    more = {"assignee": "wang"} if act is Act.ASSIGN else {"reason": "seen"}
    if act is Act.SNOOZE:
        desk.act(alert_id, version, command(act, until=NOW + hours(2)))
    else:
        desk.act(alert_id, version, command(act, **more))
    assert store.log == []
    assert all(entry.effect_zh == entry.effect_en == "" for entry in desk.detail(alert_id).entries)


def test_the_queue_holds_what_waits_for_a_disposition() -> None:
    """A review takes an alert out of it, one that needs more data does not; withdrawn alerts do not wait."""
    store = filled("Noise", "Water", "Roads")
    desk, _ = desk_of(store)
    oldest = desk.detail(id_of(store, "Noise")).view.alert.raised_at
    assert (desk.queue().size, desk.queue().oldest) == (3, oldest)
    desk.act(id_of(store, "Noise"), 0, review(Disposition.CONFIRMED))
    desk.act(id_of(store, "Water"), 0, review(Disposition.NEEDS_MORE_DATA))
    assert (desk.queue().size, desk.queue().oldest) == (2, oldest + hours(1))
    for view in desk.list(AlertQuery()).items:
        store.put(replace(view.alert, state=EvidenceState.WITHDRAWN))
    assert (desk.queue().size, desk.queue().oldest) == (0, None)


def test_a_snooze_that_ran_out_reopens_the_alert() -> None:
    """Waking is an act of the system, done once, at the moment the snooze names and not before."""
    store = filled("Noise", "Water")
    desk, clock = desk_of(store)
    alert_id = id_of(store, "Noise")
    desk.act(alert_id, 0, command(Act.SNOOZE, until=NOW + hours(2)))
    desk.act(id_of(store, "Water"), 0, command(Act.SNOOZE, until=NOW + hours(8)))
    assert desk.wake() == 0
    clock.turn(hours=2)
    assert (desk.wake(), desk.wake()) == (1, 0)
    detail = desk.detail(alert_id)
    assert detail.view.status is AlertStatus.OPEN
    assert (detail.entries[-1].rule, detail.entries[-1].actor, detail.entries[-1].at) == (
        "REOPEN-2",
        SYSTEM,
        NOW + hours(2),
    )


def test_waking_gives_way_to_a_person() -> None:
    """Where someone acts between the look and the waking, theirs stands and the rest is woken."""
    store = filled("Noise", "Water")
    desk, clock = desk_of(store)
    for name in ("Noise", "Water"):
        desk.act(id_of(store, name), 0, command(Act.SNOOZE, until=NOW + hours(2)))
    clock.turn(hours=3)
    found = store.snoozed_before(clock())
    after, entry = handled(found[0], command(Act.CLOSE, at=clock()))
    store.act(after, entry, ())
    slow = _SlowStore(**vars(store), found=found)
    assert desk_of(slow, clock())[0].wake() == 1
    assert desk.detail(found[0].alert_id).view.status is AlertStatus.CLOSED


class _SlowStore(MemoryAlertStore):
    """Tells of snoozes as they were a moment ago."""

    def __init__(self, found: list, **fields: object) -> None:  # type: ignore[type-arg]
        super().__init__(**fields)  # type: ignore[arg-type]
        self._found = found

    def snoozed_before(self, moment: object) -> list:  # type: ignore[type-arg]
        return self._found


def test_the_feed_is_passed_through() -> None:
    """What changed comes in order, after the number asked for."""
    store = filled("Noise", "Water")
    desk, _ = desk_of(store)
    desk.act(id_of(store, "Noise"), 0, command(Act.ACKNOWLEDGE))
    assert desk.feed_bounds() == (1, 3)
    assert [event.change for event in desk.feed_after(1, 10)] == ["OPEN-1", "ACK-1"]
