"""The operators' page: rendered on the server, alive by a little script, whole without it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from warning.web.pages import alert, feed, help_page, letters, plans, queue, signin, status
from warning.web.pages.frame import Frame

if TYPE_CHECKING:
    from fastapi import APIRouter, Request, Response

    from warning.service.services import Services
    from warning.service.words import Words

PARTS = (signin, status, feed, alert, queue, letters, plans, help_page)


def build_router(services: Services) -> APIRouter:
    """Return all pages as one router, to be included at the root of what :mod:`warning.api` puts together.

    It relies on ``request.state`` as the gate there leaves it, on static files below ``/static`` and on the live stream
    of the API.
    """
    frame = Frame(services)
    router = frame.router()
    for part in PARTS:
        part.add_routes(router, frame)
    return router


def build_error_page(services: Services) -> Callable[[Request, int, Words, Words], Response]:
    """Return what shows a person a problem: of a request, its status, title and detail."""
    return Frame(services).problem


def static_files() -> Path:
    """Return the folder to serve under ``/static``."""
    return Path(str(files("warning.web").joinpath("static")))
