"""Signing in, cookies, CSRF, other sites, headers, and a proxy with a prefix."""

from __future__ import annotations

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import APIRouter, Request, Response

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import ALERT, PASSWORD, Caller, World, headers_of
from warning.api.envelope import HEADERS
from warning.domain.account import Role

NOTE = f"/api/v1/alerts/{ALERT}/note"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _page() -> APIRouter:
    """A page's router: it reads who is there, and a form after the gate has read it."""
    router = APIRouter()

    @router.get("/who")
    def who(request: Request) -> Response:
        return Response(request.state.principal.name if request.state.principal else "nobody")

    @router.post("/form")
    async def form(request: Request) -> Response:
        return Response(await request.body())

    return router


def _without_token(world: World, role: Role) -> dict[str, str]:
    return {"Cookie": headers_of(world, role)["Cookie"]}


def test_signing_in_and_out(caller: CallerAs) -> None:
    """A name and password give a session, whose cookie no script sees and no other site sends; signing out ends it."""
    nobody = caller(None)
    answer = nobody.post("/api/v1/session", json={"name": "viewer", "password": PASSWORD})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    me = {"Cookie": cookie.split(";")[0]}
    who = nobody.get("/api/v1/session", headers=me)
    assert who.json() == answer.json() == {
        "name": "viewer", "role": "viewer", "source": None, "rights": ["read"], "csrf": answer.json()["csrf"]
    }  # fmt: skip
    out = nobody.call("DELETE", "/api/v1/session", headers=me | {"X-CSRF-Token": who.json()["csrf"]})
    assert out.status_code == 204
    assert 'ew_session=""' in out.headers["set-cookie"]
    assert nobody.get("/api/v1/session", headers=me).status_code == 401


def test_guessing_is_slowed(caller: CallerAs) -> None:
    """After some wrong passwords the answer is 429 with the seconds to wait."""
    wrong = {"name": "viewer", "password": "wrong wrong wrong"}
    answers = [caller(None).post("/api/v1/session", json=wrong) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "1"
    assert answers[0].json()["type"] == "/problems/sign-in-refused"


def test_a_key_needs_no_token(caller: CallerAs) -> None:
    """A platform's key is no browser: it says who it is, and needs no CSRF token; there is no session to end."""
    key = caller("key")
    assert key.get("/api/v1/session").json()["source"] == "hotline"
    assert key.call("DELETE", "/api/v1/session").status_code == 204


@pytest.mark.parametrize("given", ["Bearer ew_wrong", "Bearer", "Basic abc", "bearer \u00e9"])
def test_a_wrong_key_is_nobody(given: str, caller: CallerAs, world: World) -> None:
    """A key that is unknown is refused, also beside a session's cookie; what is no key at all is let be."""
    headers = headers_of(world, Role.VIEWER) | {"Authorization": given}
    expected = 200 if given.startswith("Basic") else 401
    assert caller(None).get("/api/v1/session", headers=headers).status_code == expected


@pytest.mark.parametrize("cookie", ["ew_session=", "ew_session=wrong", 'ew_session="', "a=b; ;;=", "ew_session[=x"])
def test_a_wrong_cookie_is_nobody(cookie: str, caller: CallerAs) -> None:
    """A cookie that is unknown or broken is no session."""
    assert caller(None).get("/api/v1/session", headers={"Cookie": cookie}).status_code == 401


@pytest.mark.parametrize("token", [None, "", "wrong", "\u00e9"])
def test_without_the_token_nothing_is_done(token: str | None, caller: CallerAs, world: World) -> None:
    """A session's unsafe request without its CSRF token is refused, and changes nothing."""
    headers = _without_token(world, Role.OPERATOR) | ({} if token is None else {"X-CSRF-Token": token})
    answer = caller(None).post(NOTE, json={"version": 0, "reason": "x"}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/csrf")
    assert world.alerts.written == []


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://city.example"}, True),
        ({"Origin": "https://city.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "https://public.example", "X-Forwarded-Host": "public.example"}, True),
    ],
)
def test_other_sites_are_refused(headers: dict[str, str], *, allowed: bool, caller: CallerAs) -> None:
    """A browser that says another site made it send is refused even with the token, signing in included."""
    note = caller(Role.OPERATOR).post(NOTE, json={"version": 0, "reason": "x"}, headers=headers)
    assert note.status_code == (200 if allowed else 403)
    sign_in = {"name": "viewer", "password": PASSWORD}
    answer = caller(None).post("/api/v1/session", json=sign_in, headers=headers)
    assert answer.status_code == (201 if allowed else 403)


def test_a_form_may_carry_the_token(world: World, portal: BlockingPortal) -> None:
    """A page's form may bring the token as a field, and the page still reads the whole form."""
    caller = Caller(world.app(_page()), portal, _without_token(world, Role.VIEWER))
    _, csrf = world.tokens[Role.VIEWER]
    good = caller.post("/form", content=f"a=1&csrf={csrf}&b=%E5%99%AA", headers=FORM)
    assert (good.status_code, good.text) == (200, f"a=1&csrf={csrf}&b=%E5%99%AA")
    assert caller.post("/form", content="a=1&csrf=wrong", headers=FORM).status_code == 403
    assert caller.post("/form", content="", headers=FORM).status_code == 403


def test_the_page_sees_who_is_there(world: World, portal: BlockingPortal) -> None:
    """The page's routers find the principal on the request, and are not in the API's description."""
    app = world.app(_page())
    assert Caller(app, portal, headers_of(world, Role.VIEWER)).get("/who").text == "viewer"
    assert Caller(app, portal).get("/who").text == "nobody"
    assert "/who" not in app.openapi()["paths"]


def test_every_answer_has_the_headers(caller: CallerAs) -> None:
    """Answers of every kind carry the protecting headers and a request id, and are not to be kept."""
    for path, who in (
        ("/api/v1/alerts", Role.VIEWER),
        ("/nowhere", None),
        ("/metrics", None),
        ("/api/v1/alerts", None),
    ):
        answer = caller(who).get(path)
        assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.headers["x-request-id"]) == 16
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/warning/api/v1/session", "/api/v1/session"])
def test_a_prefix_is_respected(path: str, world: World, portal: BlockingPortal) -> None:
    """Behind a TLS proxy with a path prefix, taken off or not, routes are found and the cookie is for that path."""
    app = world.app(prefix="/warning", secure_cookies=True)
    answer = Caller(app, portal).post(path, json={"name": "viewer", "password": PASSWORD})
    assert answer.status_code == 201
    assert {"Path=/warning", "Secure"} <= set(answer.headers["set-cookie"].split("; "))
    assert app.openapi()["servers"] == [{"url": "/warning"}]


def test_health_looks_nobody_up(world: World, portal: BlockingPortal) -> None:
    """What machines ask for every second costs no look-up of who asks."""
    store = world.accounts._store
    before = getattr(store, "reads")  # noqa: B009  only the stand-in counts
    Caller(world.app(), portal, headers_of(world, Role.VIEWER)).get("/health/live")
    assert getattr(store, "reads") == before  # noqa: B009  only the stand-in counts
