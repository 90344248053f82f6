"""The table of acts: every act in every status, what each needs, and what it leaves behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

import pytest

from warning.domain.alert import AlertStatus, Disposition
from warning.domain.handling import (
    ACTS_ZH,
    LONGEST_REASON,
    STATUSES_ZH,
    TRANSITIONS,
    Act,
    ActRefusedError,
    Command,
    Handling,
    handled,
)
from warning.policy import alerting
from warning.service.words import STATUSES

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
TOMORROW = NOW + timedelta(days=1)
O, A, S, C = AlertStatus  # noqa: E741
EXPECTED = {
    Act.ACKNOWLEDGE: {O: A, S: A},
    Act.ASSIGN: {O: A, A: A, S: A},
    Act.SNOOZE: {O: S, A: S, S: S},
    Act.NOTE: {O: O, A: A, S: S, C: C},
    Act.REVIEW: {O: O, A: A, S: S, C: C},
    Act.CLOSE: {O: C, A: C, S: C},
    Act.REOPEN: {C: O, S: O},
}
NEEDS: dict[Act, dict[str, Any]] = {
    Act.ASSIGN: {"assignee": "wang"},
    Act.SNOOZE: {"until": TOMORROW},
    Act.NOTE: {"reason": "asked the district"},
    Act.REVIEW: {"disposition": Disposition.CONFIRMED},
}


def command(act: Act, **more: Any) -> Command:
    """An act with what it needs."""
    given: dict[str, Any] = {"act": act, "actor": "li", "at": NOW} | NEEDS.get(act, {}) | more
    return Command(**given)


def before(status: AlertStatus) -> Handling:
    """An alert in a status, with everything set that an act might lose."""
    snoozed = TOMORROW if status is S else None
    return Handling(
        alert_id="a1",
        version=7,
        status=status,
        assignee="zhao",
        disposition=Disposition.DUPLICATE,
        reviewer="qian",
        snoozed_until=snoozed,
    )


@pytest.mark.parametrize(("act", "status"), list(product(Act, AlertStatus)))
def test_every_act_in_every_status(act: Act, status: AlertStatus) -> None:
    """Each of the 28 pairs leads where the table says, by a rule named after the act, or is refused."""
    wanted = EXPECTED[act].get(status)
    if wanted is None:
        with pytest.raises(ActRefusedError, match=f"{act.value}: not possible while the alert is {status.value}") as e:
            handled(before(status), command(act))
        assert STATUSES_ZH[status] in e.value.zh
        return
    after, entry = handled(before(status), command(act))
    assert (after.status, after.version) == (wanted, 8)
    assert (entry.status, entry.version, entry.alert_id, entry.actor, entry.at) == (wanted, 8, "a1", "li", NOW)
    assert entry.rule == TRANSITIONS[act, status][0]
    assert entry.rule.partition("-")[0] in {act.value.upper(), act.value[:3].upper()}


def test_every_rule_has_a_name_of_its_own() -> None:
    """No two transitions share a name, with each other or with the policy's rules."""
    names = [rule for rule, _ in TRANSITIONS.values()]
    policy = {"OPEN-1", "UPDATE-1", "CONFIRM-1", "MERGE-1", "LINK-1", "WITHDRAW-1", "CLOSE-1"}
    assert all(f"{rule} :" in (alerting.__doc__ or "") for rule in policy)
    assert len(set(names)) == len(names) == sum(map(len, EXPECTED.values()))
    assert not policy & set(names)


@pytest.mark.parametrize("act", list(NEEDS))
def test_an_act_lacking_what_it_needs_is_refused(act: Act) -> None:
    """The error names the field, in both languages; nothing but blanks is nothing."""
    ((name, value),) = NEEDS[act].items()
    for empty in (None, "", "  ") if isinstance(value, str) else (None,):
        with pytest.raises(ActRefusedError, match=f"{name} is missing") as error:
            handled(before(O), command(act, **{name: empty}))
        assert name in error.value.zh


@pytest.mark.parametrize(
    ("act", "name"),
    [(act, name) for act in Act for name in ("assignee", "until", "disposition") if name not in NEEDS.get(act, {})],
)
def test_what_belongs_to_another_act_is_refused(act: Act, name: str) -> None:
    """A note with a disposition would be mistaken for a review: an act brings only its own."""
    value = {"assignee": "wang", "until": TOMORROW, "disposition": Disposition.CONFIRMED}[name]
    status = next(iter(EXPECTED[act]))
    with pytest.raises(ActRefusedError, match=f"{name} belongs to"):
        handled(before(status), command(act, **{name: value}))


def test_a_snooze_ends_in_the_future() -> None:
    """Until now, or earlier, is refused."""
    for until in (NOW, NOW - timedelta(hours=1)):
        with pytest.raises(ActRefusedError, match="not in the future"):
            handled(before(O), command(Act.SNOOZE, until=until))


def test_a_reason_is_at_most_so_long() -> None:
    """Every act may give a reason; an endless one is refused."""
    _, entry = handled(before(O), command(Act.CLOSE, reason="x" * LONGEST_REASON))
    assert entry.reason == "x" * LONGEST_REASON
    with pytest.raises(ActRefusedError, match="longer"):
        handled(before(O), command(Act.CLOSE, reason="x" * (LONGEST_REASON + 1)))


@pytest.mark.parametrize(("act", "status"), list(TRANSITIONS))
def test_an_act_changes_only_what_it_is_about(act: Act, status: AlertStatus) -> None:
    """Assignee, disposition and reviewer stay unless the act sets them; a snooze lasts as long as its status."""
    was = before(status)
    after, entry = handled(was, command(act))
    changes: dict[str, Any] = {
        Act.ASSIGN: {"assignee": "wang"},
        Act.REVIEW: {"disposition": Disposition.CONFIRMED, "reviewer": "li"},
    }.get(act, {})
    snoozed = TOMORROW if after.status is S else None
    assert after == replace(was, version=8, status=after.status, snoozed_until=snoozed, **changes)
    given = {name: getattr(entry, name) for name in ("assignee", "until", "disposition", "reason")}
    assert {name: value for name, value in given.items() if value} == NEEDS.get(act, {})


def test_a_note_or_review_does_not_wake_a_snoozed_alert() -> None:
    """It stays snoozed until the moment it was given."""
    for act in (Act.NOTE, Act.REVIEW):
        assert handled(before(S), command(act))[0].snoozed_until == TOMORROW


def test_chinese_words_are_those_of_every_page() -> None:
    """Each act and status has a Chinese word, and statuses read as they do elsewhere."""
    assert set(ACTS_ZH) == set(Act)
    assert {status: words.zh for status, words in STATUSES.items()} == STATUSES_ZH
