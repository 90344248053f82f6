"""The alert page: what is unusual, why it was raised, what was done, and what a person can do now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from warning.domain.account import Right
from warning.domain.alert import Disposition
from warning.domain.errors import InvalidInputError
from warning.domain.handling import LONGEST_REASON, TRANSITIONS, Act, ActRefusedError, Command
from warning.service import words
from warning.service.desk import AlertDetail
from warning.service.ports import AlertView, ConflictError
from warning.web.pages.cards import card
from warning.web.pages.course import course
from warning.web.pages.frame import Frame, Visitor, said
from warning.web.pages.timeline import timeline

MOST_PARTS = 12
SNOOZE_HOURS = (1, 4, 12, 24, 72)
"""Until the next look, the end of a shift, tomorrow, after the weekend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a person had typed into the form that was refused: it is shown again."""

    act: str = ""
    reason: str = ""
    assignee: str = ""
    disposition: str = ""
    hours: int = SNOOZE_HOURS[0]


@dataclass(frozen=True, slots=True)
class Bar:
    """A contributing area with its bars' lengths, 0 to 100."""

    name: str
    observed: int
    expected: float
    observed_length: float = field(default=0.0)
    expected_length: float = field(default=0.0)


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the alert page and its one form."""
    desk = frame.services.desk

    @router.get("/alerts/{alert_id}")
    def alert(request: Request, alert_id: str) -> Response:
        """Show an alert; an id that was merged into another leads there."""
        visitor, detail = frame.visitor(request), desk.detail(alert_id)
        if detail.view.alert.id != alert_id:
            return frame.redirect(f"/alerts/{detail.view.alert.id}")
        return _page(frame, visitor, detail)

    @router.post("/alerts/{alert_id}/act")
    def act(
        request: Request,
        alert_id: str,
        act: Annotated[str, Form()],
        version: Annotated[int, Form()],
        reason: Annotated[str, Form(max_length=2 * LONGEST_REASON)] = "",
        assignee: Annotated[str, Form(max_length=200)] = "",
        disposition: Annotated[str, Form()] = "",
        hours: Annotated[int, Form(ge=1, le=24 * 31)] = SNOOZE_HOURS[0],
    ) -> Response:
        """Carry out an act and show the alert as it is then; refused, say why and keep what was typed."""
        visitor = frame.visitor(request, Right.REVIEW if act == Act.REVIEW else Right.HANDLE)
        typed = Typed(act=act, reason=reason, assignee=assignee, disposition=disposition, hours=hours)
        try:
            desk.act(alert_id, version, _command(typed, visitor.name, frame.now()))
        except ConflictError:
            return _page(frame, visitor, desk.detail(alert_id), 409, typed, visitor.language("act.conflict"))
        except ActRefusedError as error:
            return _page(frame, visitor, desk.detail(alert_id), 422, typed, said(visitor.language, error))
        return frame.redirect(f"/alerts/{alert_id}#record")


def _command(typed: Typed, actor: str, now: datetime) -> Command:
    """Read the form; what is missing the desk will say, what cannot be said by the form is an InvalidInputError."""
    try:
        act = Act(typed.act)
        disposition = Disposition(typed.disposition) if typed.disposition else None
    except ValueError as error:
        raise InvalidInputError("form", str(error), "Use the form on the alert's page.") from error
    return Command(
        act=act,
        actor=actor,
        at=now,
        reason=typed.reason.strip(),
        assignee=typed.assignee.strip() if act is Act.ASSIGN else "",
        disposition=disposition if act is Act.REVIEW else None,
        until=now + timedelta(hours=typed.hours) if act is Act.SNOOZE else None,
    )


def _page(
    frame: Frame,
    visitor: Visitor,
    detail: AlertDetail,
    status: int = 200,
    typed: Typed | None = None,
    refusal: str = "",
) -> Response:
    alert = detail.view.alert
    return frame.page(
        visitor,
        "alert",
        status,
        detail=detail,
        view=detail.view,
        alert=alert,
        card=card(detail.view),
        happened=words.what_happened(alert.observed, alert.expected, alert.upper_bound),
        rarity=words.how_rare(alert.p_value, alert.recurrence_interval_days),
        course=course(detail.course, alert, frame.zone),
        bars=bars(detail),
        lines=timeline(alert.history, detail.entries),
        latest=detail.entries[-1] if detail.entries else None,
        acts=_acts(detail.view),
        hours=SNOOZE_HOURS,
        typed=typed or Typed(),
        refusal=refusal,
    )


def _acts(view: AlertView) -> Mapping[str, bool]:
    """Say of every act whether the alert's status has a rule for it."""
    return {act.value: (act, view.status) in TRANSITIONS for act in Act}


def bars(detail: AlertDetail) -> list[Bar]:
    """Return the contributing areas with bar lengths; those beyond the page's room become one line, named ``…``."""
    parts = [Bar(part.name, part.observed, part.expected) for part in detail.parts] if detail.view.alert.parts else []
    if len(parts) > MOST_PARTS:
        rest = parts[MOST_PARTS - 1 :]
        parts[MOST_PARTS - 1 :] = [Bar("…", sum(p.observed for p in rest), sum(p.expected for p in rest))]
    longest = max((max(part.observed, part.expected) for part in parts), default=0) or 1
    return [
        Bar(part.name, part.observed, part.expected, _length(part.observed, longest), _length(part.expected, longest))
        for part in parts
    ]


def _length(value: float, longest: float) -> float:
    return round(max(0.0, 100 * value / longest), 1)
