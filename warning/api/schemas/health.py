"""Health."""

from __future__ import annotations

from warning.api.schemas.base import Out


class HealthOut(Out):
    """Whether it is healthy, and why."""

    ok: bool
    reason_zh: str
    reason_en: str
