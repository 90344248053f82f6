"""Planned events: what is known beforehand raises no alert."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from warning.api.access import guarded_router
from warning.api.parts import TheServices, Whoever
from warning.api.schemas.others import PlanIn, PlanOut

router = guarded_router("plans")


@router.get("/plans")
def plans(services: TheServices, *, include_past: Annotated[bool, Query()] = False) -> list[PlanOut]:
    """List planned events by their start."""
    return [PlanOut.model_validate(plan) for plan in services.planning.plans(include_past=include_past)]


@router.post("/plans", status_code=201)
def add(body: PlanIn, services: TheServices, whoever: Whoever) -> PlanOut:
    """Enter a planned event."""
    plan = services.planning.add(
        body.title, body.start, body.end, areas=body.areas, categories=body.categories, actor=whoever.name
    )
    return PlanOut.model_validate(plan)


@router.delete("/plans/{plan_id}")
def cancel(plan_id: str, services: TheServices, whoever: Whoever) -> PlanOut:
    """Call a planned event off."""
    return PlanOut.model_validate(services.planning.cancel(plan_id, whoever.name))
