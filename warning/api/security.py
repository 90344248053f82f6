"""Who makes a request, and whether it may come from where it comes.

The gate stands before every route, the page's too. It leaves on ``request.state``:

principal : who it is (a :class:`Principal`), None when nobody signed in
session : the browser's session (a :class:`Session`), None without one
cookies : a :class:`SessionCookie`, to set and clear the session's cookie
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warning.api.access import HISTORY, TICKETS, may_call
from warning.api.limits import Body, Limits, Pool
from warning.api.problems import CROSS_SITE, CSRF, Problem, ProblemError, answer, problem_of
from warning.service.ports import StoreBusyError
from warning.service.words import Words

if TYPE_CHECKING:
    from warning.domain.account import Principal
    from warning.service.ports import Session
    from warning.service.services import Services

Respond = Callable[[Request, Problem], Response]
"""Answers a request with a problem."""

COOKIE = "ew_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf"
SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
COOKIE_SECONDS = 7 * 24 * 3600
"""The longest a session lives; when it ends before, the server says so."""
_FORM = "application/x-www-form-urlencoded"
LOOK_UPS_AT_ONCE = 8
"""Threads of their own: who sends a request is found out whatever other requests hold."""
STRANGERS = 256
"""Bodies of people who are not signed in: all of them together take no more than so many of the largest."""
_ANONYMOUS = ("/health/", "/metrics", "/static/")
"""Paths that are the same for everyone: nothing is looked up for them."""


class SessionCookie:
    """The session's cookie: out of reach of scripts, not sent along by other sites, only where the service is shown."""

    def __init__(self, prefix: str, *, secure: bool) -> None:
        self._path = prefix or "/"
        self._secure = secure

    def set(self, response: Response, token: str) -> None:
        """Sign the browser in."""
        response.set_cookie(
            COOKIE, token, COOKIE_SECONDS, path=self._path, secure=self._secure, httponly=True, samesite="lax"
        )

    def clear(self, response: Response) -> None:
        """Sign the browser out."""
        response.delete_cookie(COOKIE, path=self._path, secure=self._secure, httponly=True, samesite="lax")


class Gate:
    """ASGI middleware: limits the body, finds the principal, and refuses what another site made a browser send."""

    def __init__(self, app: ASGIApp, *, services: Services, limits: Limits, respond: Respond = answer) -> None:
        self._app = app
        self._respond = respond
        self._services = services
        self._limits = limits
        self._pool = Pool(max(limits.bytes_in_flight, 2 * limits.body_bytes))
        self._strangers = Pool(STRANGERS * limits.form_bytes)
        self._uploads = Pool(limits.history_bytes)
        self._looking = CapacityLimiter(LOOK_UPS_AT_ONCE)
        self._cookies = SessionCookie(services.prefix, secure=services.secure_cookies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            principal, session = await self._who(scope, headers)
        except StoreBusyError as error:  # nobody can say who it is
            await answer(Request(scope), problem_of(error))(scope, receive, send)
            return
        scope["state"] |= {"principal": principal, "session": session, "cookies": self._cookies}
        limits, pool = self._room(scope, principal)
        body = Body(receive, limits, pool, headers.get("content-length", ""))
        try:
            inner = await self._admit(scope, headers, body)
        except ProblemError as error:
            response = await to_thread.run_sync(self._respond, Request(scope), error.problem, limiter=self._looking)
            await response(scope, receive, send)
        else:
            await self._app(scope, inner, send)
        finally:
            body.close()

    def _room(self, scope: Scope, principal: Principal | None) -> tuple[Limits, Pool]:
        """Return what a request's body may take, and of which pool: much only for whoever has the right to it."""
        route = scope["method"], scope["state"]["path"]
        if principal is None:
            return self._limits.of_form(), self._strangers
        if route == TICKETS and may_call(principal, TICKETS):
            return self._limits, self._pool
        if route == HISTORY and may_call(principal, HISTORY):
            return self._limits.of_history(), self._uploads  # it goes to the disk
        return self._limits.of_form(), self._pool

    async def _admit(self, scope: Scope, headers: Headers, body: Body) -> Receive:
        """Return where the body is read from; raises ProblemError for what another site made a browser send."""
        principal, session = scope["state"]["principal"], scope["state"]["session"]
        if scope["method"] in SAFE or (principal is not None and session is None):
            return body
        _refuse_cross_site(headers)
        if session is None:
            return body
        return await _check_token(headers, session.csrf, body)

    async def _who(self, scope: Scope, headers: Headers) -> tuple[Principal | None, Session | None]:
        if scope["state"]["path"].startswith(_ANONYMOUS):
            return None, None
        accounts = self._services.accounts
        scheme, _, key = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return await to_thread.run_sync(accounts.key_principal, key.strip(), limiter=self._looking), None
        token = _cookie(headers)
        found = await to_thread.run_sync(accounts.session, token, limiter=self._looking) if token else None
        return found or (None, None)


def _cookie(headers: Headers) -> str:
    """Return the session's token; a cookie that cannot be read is no cookie."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _refuse_cross_site(headers: Headers) -> None:
    """Raise ProblemError when a browser says that another site made it send this.

    ``X-Forwarded-Host`` is believed from anyone: a page of another site cannot make a browser send it.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        same = site in {"same-origin", "none"}
    else:
        hosts = {headers.get("host"), headers.get("x-forwarded-host")}
        same = origin is None or urlsplit(origin).netloc in hosts
    if not same:
        detail = Words(
            "浏览器表明此请求来自其他网站。请在本服务的页面上操作;代理须原样转发 Host。",
            "The browser says that another site sent this. Use the service's own page; proxies must keep Host.",
        )
        raise ProblemError(CROSS_SITE, detail)


async def _check_token(headers: Headers, wanted: str, body: Body) -> Receive:
    """Raise ProblemError unless the session's token came along; returns where the body can still be read from."""
    given, receive = headers.get(CSRF_HEADER, ""), body
    inner: Receive = receive
    if not given and headers.get("content-type", "").startswith(_FORM):
        given, inner = await _form_token(body)
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        detail = Words(
            f"请在请求头 {CSRF_HEADER} 或表单字段 {CSRF_FIELD} 中带上会话的令牌 (GET /api/v1/session 可取得)。",
            f"Send the session's token in the header {CSRF_HEADER} or the form field {CSRF_FIELD} "
            "(GET /api/v1/session gives it).",
        )
        raise ProblemError(CSRF, detail)
    return inner


async def _form_token(body: Body) -> tuple[str, Receive]:
    """Read a form for its token; returns it and a ``receive`` that gives the same form again."""
    messages: list[Message] = []
    while not messages or (messages[-1]["type"] == "http.request" and messages[-1].get("more_body", False)):
        messages.append(await body())
    form = b"".join(message.get("body", b"") for message in messages)
    fields = parse_qs(form.decode("utf-8", "replace"))
    waiting = iter(messages)

    async def again() -> Message:
        message = next(waiting, None)
        return await body() if message is None else message

    return fields.get(CSRF_FIELD, [""])[0], again
