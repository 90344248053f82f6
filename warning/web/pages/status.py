"""The service's own state, above every page: how fresh the data is, what time it is, whether all is well."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from warning.domain.account import Right
from warning.web.pages.frame import Frame


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the part of the header that the script brings up to date."""

    @router.get("/status")
    def status(request: Request) -> Response:
        """Show the state alone."""
        return frame.page(frame.visitor(request, Right.READ), "status")
