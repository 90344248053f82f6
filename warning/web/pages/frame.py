"""What every page has around it: who visits, in which language, how the service does; and what an error looks like."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute

from warning.domain.account import Principal, Right
from warning.domain.area import AreaPath
from warning.domain.errors import EarlyWarningError
from warning.service.ports import Condition, ReviewQueue
from warning.service.words import Words
from warning.web.language import Language, chosen
from warning.web.pages.environment import environment

if TYPE_CHECKING:
    from warning.service.services import Services

LANGUAGE_COOKIE = "ew_language"
OURS = frozenset({"Not allowed", "Not found", "Method not allowed"})
"""Titles of problems whose details are for programs: the page has words of its own for them."""


class SignInNeededError(Exception):
    """Nobody is signed in, and the page is not for everybody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who looks at a page, and how: ``path`` is where they are, without the prefix and with the query."""

    principal: Principal | None
    language: Language
    csrf: str
    path: str
    fragment: bool
    """A script asks, for a part of the page."""
    since: int
    """The newest change when the page was asked for: what comes after it the script will hear of."""

    @property
    def name(self) -> str:
        return self.principal.name if self.principal else ""

    def may(self, right: str) -> bool:
        """Whether the visitor has a right, named as in Right."""
        return self.principal is not None and self.principal.may(Right(right))


@dataclass(frozen=True, slots=True)
class State:
    """How the service does, for the header: what waits for review, and the runtime's condition."""

    queue: ReviewQueue
    condition: Condition


@dataclass(frozen=True, slots=True)
class Frame:
    """Renders pages of one jurisdiction's services."""

    services: Services
    zone: ZoneInfo = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "zone", ZoneInfo(self.services.zone))

    def router(self) -> APIRouter:
        """Return a router that asks people to sign in where they have to."""
        return APIRouter(route_class=_page_route(self), include_in_schema=False, default_response_class=HTMLResponse)

    def now(self) -> datetime:
        """Return the service's clock on the wall clock of its zone."""
        return self.services.runtime.now().astimezone(self.zone)

    def local(self, at: datetime) -> datetime:
        """Put a moment on the wall clock of the zone."""
        return at.astimezone(self.zone)

    def visitor(self, request: Request, needs: Right | None = Right.READ) -> Visitor:
        """Say who asks; raises SignInNeededError, or HTTPException (403), when the page is not for them."""
        principal: Principal | None = request.state.principal
        if needs is not None and principal is None:
            raise SignInNeededError
        if needs is not None and principal is not None and not principal.may(needs):
            raise HTTPException(403)
        return self._visitor(request, principal)

    def _visitor(self, request: Request, principal: Principal | None) -> Visitor:
        session = request.state.session
        return Visitor(
            principal=principal,
            language=chosen(request.cookies.get(LANGUAGE_COOKIE, ""), request.headers.get("accept-language", "")),
            csrf=session.csrf if session else "",
            path=self._path(request),
            fragment="hx-request" in request.headers and "hx-history-restore-request" not in request.headers,
            since=self.services.desk.feed_bounds()[1] if principal else 0,
        )

    def _path(self, request: Request) -> str:
        path: str = request.state.path
        return f"{path}?{request.url.query}" if request.url.query else path

    def area(self, path: str, language: Language) -> str:
        """Name an area, from the city down; a path that no register has is named by its own last names."""
        try:
            lineage = list(AreaPath.parse(path).lineage())
        except ValueError:
            return path
        names = [language.of(self.services.register.get(each), "name") for each in lineage]
        return " / ".join(names[1:] or names)

    def area_path(self, text: str) -> str:
        """Return the path of an area that is given by its path, or by its name in either language."""
        wanted = text.casefold()
        for area in self.services.register:
            if wanted in {str(area.path).casefold(), area.name_zh.casefold(), area.name_en.casefold()}:
                return str(area.path)
        return text

    def page(self, visitor: Visitor, template: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Render a template in the visitor's language, with the service's state around it."""
        language, services = visitor.language, self.services
        text = (
            environment()
            .get_template(f"pages/{template}.html.j2")
            .render(
                frame=self,
                visitor=visitor,
                t=language,
                now=self.now(),
                services=services,
                state=State(services.desk.queue(), services.runtime.condition()) if visitor.may(Right.READ) else None,
                link=lambda path: f"{services.prefix}{path}",
                area=lambda path: self.area(path, language),
                **values,
            )
        )
        return HTMLResponse(text, status)

    def problem(self, request: Request, status: int, title: Words, detail: Words) -> Response:
        """Show a person that something is not possible, in our own words where its own would not help."""
        visitor = self._visitor(request, request.state.principal)
        language = visitor.language
        own = language.strings.get(f"problem.{status}") if title.en in OURS else None
        message = own or language.say(detail)
        return self.page(visitor, "problem", status, title=language.say(title), message=message)

    def redirect(self, path: str) -> RedirectResponse:
        """Send the browser to a page of ours; the answer to every form."""
        return RedirectResponse(self.services.prefix + path, 303)

    def sign_in_first(self, request: Request) -> Response:
        """Send a person to sign in and back; tell a script that the session is over."""
        visitor = self._visitor(request, None)
        if visitor.fragment:
            return Response(status_code=401, headers={"HX-Refresh": "true"})
        here = visitor.path if request.method == "GET" else "/"
        return self.redirect(f"/sign-in?next={quote(here, safe='/')}" if here != "/" else "/sign-in")


def said(language: Language, error: EarlyWarningError) -> str:
    """Return an error's sentence in a language, as far as it has one."""
    return str(getattr(error, "zh", error) if language.code == "zh" else error)


def local_path(text: str) -> str:
    """Return a path of this site, or the first page for anything that could lead elsewhere."""
    return text if text.startswith("/") and not text.startswith(("//", "/\\")) and text.isprintable() else "/"


def _page_route(frame: Frame) -> type[APIRoute]:
    class PageRoute(APIRoute):
        """A route that sends whoever is not signed in, and has to be, to do so."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def handle_or_sign_in(request: Request) -> Response:
                try:
                    return await handle(request)
                except SignInNeededError:
                    return frame.sign_in_first(request)

            return handle_or_sign_in

    return PageRoute
