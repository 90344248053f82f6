"""What every request gets: an id, the path it stands under, headers that protect the page, and one line in the log."""

from __future__ import annotations

import logging
import secrets

import anyio
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from warning.api.problems import FAILED, Problem, answer
from warning.service.words import Words

log = logging.getLogger("warning.api")

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": with it a browser sends "Origin: null" from our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_MAY_BE_KEPT = ("/static/",)


class Envelope:
    """ASGI middleware around everything else. Leaves ``request_id`` and ``path`` on ``request.state``.

    The path is the one below the prefix, whether or not the proxy takes the prefix off. The log has no query, body,
    name or address in it: who sent a request is told by role or source.
    """

    def __init__(self, app: ASGIApp, *, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["root_path"] = self._prefix
        scope["state"] = {
            **scope.get("state", {}),
            "request_id": secrets.token_hex(8),
            "path": _below(scope["path"], self._prefix),
            "principal": None,
            "session": None,
        }
        started, sender = anyio.current_time(), _Sender(send, scope)
        try:
            await self._app(scope, receive, sender)
        except ClientDisconnect:
            log.info("client left", extra=_fields(scope, None, started))
        except Exception:
            log.exception("request failed", extra=_fields(scope, 500, started))
            if sender.status is None:
                await answer(Request(scope), _failure(scope["state"]["request_id"]))(scope, receive, sender)
        else:
            log.info("request", extra=_fields(scope, sender.status, started))


class _Sender:
    """Sends a response with the headers that all have, and remembers its status."""

    def __init__(self, send: Send, scope: Scope) -> None:
        self._send = send
        self._state = scope["state"]
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
            if not self._state["path"].startswith(_MAY_BE_KEPT):
                headers.setdefault("Cache-Control", "no-store")
            headers["X-Request-ID"] = self._state["request_id"]
        await self._send(message)


def _below(path: str, prefix: str) -> str:
    return path.removeprefix(prefix) if prefix and path.startswith(f"{prefix}/") else path


def _fields(scope: Scope, status: int | None, started: float) -> dict[str, object]:
    state = scope["state"]
    principal, route = state["principal"], scope.get("route")
    return {
        "request_id": state["request_id"],
        "method": scope["method"],
        "route": getattr(route, "path", ""),
        "status": status,
        "milliseconds": round(1000 * (anyio.current_time() - started)),
        "role": str(principal.role or "key") if principal else "",
        "source": (principal.source or "") if principal else "",
    }


def _failure(request_id: str) -> Problem:
    detail = Words(
        f"服务内部出错,已记入日志,编号 {request_id}。请告知管理员。",
        f"The service failed; the log has it as {request_id}. Tell an administrator.",
    )
    return Problem(kind=FAILED, detail=detail)
