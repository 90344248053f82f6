"""Coming in and going out: by password, by a link that works once; and the choice of language."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request, Response

from warning.service.accounts import SignedIn, SignInRefusedError
from warning.web.language import CODES
from warning.web.pages.frame import LANGUAGE_COOKIE, Frame, local_path, said

SESSION_COOKIE = "ew_session"
"""Of :mod:`warning.api.security`, which sets and clears it."""
A_YEAR = 365 * 24 * 3600


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add signing in and out, and the language switch."""
    accounts = frame.services.accounts

    @router.get("/sign-in")
    def ask(request: Request, next: str = "/") -> Response:  # noqa: A002  what the address calls it
        """Ask for name and password; whoever is signed in goes on."""
        visitor = frame.visitor(request, needs=None)
        if visitor.principal:
            return frame.redirect(local_path(next))
        return frame.page(visitor, "sign_in", next=local_path(next), name="", problem="")

    @router.post("/sign-in")
    async def sign_in(
        request: Request,
        name: Annotated[str, Form()] = "",
        password: Annotated[str, Form()] = "",
        next: Annotated[str, Form()] = "/",  # noqa: A002
    ) -> Response:
        """Start a session and go on, or say why not."""
        try:
            signed_in = await request.app.state.door.run(accounts.sign_in, name, password)
        except SignInRefusedError as error:
            return await to_thread.run_sync(partial(_refused, frame, request, error, name=name, onward=next))
        return _started(frame, request, signed_in, local_path(next))

    @router.get("/sign-in/once")
    def ask_once(request: Request, token: str = "") -> Response:
        """Show the button that uses the link up: what looks links over in a mail or a chat presses none."""
        return frame.page(frame.visitor(request, needs=None), "sign_in_once", token=token)

    @router.post("/sign-in/once")
    def sign_in_once(request: Request, token: Annotated[str, Form()] = "") -> Response:
        """Start a session by a link that works once; whoever is signed in may use an old one."""
        try:
            signed_in = accounts.sign_in_once(token)
        except SignInRefusedError as error:
            if request.state.principal:
                return frame.redirect("/")
            return _refused(frame, request, error)
        return _started(frame, request, signed_in, "/")

    @router.post("/sign-out")
    def sign_out(request: Request) -> Response:
        """End the session."""
        accounts.sign_out(request.cookies.get(SESSION_COOKIE, ""))
        answer = frame.redirect("/sign-in")
        request.state.cookies.clear(answer)
        return answer

    @router.get("/language/{code}")
    def choose_language(code: str, next: str = "/") -> Response:  # noqa: A002
        """Remember a language and go back."""
        answer = frame.redirect(local_path(next))
        if code in CODES:
            answer.set_cookie(LANGUAGE_COOKIE, code, max_age=A_YEAR, path=frame.services.prefix or "/", samesite="lax")
        return answer


def _started(frame: Frame, request: Request, signed_in: SignedIn, onward: str) -> Response:
    answer = frame.redirect(onward)
    request.state.cookies.set(answer, signed_in.token)
    return answer


def _refused(frame: Frame, request: Request, error: SignInRefusedError, name: str = "", onward: str = "/") -> Response:
    visitor = frame.visitor(request, needs=None)
    answer = frame.page(
        visitor,
        "sign_in",
        status=429 if error.retry_after else 401,
        next=local_path(onward),
        name=name,
        problem=said(visitor.language, error),
    )
    if error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer
