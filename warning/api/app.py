"""The web application: the API's routes, the page's routers, and what stands before them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.staticfiles import StaticFiles

from warning.api.access import V1
from warning.api.describe import ABOUT, PROBLEM, TAGS, Application
from warning.api.door import Door
from warning.api.envelope import Envelope
from warning.api.feed import Feed
from warning.api.limits import Limits, Quotas
from warning.api.phrases import problem_of_faults
from warning.api.problems import Problem, answer, problem_of
from warning.api.routes import (
    accounts,
    alerts,
    description,
    health,
    history,
    plans,
    rejections,
    session,
    sources,
    stream,
    tickets,
)
from warning.api.security import Gate, Respond
from warning.domain.errors import EarlyWarningError
from warning.service.ports import StoreBusyError
from warning.service.services import Services
from warning.service.words import Words

ErrorPage = Callable[[Request, int, Words, Words], Response]
"""Shows a person a problem: the request, the status, the title and the detail."""

ROUTERS = (
    *(tickets.router, stream.router, alerts.router, rejections.router, history.router, plans.router),
    *(sources.router, accounts.router, session.router, health.router, description.router, description.kinds),
)
"""The stream stands before the alerts: else ``stream`` would be taken for an alert's id."""


def create_app(
    services: Services,
    routers: Sequence[APIRouter] = (),
    *,
    static: Path | None = None,
    limits: Limits | None = None,
    error_page: ErrorPage | None = None,
) -> FastAPI:
    """Put the application together.

    Parameters
    ----------
    services
        What the routes call.
    routers
        Of the page; they stand beside the API and are not in its description.
    static
        Folder of the page's files, shown below ``/static``.
    limits
        Of what a request may bring.
    error_page
        Answers a browser that asks for a page of ours and meets a problem; without it problems are JSON everywhere.
    """
    limits = limits or Limits()
    respond = _responder(error_page)
    app = Application(
        title="early-warning",
        description=ABOUT,
        openapi_tags=TAGS,
        servers=[{"url": services.prefix or "/"}],
        version=services.version,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        middleware=[
            Middleware(Envelope, prefix=services.prefix),
            Middleware(Gate, services=services, limits=limits, respond=respond),
        ],
    )
    app.state.services = services
    app.state.limits = limits
    app.state.quotas = Quotas(limits.items_a_minute)
    app.state.pushes = CapacityLimiter(tickets.PUSHES_AT_ONCE)
    app.state.watching = CapacityLimiter(health.WATCHERS_AT_ONCE)
    app.state.door = Door()
    app.state.feed = Feed(services)
    for router in ROUTERS:
        app.include_router(router, responses={"default": PROBLEM})
    for router in routers:
        app.include_router(router, include_in_schema=False)
    if static is not None:
        app.mount("/static", StaticFiles(directory=static), name="static")
    _answer_errors(app, respond)
    return app


def _responder(error_page: ErrorPage | None) -> Respond:
    """Return what answers with a problem, or with the page's own way of showing one."""

    def respond(request: Request, problem: Problem) -> Response:
        if error_page is not None and _wants_page(request):
            with suppress(StoreBusyError):  # the page may need what is away
                response = error_page(request, problem.kind.status, problem.kind.title, problem.detail)
                response.headers.update(problem.headers)
                return response
        return answer(request, problem)

    return respond


def _answer_errors(app: FastAPI, respond: Respond) -> None:
    """Answer every error of the routes."""

    async def error(request: Request, error: Exception) -> Response:
        return respond(request, problem_of(error))

    async def faults(request: Request, error: Exception) -> Response:
        found = error.errors() if isinstance(error, RequestValidationError) else []
        return respond(request, problem_of_faults(found))

    app.add_exception_handler(EarlyWarningError, error)
    app.add_exception_handler(HTTPException, error)
    app.add_exception_handler(RequestValidationError, faults)


def _wants_page(request: Request) -> bool:
    return not request.state.path.startswith(f"{V1}/") and "text/html" in request.headers.get("accept", "")
