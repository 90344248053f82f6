"""Help: how to read an alert, what the words mean, the keys, and what this program is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from warning.domain.alert import AlertStatus, Disposition, ReviewFlag
from warning.web.pages.environment import HIGH, MIDDLE
from warning.web.pages.frame import Frame


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the help page."""

    @router.get("/help")
    def help_page(request: Request) -> Response:
        """Explain."""
        return frame.page(
            frame.visitor(request),
            "help",
            high=HIGH,
            middle=MIDDLE,
            dispositions=list(Disposition),
            statuses=list(AlertStatus),
            flags=list(ReviewFlag),
        )
