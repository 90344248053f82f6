"""Who may call what: every role on every route, as the table of rights says."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.routing import APIRoute

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import ALERT, SOURCE, World
from warning.api.access import ACCESS, V1, Rights
from warning.api.app import ROUTERS
from warning.domain.account import RIGHTS, Right, Role

WHO: tuple[Role | str | None, ...] = (None, "key", *Role)


PATHS = {
    "ticket_id": "T1", "alert_id": ALERT, "letter_id": "17", "plan_id": "p1", "name": "viewer", "key_id": "key-0",
    "kind": "conflict",
}  # fmt: skip
BODIES: dict[tuple[str, str], Any] = {
    ("POST", "/tickets"): [{"ticket_id": "T1"}],
    ("POST", "/alerts/{alert_id}/acknowledge"): {"version": 0},
    ("POST", "/alerts/{alert_id}/assign"): {"version": 0, "assignee": "wang"},
    ("POST", "/alerts/{alert_id}/note"): {"version": 0, "reason": "seen"},
    ("POST", "/alerts/{alert_id}/snooze"): {"version": 0, "until": "2099-01-01T00:00:00Z"},
    ("POST", "/alerts/{alert_id}/close"): {"version": 0},
    ("POST", "/alerts/{alert_id}/reopen"): {"version": 0},
    ("POST", "/alerts/{alert_id}/review"): {"version": 0, "disposition": "duplicate"},
    ("POST", "/rejections/replay"): {"ids": [17]},
    ("POST", "/history"): "a file",
    ("POST", "/plans"): {"title": "Fair", "start": "2026-03-03T00:00:00Z", "end": "2026-03-04T00:00:00Z"},
    ("POST", "/sources"): {"name": "app", "mapping": "canonical"},
    ("POST", "/users"): {"name": "wang", "role": "viewer"},
    ("PUT", "/users/{name}"): {"role": "operator", "active": True},
    ("POST", "/users/{name}/password"): {},
    ("POST", "/keys"): {"source": SOURCE},
    ("POST", "/keys/{key_id}/rotate"): {},
    ("POST", "/session"): {"name": "viewer", "password": "wrong on purpose"},
}
QUERIES = {("POST", "/history"): "?mapping=canonical&format=csv"}
MISSES = {
    ("GET", "/tickets/{ticket_id}"): {404, 422},
    ("POST", "/alerts/{alert_id}/reopen"): {409},
    ("DELETE", "/plans/{plan_id}"): {404},
    ("POST", "/keys/{key_id}/rotate"): {404},
    ("DELETE", "/keys/{key_id}"): {404},
    ("POST", "/session"): {401},
}
"""What is answered to somebody who may, where not success: the test's ids name nothing."""
ENDLESS = ("GET", f"{V1}/alerts/stream")


def _held(who: Role | str | None) -> frozenset[Right]:
    if isinstance(who, Role):
        return RIGHTS[who]
    return frozenset({Right.PUSH}) if who else frozenset()


def _expected(who: Role | str | None, method: str, path: str, rights: Rights | None) -> set[int]:
    if rights is not None and who is None:
        return {401}
    if rights is not None and not _held(who) & rights:
        return {403}
    return MISSES.get((method, path.removeprefix(V1)), {200, 201, 202, 204})


def _name_of(value: tuple[str, str] | Rights | None) -> str:
    """Name a test the same in every process: a set has no order of its own."""
    return "-".join(value if isinstance(value, tuple) else sorted(map(str, value or ())))


@pytest.mark.parametrize("who", WHO, ids=str)
@pytest.mark.parametrize(("route", "rights"), ACCESS.items(), ids=_name_of)
def test_a_role_may_call_what_the_table_says(
    who: Role | str | None, route: tuple[str, str], rights: Rights | None, caller: CallerAs
) -> None:
    """Whoever holds one of a route's rights is served, others get 403, and who is nobody gets 401."""
    method, path = route
    allowed = _expected(who, method, path, rights)
    if route == ENDLESS and not allowed & {401, 403}:
        return  # the stream never ends; test_stream calls it over a real connection
    name = (method, path.removeprefix(V1))
    response = caller(who).call(method, path.format(**PATHS) + QUERIES.get(name, ""), json=BODIES.get(name))
    assert response.status_code in allowed, response.text


def test_the_table_names_every_route() -> None:
    """The table has the routes there are, and no other."""
    routes = {
        (method, route.path_format)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes == ACCESS.keys()


def test_a_refusal_reads_no_body(caller: CallerAs, world: World) -> None:
    """Who may not push is told so before the body is read."""
    response = caller(None).post("/api/v1/tickets", content=b"{", headers={"Content-Type": "application/json"})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert world.intake.taken == []
