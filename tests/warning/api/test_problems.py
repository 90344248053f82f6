"""Errors: problem details in the language asked for, field by field, and nothing given away."""

from __future__ import annotations

import logging

import pytest
from anyio.from_thread import BlockingPortal
from fastapi import Request, Response

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import ALERT, Caller, World, headers_of
from warning.api.language import language_of
from warning.api.phrases import PHRASES
from warning.api.problems import KINDS, MEDIA_TYPE
from warning.domain.account import Role
from warning.service.words import Words


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB;q=0.5, zh;q=0.9", "zh"),
        ("fr, en;q=0.3", "en"),
        ("zh;q=0", "en"),
        ("zh;q=x, en;q=0.1", "en"),
        (";;,", "en"),
    ],
)
def test_the_language_asked_for(header: str, language: str) -> None:
    """The language with the greatest weight is taken, English when neither is asked for."""
    assert language_of(header) == language


def test_a_problem_is_said_in_both_languages(caller: CallerAs) -> None:
    """Title and detail are in the language asked for, the detail also in both, and the media type is RFC 9457's."""
    chinese = caller(None).get("/api/v1/alerts", headers={"Accept-Language": "zh-CN"})
    assert chinese.headers["content-type"] == MEDIA_TYPE
    assert chinese.headers["content-language"] == "zh"
    document = chinese.json()
    assert document["title"] == "需要登录"
    assert document["detail"] == document["detail_zh"]
    assert document["detail_en"].startswith("Sign in")
    assert (document["type"], document["status"]) == ("/problems/not-signed-in", 401)
    assert document["request_id"] == chinese.headers["x-request-id"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"version": -1, "until": "soon"}, {"version", "until"}),
        ({"version": 0, "until": "2026-05-01T08:00:00"}, {"until"}),
        ({"version": 0, "until": "2020-05-01T08:00:00Z"}, {"until"}),
        ({"version": "0", "until": 4_000_000_000}, {"version", "until"}),
        ({"untill": "2099-05-01T08:00:00Z"}, {"version", "until", "untill"}),
        ([], {"body"}),
        ("x", {"body"}),
    ],
)
def test_every_wrong_field_is_named(body: object, fields: set[str], caller: CallerAs) -> None:
    """A body with faults is answered with each faulty field, its problem and what to do, and is not repeated."""
    answer = caller(Role.OPERATOR).post(f"/api/v1/alerts/{ALERT}/snooze", json=body)
    assert answer.status_code == 422
    errors = answer.json()["errors"]
    assert {error["field"] for error in errors} == fields
    assert all(error["problem_zh"] and error["problem_en"] for error in errors)
    assert "soon" not in answer.text


def test_what_is_no_json_says_where(caller: CallerAs) -> None:
    """A body that is no JSON says at which character."""
    answer = caller(Role.OPERATOR).post(
        f"/api/v1/alerts/{ALERT}/note", content=b'{"version": }', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert "character 12" in answer.json()["detail_en"]


@pytest.mark.parametrize("path", ["/api/v1/alerts?limit=0", "/api/v1/alerts?colour=red", "/api/v1/alerts?cursor=x"])
def test_a_wrong_parameter(path: str, caller: CallerAs) -> None:
    """A query parameter that is wrong or unknown is refused, not overlooked."""
    assert caller(Role.VIEWER).get(path).status_code == 422


def test_no_such_route_or_method(caller: CallerAs) -> None:
    """Unknown paths and methods are problems too; a wrong method says which there are."""
    assert caller(None).get("/api/v1/nothing").json()["type"] == "/problems/not-found"
    wrong = caller(None).call("PUT", "/api/v1/alerts")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert wrong.json()["type"] == "/problems/method-not-allowed"


def test_a_failure_gives_nothing_away(caller: CallerAs, world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A defect is answered with an id that the log has too, and with nothing of what went wrong."""
    world.intake.failure = RuntimeError("secret detail")
    with caplog.at_level(logging.ERROR, "warning.api"):
        answer = caller("key").post("/api/v1/tickets", json=[{"ticket_id": "A"}])
    assert (answer.status_code, answer.headers["content-type"]) == (500, MEDIA_TYPE)
    assert "secret" not in answer.text
    (record,) = caplog.records
    assert record.__dict__["request_id"] == answer.json()["request_id"]
    assert answer.json()["request_id"] in answer.json()["detail"]
    assert record.exc_info is not None


def test_the_log_names_nobody(caller: CallerAs, world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A request's line in the log has its route and the role, and nothing of the query, the body, ids or names."""
    world.accounts.create_user("wang.xiaoming", Role.VIEWER, "four unrelated words")
    with caplog.at_level(logging.INFO, "warning.api"):
        caller(None).post("/api/v1/session", json={"name": "wang.xiaoming", "password": "four unrelated words"})
        caller(Role.VIEWER).get("/api/v1/alerts?category=noise-13800138000")
        caller("key").get("/api/v1/tickets/13800138000")
    lines = [
        {name: record.__dict__[name] for name in ("method", "route", "status", "role", "source")}
        for record in caplog.records
    ]
    assert lines == [
        {"method": "POST", "route": "/api/v1/session", "status": 201, "role": "", "source": ""},
        {"method": "GET", "route": "/api/v1/alerts", "status": 200, "role": "viewer", "source": ""},
        {
            "method": "GET",
            "route": "/api/v1/tickets/{ticket_id:path}",
            "status": 404,
            "role": "key",
            "source": "hotline",
        },
    ]
    everything = "".join(map(str, (record.__dict__ for record in caplog.records)))
    assert not [secret for secret in ("13800138000", "xiaoming", "unrelated") if secret in everything]


def test_a_person_sees_a_page(world: World, portal: BlockingPortal) -> None:
    """A browser that asks for a page of ours gets the page's own way of showing a problem, the API's clients JSON."""

    def page(request: Request, status: int, title: Words, detail: Words) -> Response:
        return Response(f"<h1>{title.zh}</h1>", status, media_type="text/html")

    caller = Caller(world.app(error_page=page), portal, headers_of(world, None))
    html = {"Accept": "text/html,*/*"}
    assert (caller.get("/nowhere", headers=html).text, caller.get("/nowhere", headers=html).status_code) == (
        "<h1>不存在</h1>",
        404,
    )
    assert caller.get("/nowhere").headers["content-type"] == MEDIA_TYPE
    assert caller.get("/api/v1/nowhere", headers=html).headers["content-type"] == MEDIA_TYPE


def test_a_type_leads_somewhere(caller: CallerAs) -> None:
    """What a problem names as its type says the kind's status and titles to anybody; another name is not found."""
    for kind in KINDS:
        answer = caller(None).get(f"/problems/{kind.name}")
        assert answer.json() == {
            "type": f"/problems/{kind.name}",
            "status": kind.status,
            "title_zh": kind.title.zh,
            "title_en": kind.title.en,
        }
    assert caller(None).get("/problems/other").status_code == 404


def test_kinds_are_told_apart() -> None:
    """No two kinds of problem have one name, and each has a title in both languages."""
    assert len({kind.name for kind in KINDS}) == len(KINDS)
    assert all(kind.title.zh and kind.title.en and kind.status >= 400 for kind in KINDS)


def test_phrases_ask_for_what_there_is() -> None:
    """A phrase's two languages have the same gaps to fill."""
    gaps = {name: (set(_gaps(phrase.zh)), set(_gaps(phrase.en))) for name, phrase in PHRASES.items()}
    assert [name for name, (zh, en) in gaps.items() if zh != en] == []


def _gaps(text: str) -> list[str]:
    return [part.split("}")[0] for part in text.split("{")[1:]]
