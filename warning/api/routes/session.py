"""Signing in and out, and who one is."""

from __future__ import annotations

from fastapi import Request, Response

from warning.api.access import guarded_router
from warning.api.parts import TheServices, Whoever
from warning.api.schemas.session import SessionOut, SignIn
from warning.api.security import COOKIE
from warning.domain.account import RIGHTS, Principal

router = guarded_router("session")


@router.post("/session", status_code=201)
async def sign_in(body: SignIn, services: TheServices, request: Request, response: Response) -> SessionOut:
    """Sign a person in: sets the session's cookie and gives the CSRF token that unsafe requests must bring."""
    signed_in = await request.app.state.door.run(services.accounts.sign_in, body.name, body.password)
    request.state.cookies.set(response, signed_in.token)
    user = signed_in.user
    principal = Principal(name=user.name, rights=RIGHTS[user.role], role=user.role)
    return SessionOut.of(principal, signed_in.csrf)


@router.get("/session")
def who_am_i(whoever: Whoever, request: Request) -> SessionOut:
    """Say who makes the request, what they may do, and the CSRF token of their session."""
    session = request.state.session
    return SessionOut.of(whoever, session.csrf if session else None)


@router.delete("/session", status_code=204)
def sign_out(services: TheServices, request: Request, response: Response) -> None:
    """End the session; with a key nothing happens."""
    token = request.cookies.get(COOKIE)
    if token and request.state.session:
        services.accounts.sign_out(token)
        request.state.cookies.clear(response)
