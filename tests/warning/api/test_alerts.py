"""Alerts over HTTP: the list, one alert, and what people do about it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

import msgspec
import pytest

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import ALERT, World
from tests.warning.samples import alert
from warning.api.schemas import alerts as schemas
from warning.api.schemas.tickets import RejectOut
from warning.domain.account import Role
from warning.domain.alert import AlertStatus, Disposition, ReviewFlag
from warning.domain.handling import Handling
from warning.service.ports import AlertQuery, AlertView
from warning.store import records
from warning.store.encoding import to_plain


def _path(act: str = "") -> str:
    return f"/api/v1/alerts/{ALERT}" + (f"/{act}" if act else "")


@pytest.mark.parametrize(
    ("shown", "written"),
    [
        (schemas.SignalOut, records.SignalRecord),
        (schemas.EvidenceOut, records.EvidenceRecord),
        (schemas.SeriesOut, records.SeriesRecord),
        (schemas.ExampleOut, records.ExampleRecord),
        (schemas.FlagOut, records.FlagRecord),
        (schemas.TransitionOut, records.TransitionRecord),
        (schemas.WordsOut, records.HeadlineRecord),
        (RejectOut, records.RejectRecord),
    ],
)
def test_the_api_shows_what_the_files_hold(shown: Any, written: Any) -> None:
    """A thing has the same fields, in the same order, in the API and in the result files."""
    assert tuple(shown.model_fields) == written.__struct_fields__


def test_an_alert_has_the_files_fields_and_its_handling() -> None:
    """An alert has a file's fields and two more; one alert alone has those of ``explain --json`` and the entries."""
    alone = {"needs_review", "handling"}
    assert set(schemas.AlertOut.model_fields) == {*records.AlertRecord.__struct_fields__, *alone}
    explained = {*records.ExplanationRecord.__struct_fields__, "entries", *alone}
    assert set(schemas.AlertDetailOut.model_fields) == explained


def test_an_alert_reads_as_in_the_files(caller: CallerAs, world: World) -> None:
    """The values of an alert in the list are those a result file has, rounded alike."""
    (item,) = caller(Role.VIEWER).get("/api/v1/alerts").json()["items"]
    plain = to_plain(world.alerts.views[ALERT].alert)
    assert {name: item[name] for name in plain} == msgspec.json.decode(msgspec.json.encode(plain))
    assert item["handling"]["version"] == 0
    assert item["needs_review"] is True


def test_infinite_figures_are_said(caller: CallerAs, world: World) -> None:
    """A figure that JSON cannot say becomes the largest there is, as in the files."""
    world.alerts.views[ALERT] = AlertView(
        alert=alert(ALERT, recurrence_interval_days=inf), handling=Handling(alert_id=ALERT)
    )
    assert caller(Role.VIEWER).get(_path()).json()["recurrence_interval_days"] == 1e300


def test_filters_reach_the_desk(caller: CallerAs, world: World) -> None:
    """Every filter, the order and the page are what the desk is asked."""
    caller(Role.VIEWER).get(
        "/api/v1/alerts?status=open&status=snoozed&disposition=confirmed&needs_review=true&flag=high_impact"
        "&area=City/North&category=Noise&department=D&channel=app&assignee=wang&severity_min=50"
        "&raised_from=2026-01-01T00:00:00Z&raised_until=2026-02-01T00:00:00%2B08:00&sort=-severity&limit=7&cursor=14"
    )
    (asked,) = world.alerts.asked
    assert asked == AlertQuery(
        status=frozenset({AlertStatus.OPEN, AlertStatus.SNOOZED}),
        disposition=frozenset({Disposition.CONFIRMED}),
        needs_review=True,
        flag=frozenset({ReviewFlag.HIGH_IMPACT}),
        area="City/North",
        category="Noise",
        department="D",
        channel="app",
        assignee="wang",
        severity_min=50,
        raised_from=datetime(2026, 1, 1, tzinfo=UTC),
        raised_until=datetime(2026, 1, 31, 16, tzinfo=UTC),
        sort="-severity",
        limit=7,
        cursor="14",
    )
    assert all(getattr(asked, field.name) != field.default for field in fields(asked))


def test_pages_follow_each_other(caller: CallerAs, world: World) -> None:
    """Following the cursors gives every alert once."""
    names = [f"alert-{number}" for number in range(7)]
    world.alerts.views = {n: AlertView(alert=alert(n), handling=Handling(alert_id=n)) for n in names}
    seen: list[str] = []
    wanted: dict[str, Any] = {"limit": 3}
    while not seen or wanted.get("cursor"):
        page = caller(Role.VIEWER).get("/api/v1/alerts", params=wanted).json()
        seen += [item["id"] for item in page["items"]]
        wanted["cursor"] = page["next_cursor"]
    assert seen == names


def test_an_alert_is_explained(caller: CallerAs, world: World) -> None:
    """One alert comes with its reason, its signals (the leading one first), its course, and parts that sum up."""
    found = caller(Role.VIEWER).get(_path()).json()
    assert [signal["id"] for signal in found["signals"]] == ["sig-a", "sig-b"]
    assert sum(part[1] for part in found["parts"]) == found["observed"]
    assert len(found["course"]) == len(world.alerts.points)
    assert found["reason"]["zh"]
    assert found["zone"] == "America/New_York"


ACTS: list[tuple[str, dict[str, Any], str, str]] = [
    ("acknowledge", {"reason": "on it"}, "acknowledged", "ACK-1"),
    ("assign", {"assignee": "wang"}, "acknowledged", "ASSIGN-1"),
    ("note", {"reason": "seen"}, "open", "NOTE-1"),
    ("snooze", {"until": "2026-03-02T12:00:00+01:00"}, "snoozed", "SNOOZE-1"),
    ("close", {}, "closed", "CLOSE-2"),
]


@pytest.mark.parametrize(("act", "body", "status", "rule"), ACTS, ids=[act for act, *_ in ACTS])
def test_acts(act: str, body: dict[str, Any], status: str, rule: str, caller: CallerAs) -> None:
    """An act changes the alert by a named rule, in the actor's name, and the answer is the alert as it is then."""
    operator = caller(Role.OPERATOR)
    answer = operator.post(_path(act), json={"version": 0} | body)
    assert (answer.status_code, answer.json()["status"]) == (200, status)
    assert answer.json()["handling"]["version"] == 1
    (entry,) = operator.get(_path()).json()["entries"]
    assert (entry["rule"], entry["actor"]) == (rule, "operator")
    assert {name: entry[name] for name in body if name != "until"} == {n: v for n, v in body.items() if n != "until"}


def test_reopening(caller: CallerAs) -> None:
    """A closed alert is taken up again."""
    operator = caller(Role.OPERATOR)
    operator.post(_path("close"), json={"version": 0})
    assert operator.post(_path("reopen"), json={"version": 1, "reason": "again"}).json()["status"] == "open"


def test_a_review_says_what_it_taught(caller: CallerAs) -> None:
    """A disposition is on the alert with its reviewer, and the history says in both languages what it taught."""
    reviewer = caller(Role.REVIEWER)
    answer = reviewer.post(_path("review"), json={"version": 0, "disposition": "false_alarm", "reason": "a fair"})
    assert answer.json()["handling"] | {"version": 1} == answer.json()["handling"]
    assert (answer.json()["handling"]["disposition"], answer.json()["handling"]["reviewer"]) == (
        "false_alarm",
        "reviewer",
    )
    assert answer.json()["needs_review"] is False
    (entry,) = reviewer.get(_path()).json()["entries"]
    assert entry["effect_zh"]
    assert entry["effect_en"]


def test_two_people_at_once(caller: CallerAs) -> None:
    """Who acts on what someone else has changed meanwhile gets 409 with the state as it is now."""
    operator = caller(Role.OPERATOR)
    operator.post(_path("assign"), json={"version": 0, "assignee": "wang"})
    late = operator.post(_path("close"), json={"version": 0})
    assert (late.status_code, late.json()["type"]) == (409, "/problems/conflict")
    assert late.json()["current"]["version"] == 1
    assert late.json()["current"]["assignee"] == "wang"


def test_what_does_not_fit_the_status(caller: CallerAs, world: World) -> None:
    """An act that the status does not allow is 409 and says so in both languages."""
    closed = Handling(alert_id=ALERT, version=1, status=AlertStatus.CLOSED)
    world.alerts.views[ALERT] = replace(world.alerts.views[ALERT], handling=closed)
    answer = caller(Role.OPERATOR).post(_path("snooze"), json={"version": 1, "until": "2099-01-01T00:00:00Z"})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/act-refused")
    assert answer.json()["detail_zh"] != answer.json()["detail_en"]


@pytest.mark.parametrize("call", [("GET", ""), ("POST", "/close")])
def test_no_such_alert(call: tuple[str, str], caller: CallerAs) -> None:
    """An id that is not there is 404."""
    method, act = call
    body = {"version": 0} if method == "POST" else None
    answer = caller(Role.OPERATOR).call(method, f"/api/v1/alerts/none{act}", json=body)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")
