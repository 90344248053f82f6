"""How people handle an alert: acts, statuses, and the table of named rules that leads from one to the next.

An alert's evidence (:class:`warning.domain.alert.Alert`) and its handling change independently: the engine writes the
one, people the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from warning.domain.alert import AlertStatus, Disposition
from warning.domain.errors import EarlyWarningError


class Act(StrEnum):
    """What a person does about an alert."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    SNOOZE = "snooze"
    NOTE = "note"
    REVIEW = "review"
    CLOSE = "close"
    REOPEN = "reopen"


_OPEN, _ACK = AlertStatus.OPEN, AlertStatus.ACKNOWLEDGED
_SNOOZED, _CLOSED = AlertStatus.SNOOZED, AlertStatus.CLOSED

TRANSITIONS: Mapping[tuple[Act, AlertStatus], tuple[str, AlertStatus]] = {
    (Act.ACKNOWLEDGE, _OPEN): ("ACK-1", _ACK),
    (Act.ACKNOWLEDGE, _SNOOZED): ("ACK-2", _ACK),
    (Act.ASSIGN, _OPEN): ("ASSIGN-1", _ACK),
    (Act.ASSIGN, _ACK): ("ASSIGN-2", _ACK),
    (Act.ASSIGN, _SNOOZED): ("ASSIGN-3", _ACK),
    (Act.SNOOZE, _OPEN): ("SNOOZE-1", _SNOOZED),
    (Act.SNOOZE, _ACK): ("SNOOZE-2", _SNOOZED),
    (Act.SNOOZE, _SNOOZED): ("SNOOZE-3", _SNOOZED),
    (Act.CLOSE, _OPEN): ("CLOSE-2", _CLOSED),
    (Act.CLOSE, _ACK): ("CLOSE-3", _CLOSED),
    (Act.CLOSE, _SNOOZED): ("CLOSE-4", _CLOSED),
    (Act.REOPEN, _CLOSED): ("REOPEN-1", _OPEN),
    (Act.REOPEN, _SNOOZED): ("REOPEN-2", _OPEN),
    **{(Act.NOTE, status): (f"NOTE-{i}", status) for i, status in enumerate(AlertStatus, 1)},
    **{(Act.REVIEW, status): (f"REVIEW-{i}", status) for i, status in enumerate(AlertStatus, 1)},
}
"""(act, status) -> (name of the rule, status after it); what is not here is refused.

CLOSE-1 is the engine's: the episode is over.
"""

ACTS_ZH: Mapping[Act, str] = {
    Act.ACKNOWLEDGE: "接手",
    Act.ASSIGN: "指派",
    Act.SNOOZE: "暂缓",
    Act.NOTE: "备注",
    Act.REVIEW: "复核",
    Act.CLOSE: "结束",
    Act.REOPEN: "重新打开",
}
STATUSES_ZH: Mapping[AlertStatus, str] = {_OPEN: "未处置", _ACK: "已接手", _SNOOZED: "已暂缓", _CLOSED: "已结束"}
LONGEST_REASON = 2000


class ActRefusedError(EarlyWarningError):
    """An act that does not fit the alert's status, or lacks what it needs."""

    def __init__(self, act: Act, problem: str, advice: str, zh: str) -> None:
        super().__init__(f"{act.value}: {problem}. {advice}")
        self.act = act
        self.zh = zh


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How an alert is being handled; ``version`` grows by one with every act (optimistic concurrency)."""

    alert_id: str
    version: int = 0
    status: AlertStatus = AlertStatus.OPEN
    assignee: str = ""
    disposition: Disposition | None = None
    reviewer: str = ""
    snoozed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An act with what it needs: ASSIGN an assignee, SNOOZE an until, NOTE a reason, REVIEW a disposition.

    Every act may have a reason; what belongs to another act must be left out.
    """

    act: Act
    actor: str
    at: datetime
    reason: str = ""
    assignee: str = ""
    disposition: Disposition | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandlingEntry:
    """One line of an alert's handling history; never changed once written.

    ``effect_zh`` and ``effect_en`` say in words what it taught the models; they are empty when it taught nothing.
    """

    alert_id: str
    version: int
    rule: str
    act: Act
    actor: str
    at: datetime
    status: AlertStatus
    reason: str = ""
    assignee: str = ""
    disposition: Disposition | None = None
    until: datetime | None = None
    effect_zh: str = ""
    effect_en: str = ""


def handled(before: Handling, command: Command) -> tuple[Handling, HandlingEntry]:
    """Apply one act; raises ActRefusedError when the table has no rule for it, or it lacks what it needs."""
    found = TRANSITIONS.get((command.act, before.status))
    if found is None:
        raise ActRefusedError(
            command.act,
            f"not possible while the alert is {before.status.value}",
            "Reload the alert; its state may have changed.",
            f"预警{STATUSES_ZH[before.status]},不能{ACTS_ZH[command.act]}。请刷新后再试。",
        )
    _check(command)
    rule, status = found
    after = replace(_changed(before, command), version=before.version + 1, status=status)
    if status is not AlertStatus.SNOOZED:
        after = replace(after, snoozed_until=None)
    return after, _entry(after, command, rule)


def _changed(before: Handling, command: Command) -> Handling:
    match command.act:
        case Act.ASSIGN:
            return replace(before, assignee=command.assignee)
        case Act.REVIEW:
            return replace(before, disposition=command.disposition, reviewer=command.actor)
        case Act.SNOOZE:
            return replace(before, snoozed_until=command.until)
        case _:
            return before


def _entry(after: Handling, command: Command, rule: str) -> HandlingEntry:
    return HandlingEntry(
        alert_id=after.alert_id,
        version=after.version,
        rule=rule,
        act=command.act,
        actor=command.actor,
        at=command.at,
        status=after.status,
        reason=command.reason,
        assignee=command.assignee,
        disposition=command.disposition,
        until=command.until,
    )


_FIELDS: Mapping[Act, tuple[str, str]] = {
    Act.ASSIGN: ("assignee", "负责人"),
    Act.SNOOZE: ("until", "暂缓到何时"),
    Act.REVIEW: ("disposition", "结论"),
    Act.NOTE: ("reason", "备注内容"),
}
"""What an act needs."""


def _check(command: Command) -> None:
    """Refuse an act that lacks what it needs, or brings what belongs to another."""
    act = command.act
    for of, (name, zh) in _FIELDS.items():
        given = bool(str(getattr(command, name) or "").strip())
        if of is act and not given:
            raise ActRefusedError(act, f"{name} is missing", f"Give {name}.", f"缺少{zh} ({name})。")
        if of is not act and of is not Act.NOTE and given:
            raise ActRefusedError(
                act, f"{name} belongs to {of.value}", "Leave it out.", f"{ACTS_ZH[act]}不需要{zh} ({name})。"
            )
    if command.until is not None and command.until <= command.at:
        raise ActRefusedError(act, "until is not in the future", "Give a later time.", "until 必须晚于现在。")
    if len(command.reason) > LONGEST_REASON:
        raise ActRefusedError(
            act,
            f"reason is longer than {LONGEST_REASON} characters",
            "Shorten it.",
            f"reason 超过 {LONGEST_REASON} 字。",
        )
