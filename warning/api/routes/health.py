"""Whether the service lives, is ready, and its figures for Prometheus. Open to anyone who reaches the port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from anyio import to_thread
from fastapi import Request, Response

from warning.api.access import guarded_router
from warning.api.parts import TheServices
from warning.api.schemas.health import HealthOut
from warning.service.health import Health, live, ready

T = TypeVar("T")

router = guarded_router("health", prefix="")

WATCHERS_AT_ONCE = 4
"""Threads of their own: whether the service lives must be seen while all others are taken."""

_UNHEALTHY: dict[int | str, dict[str, Any]] = {503: {"model": HealthOut, "description": "No. 否"}}

_FIGURES: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {"schema": {"type": "string"}, "example": "early_warning_ready 1.0\n"}}}
}


@router.get("/health/live", responses=_UNHEALTHY)
async def is_live(services: TheServices, request: Request, response: Response) -> HealthOut:
    """Say whether the process makes progress; 503 when a restart may help."""
    return _said(live(await _seen(request, services.runtime.condition)), response)


@router.get("/health/ready", responses=_UNHEALTHY)
async def is_ready(services: TheServices, request: Request, response: Response) -> HealthOut:
    """Say whether requests should come here now; 503 while not."""
    return _said(ready(await _seen(request, services.runtime.condition)), response)


async def _seen(request: Request, look: Callable[[], T]) -> T:
    return await to_thread.run_sync(look, limiter=request.app.state.watching)


def _said(health: Health, response: Response) -> HealthOut:
    response.status_code = 200 if health else 503
    return HealthOut.model_validate(health)


@router.get("/metrics", response_class=Response, responses=_FIGURES)
async def metrics(services: TheServices, request: Request) -> Response:
    """Give the figures in Prometheus' text format."""
    body, media_type = await _seen(request, services.metrics)
    return Response(body, media_type=media_type)
