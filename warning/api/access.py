"""Who may call what: one table, read by the routes that enforce it, by OpenAPI and by the matrix test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from warning.api.problems import FORBIDDEN, NOT_SIGNED_IN, ProblemError
from warning.domain.account import Principal, Right
from warning.service.words import Words

V1 = "/api/v1"

TICKETS = ("POST", f"{V1}/tickets")
"""The route that takes pushes."""
HISTORY = ("POST", f"{V1}/history")
"""The route that takes whole files."""

Rights = frozenset[Right]
ANYONE: Rights | None = None
SIGNED_IN: Rights = frozenset(Right)
"""Any right will do: a person of any role, or a key."""

_READ, _HANDLE, _REVIEW = frozenset({Right.READ}), frozenset({Right.HANDLE}), frozenset({Right.REVIEW})
_ADMINISTER, _PUSH = frozenset({Right.ADMINISTER}), frozenset({Right.PUSH})

ACCESS: Mapping[tuple[str, str], Rights | None] = {
    TICKETS: _PUSH,
    ("GET", f"{V1}/tickets/{{ticket_id}}"): _PUSH | _ADMINISTER,
    ("GET", f"{V1}/alerts"): _READ,
    ("GET", f"{V1}/alerts/stream"): _READ,
    ("GET", f"{V1}/alerts/{{alert_id}}"): _READ,
    ("POST", f"{V1}/alerts/{{alert_id}}/acknowledge"): _HANDLE,
    ("POST", f"{V1}/alerts/{{alert_id}}/assign"): _HANDLE,
    ("POST", f"{V1}/alerts/{{alert_id}}/note"): _HANDLE,
    ("POST", f"{V1}/alerts/{{alert_id}}/snooze"): _HANDLE,
    ("POST", f"{V1}/alerts/{{alert_id}}/close"): _HANDLE,
    ("POST", f"{V1}/alerts/{{alert_id}}/reopen"): _HANDLE,
    ("POST", f"{V1}/alerts/{{alert_id}}/review"): _REVIEW,
    ("GET", f"{V1}/rejections"): _HANDLE,
    ("GET", f"{V1}/rejections/{{letter_id}}/original"): _ADMINISTER,
    ("POST", f"{V1}/rejections/replay"): _ADMINISTER,
    HISTORY: _ADMINISTER,
    ("GET", f"{V1}/history"): _ADMINISTER,
    ("GET", f"{V1}/plans"): _READ,
    ("POST", f"{V1}/plans"): _REVIEW,
    ("DELETE", f"{V1}/plans/{{plan_id}}"): _REVIEW,
    ("GET", f"{V1}/sources"): _READ,
    ("POST", f"{V1}/sources"): _ADMINISTER,
    ("GET", f"{V1}/users"): _ADMINISTER,
    ("POST", f"{V1}/users"): _ADMINISTER,
    ("PUT", f"{V1}/users/{{name}}"): _ADMINISTER,
    ("POST", f"{V1}/users/{{name}}/password"): _ADMINISTER,
    ("GET", f"{V1}/keys"): _ADMINISTER,
    ("POST", f"{V1}/keys"): _ADMINISTER,
    ("POST", f"{V1}/keys/{{key_id}}/rotate"): _ADMINISTER,
    ("DELETE", f"{V1}/keys/{{key_id}}"): _ADMINISTER,
    ("POST", f"{V1}/session"): ANYONE,
    ("GET", f"{V1}/session"): SIGNED_IN,
    ("DELETE", f"{V1}/session"): SIGNED_IN,
    ("GET", f"{V1}/openapi.json"): ANYONE,
    ("GET", "/problems/{kind}"): ANYONE,
    ("GET", "/health/live"): ANYONE,
    ("GET", "/health/ready"): ANYONE,
    ("GET", "/metrics"): ANYONE,
}
"""(method, path) -> the rights of which one is enough, or ANYONE. A route that is not here cannot be made."""


def may_call(principal: Principal | None, route: tuple[str, str]) -> bool:
    """Whether somebody has one of the rights of a route."""
    rights = ACCESS[route]
    return rights is None or (principal is not None and bool(principal.rights & rights))


def authorise(principal: Principal | None, rights: Rights | None) -> None:
    """Raise ProblemError unless one of the rights is held."""
    if rights is None:
        return
    if principal is None:
        raise ProblemError(
            NOT_SIGNED_IN,
            Words(
                "此接口需要登录,或在 Authorization: Bearer 中给出有效的密钥。",
                "Sign in, or give a valid key as Authorization: Bearer KEY.",
            ),
            headers={"WWW-Authenticate": "Bearer"},
        )
    if not principal.rights & rights:
        needed = " / ".join(sorted(right.value for right in rights))
        raise ProblemError(
            FORBIDDEN,
            Words(f"此操作需要权限 {needed},请向管理员申请。", f"This needs the right {needed}. Ask an administrator."),
        )


class GuardedRoute(APIRoute):
    """A route that looks its rights up in ACCESS and refuses before a byte of the body is read."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler behind the guard."""
        handle = super().get_route_handler()
        (rights,) = (ACCESS[method, self.path_format] for method in self.methods or ())

        async def guarded(request: Request) -> Response:
            authorise(request.state.principal, rights)
            return await handle(request)

        return guarded


def guarded_router(tag: str, prefix: str = V1) -> APIRouter:
    """Make a router whose routes are guarded."""
    return APIRouter(prefix=prefix, tags=[tag], route_class=GuardedRoute)
