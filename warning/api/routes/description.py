"""The API's own description."""

from __future__ import annotations

from typing import Any

from fastapi import Request

from warning.api.access import guarded_router

router = guarded_router("health")


@router.get("/openapi.json")
def description(request: Request) -> dict[str, Any]:
    """Describe the API (OpenAPI 3.1)."""
    described: dict[str, Any] = request.app.openapi()
    return described
