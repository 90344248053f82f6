"""Whether the service lives, is ready, and its figures for Prometheus. Open to anyone who reaches the port."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from warning.api.access import guarded_router
from warning.api.parts import TheServices
from warning.api.schemas.health import HealthOut
from warning.service.health import Health, live, ready

router = guarded_router("health", prefix="")

_UNHEALTHY: dict[int | str, dict[str, Any]] = {503: {"model": HealthOut, "description": "No. 否"}}

_FIGURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "early_warning_ready 1.0\n"}}}
}


@router.get("/health/live", responses=_UNHEALTHY)
def is_live(services: TheServices, response: Response) -> HealthOut:
    """Say whether the process makes progress; 503 when a restart may help."""
    return _said(live(services.runtime.condition()), response)


@router.get("/health/ready", responses=_UNHEALTHY)
def is_ready(services: TheServices, response: Response) -> HealthOut:
    """Say whether requests should come here now; 503 while not."""
    return _said(ready(services.runtime.condition()), response)


def _said(health: Health, response: Response) -> HealthOut:
    response.status_code = 200 if health else 503
    return HealthOut.model_validate(health)


@router.get("/metrics", response_class=Response, responses=_FIGURES)
def metrics(services: TheServices) -> Response:
    """Give the figures in Prometheus' text format."""
    body, media_type = services.metrics()
    return Response(body, media_type=media_type)
