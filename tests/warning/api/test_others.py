"""Refused items, plans, sources, users, keys, health and figures over HTTP."""

from __future__ import annotations

import pytest

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import ALERT, PASSWORD, SOURCE, Caller, World
from warning.domain.account import Role

PLAN = {
    "title": "马拉松赛",
    "start": "2026-03-03T06:00:00+08:00",
    "end": "2026-03-03T14:00:00+08:00",
    "areas": ["City/North"],
}


def test_refused_items_are_listed(caller: CallerAs) -> None:
    """Refused items are found by source and reason, each as the result files show it."""
    operator = caller(Role.OPERATOR)
    (item,) = operator.get("/api/v1/rejections?source=hotline&reason=bad_time").json()["items"]
    assert (item["id"], item["reject"]["advice_zh"]) == (17, "时间应为 月/日/年 时:分:秒 上午或下午")
    assert operator.get("/api/v1/rejections?reason=bad_area").json() == {"items": [], "next_cursor": None}


def test_an_original_is_given_and_noted(caller: CallerAs, world: World) -> None:
    """An admin gets an original to the byte, not to be shown by a browser, and who read it is noted."""
    answer = caller(Role.ADMIN).get("/api/v1/rejections/17/original")
    assert answer.content == b"\xe5\xb7\xa5{"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert world.letters.readers == [(17, "admin")]
    assert caller(Role.ADMIN).get("/api/v1/rejections/18/original").status_code == 404


def test_refused_items_are_replayed(caller: CallerAs, world: World) -> None:
    """Refused items are sent through intake again in an admin's name, with an answer each."""
    answer = caller(Role.ADMIN).post("/api/v1/rejections/replay", json={"ids": [17, 18]})
    assert answer.json()["accepted"] == 2
    assert world.replay.replayed == [(17, "admin"), (18, "admin")]


def test_plans(caller: CallerAs) -> None:
    """A plan is entered in a reviewer's name, listed, and called off."""
    reviewer = caller(Role.REVIEWER)
    plan = reviewer.post("/api/v1/plans", json=PLAN)
    assert (plan.status_code, plan.json()["entered_by"]) == (201, "reviewer")
    assert [each["id"] for each in caller(Role.VIEWER).get("/api/v1/plans").json()] == [plan.json()["id"]]
    cancelled = reviewer.call("DELETE", f"/api/v1/plans/{plan.json()['id']}")
    assert cancelled.json()["cancelled_at"] is not None


def test_a_plan_that_cannot_be(caller: CallerAs) -> None:
    """A plan that ends before it begins is refused in both languages."""
    answer = caller(Role.REVIEWER).post("/api/v1/plans", json=PLAN | {"end": "2026-03-03T05:00:00+08:00"})
    assert answer.status_code == 422
    assert answer.json()["detail_zh"].startswith("end:")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/keys", {"source": SOURCE, "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ("/keys", {"source": SOURCE, "expires_at": "0001-01-01T00:00:00+14:00"}, "expires_at"),
        ("/plans", PLAN | {"end": "9999-12-31T23:59:59-14:00"}, "end"),
        (f"/alerts/{ALERT}/snooze", {"version": 0, "until": "9999-12-31T23:59:59-14:00"}, "until"),
    ],
)
def test_a_time_that_nobody_means(path: str, body: dict[str, object], field: str, caller: CallerAs) -> None:
    """A time beyond every calendar is refused in both languages, and what there is can still be read."""
    answer = caller(Role.ADMIN).post(f"/api/v1{path}", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["problem_zh"]) == (field, "须在 2000 年至 2200 年之间")
    assert "2000 and 2200" in error["problem_en"]
    assert caller(Role.ADMIN).get("/api/v1/keys").status_code == 200


def test_sources_show_how_fresh_they_are(caller: CallerAs) -> None:
    """A new source is listed beside the others; what is known of its freshness is shown."""
    body = {"name": "app", "mapping": "canonical", "title_en": "App"}
    assert caller(Role.ADMIN).post("/api/v1/sources", json=body).status_code == 201
    app, hotline = caller(Role.VIEWER).get("/api/v1/sources").json()
    assert (app["name"], app["last_received_at"]) == ("app", None)
    assert hotline["last_received_at"] == "2026-03-02T08:00:00Z"


@pytest.mark.parametrize("mapping", ["no-such", "no/such.yaml"])
def test_a_mapping_that_is_not_there(mapping: str, caller: CallerAs) -> None:
    """A source whose mapping cannot be read is refused, and the field is named."""
    answer = caller(Role.ADMIN).post("/api/v1/sources", json={"name": "app", "mapping": mapping})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "mapping")


def test_users(caller: CallerAs, world: World) -> None:
    """A user is let in with a password shown once, given another role and password, and let in no more."""
    admin = caller(Role.ADMIN)
    made = admin.post("/api/v1/users", json={"name": "wang", "role": "viewer"}).json()
    assert world.accounts.sign_in("wang", made["password"])
    assert _put(admin, {"role": "operator", "active": True})["role"] == "operator"
    given = admin.post("/api/v1/users/wang/password", json={"password": PASSWORD}).json()
    assert given == {"password": PASSWORD}
    assert _put(admin, {"role": "operator", "active": False})["active"] is False
    listed = admin.get("/api/v1/users")
    assert [user["name"] for user in listed.json()] == ["admin", "operator", "reviewer", "viewer", "wang"]
    assert "argon2" not in listed.text


def _put(admin: Caller, body: dict[str, object]) -> dict[str, object]:
    changed: dict[str, object] = admin.call("PUT", "/api/v1/users/wang", json=body).json()
    return changed


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/users", {"name": "viewer", "role": "viewer"}),
        ("/api/v1/users", {"name": "..", "role": "viewer"}),
        ("/api/v1/users", {"name": "wang", "role": "viewer", "password": "short"}),
        ("/api/v1/users/viewer/password", {"password": "short"}),
    ],
)
def test_a_user_that_cannot_be(path: str, body: dict[str, str], caller: CallerAs) -> None:
    """A name that is taken or none, or a bad password, is refused; the password is not repeated."""
    answer = caller(Role.ADMIN).post(path, json=body)
    assert answer.status_code == 422
    assert "short" not in answer.text


def test_the_last_admin_stays(caller: CallerAs) -> None:
    """The last admin cannot be made less."""
    answer = caller(Role.ADMIN).call("PUT", "/api/v1/users/admin", json={"role": "viewer", "active": True})
    assert answer.status_code == 422


def test_keys(caller: CallerAs, world: World) -> None:
    """A key is shown once, works, is succeeded by another with an overlap, and ends when revoked."""
    admin = caller(Role.ADMIN)
    first = admin.post("/api/v1/keys", json={"source": SOURCE, "expires_at": "2027-01-01T00:00:00Z"}).json()
    assert world.accounts.key_principal(first["key"])
    second = admin.post(f"/api/v1/keys/{first['id']}/rotate", json={"overlap_hours": 1}).json()
    assert world.accounts.key_principal(second["key"])
    world.clock.turn(hours=2)
    assert world.accounts.key_principal(first["key"]) is None
    assert admin.call("DELETE", f"/api/v1/keys/{second['id']}").json()["revoked_at"] is not None
    assert world.accounts.key_principal(second["key"]) is None
    listed = admin.get("/api/v1/keys")
    assert {first["id"], second["id"]} <= {key["id"] for key in listed.json()}
    assert first["key"] not in listed.text
    assert "hash" not in listed.text


def test_a_key_of_no_source(caller: CallerAs) -> None:
    """A key of a source that is not there is refused."""
    assert caller(Role.ADMIN).post("/api/v1/keys", json={"source": "none"}).status_code == 404


def test_health(caller: CallerAs, world: World) -> None:
    """Health is judged by progress: not ready while it starts, not live while it is stuck."""
    nobody = caller(None)
    assert [nobody.get(f"/health/{kind}").status_code for kind in ("live", "ready")] == [200, 200]
    world.runtime.ready = False
    assert [nobody.get(f"/health/{kind}").status_code for kind in ("live", "ready")] == [200, 503]
    world.runtime.ready, world.runtime.stuck = True, True
    answer = nobody.get("/health/live")
    assert (answer.status_code, answer.json()["ok"]) == (503, False)
    assert answer.json()["reason_zh"]


def test_figures(caller: CallerAs) -> None:
    """Prometheus gets its text."""
    answer = caller(None).get("/metrics")
    assert answer.text == "early_warning_up 1.0\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
