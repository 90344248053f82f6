"""The API's own description."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from warning.api.access import guarded_router
from warning.api.problems import KINDS, NOT_FOUND, ProblemError
from warning.api.schemas.problem import ProblemKind
from warning.service.words import Words

router = guarded_router("health")
kinds = guarded_router("health", prefix="")


@router.get("/openapi.json")
def description(request: Request) -> dict[str, Any]:
    """Describe the API (OpenAPI 3.1)."""
    described: dict[str, Any] = request.app.openapi()
    return described


@kinds.get("/problems/{kind}")
def problem_kind(kind: str) -> ProblemKind:
    """Say what a kind of problem means: where the `type` of a problem document leads."""
    for known in KINDS:
        if known.name == kind:
            return ProblemKind(
                type=f"/problems/{known.name}", status=known.status, title_zh=known.title.zh, title_en=known.title.en
            )
    raise ProblemError(NOT_FOUND, Words("没有这种问题。", "There is no such kind of problem."))
