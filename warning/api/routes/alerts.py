"""Alerts: found, explained, and acted on."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from warning.api.access import guarded_router
from warning.api.parts import TheServices, Whoever
from warning.api.phrases import faulty
from warning.api.schemas.acts import AcknowledgeIn, ActIn, AssignIn, CloseIn, NoteIn, ReopenIn, ReviewIn, SnoozeIn
from warning.api.schemas.alerts import AlertDetailOut, AlertOut, AlertPage
from warning.api.schemas.queries import AlertFilter
from warning.domain.account import Principal
from warning.domain.handling import Command
from warning.service.services import Services
from warning.service.words import Words

router = guarded_router("alerts")

_LATER = Words("须晚于现在", "Give a time that is still to come")


@router.get("/alerts")
def find(services: TheServices, wanted: Annotated[AlertFilter, Query()]) -> AlertPage:
    """List alerts, a page at a time."""
    page = services.desk.list(wanted.query())
    return AlertPage(items=[AlertOut.of(view) for view in page.items], next_cursor=page.next_cursor)


@router.get("/alerts/{alert_id}")
def detail(alert_id: str, services: TheServices) -> AlertDetailOut:
    """Show an alert with its signals, the course of its leading series, its parts and what people did."""
    return AlertDetailOut.explained(services.desk.detail(alert_id), services.zone)


@router.post("/alerts/{alert_id}/acknowledge")
def acknowledge(alert_id: str, body: AcknowledgeIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """Take an alert up."""
    return _act(alert_id, body, services, whoever)


@router.post("/alerts/{alert_id}/assign")
def assign(alert_id: str, body: AssignIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """Give an alert to somebody."""
    return _act(alert_id, body, services, whoever)


@router.post("/alerts/{alert_id}/note")
def note(alert_id: str, body: NoteIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """Say something about an alert."""
    return _act(alert_id, body, services, whoever)


@router.post("/alerts/{alert_id}/snooze")
def snooze(alert_id: str, body: SnoozeIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """Put an alert off until a time; it is open again then."""
    if body.until <= services.runtime.now():
        raise faulty("until", _LATER)
    return _act(alert_id, body, services, whoever)


@router.post("/alerts/{alert_id}/close")
def close(alert_id: str, body: CloseIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """End the handling of an alert."""
    return _act(alert_id, body, services, whoever)


@router.post("/alerts/{alert_id}/reopen")
def reopen(alert_id: str, body: ReopenIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """Take a closed or snoozed alert up again."""
    return _act(alert_id, body, services, whoever)


@router.post("/alerts/{alert_id}/review")
def review(alert_id: str, body: ReviewIn, services: TheServices, whoever: Whoever) -> AlertOut:
    """Say what an alert was. The models learn from it; the alert's history says what."""
    return _act(alert_id, body, services, whoever)


def _act(alert_id: str, body: ActIn, services: Services, whoever: Principal) -> AlertOut:
    given = {name: getattr(body, name) for name in type(body).model_fields if name != "version"}
    command = Command(act=body.act, actor=whoever.name, at=services.runtime.now(), **given)
    return AlertOut.of(services.desk.act(alert_id, body.version, command))
