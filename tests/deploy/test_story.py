"""The story that the deployment is for, through every service of the compose file, at work on this machine.

A platform pushes tickets by HTTP, another one by Kafka; an alert comes of them; a person reviews it; it is seen as a
metric; a worker is lost, which a rule notices and Alertmanager tells the operators; and Grafana's queries show it all.
What stands in for Docker is said in tests/deploy/host.py. One thing is set beside the file's own environment, as an
operator would in ``deploy/settings.env``: ``engine.warm_up_hours`` 0, because the first day only teaches otherwise.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from tests.deploy.dashboards import queries
from tests.deploy.stand import OURS, Stand
from tests.deploy.watchers import ask, missing

SETTINGS = {"EARLY_WARNING_ENGINE__WARM_UP_HOURS": "0"}
BY_HTTP, BY_KAFKA = 40, 40


@pytest.fixture(name="stand", scope="module")
def _stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    if missing():
        pytest.skip(f"no {', '.join(missing())} (Debian: prometheus, prometheus-alertmanager)")
    with Stand(tmp_path_factory.mktemp("stand"), SETTINGS) as stand:
        yield stand
        print(stand.logs())  # noqa: T201  shown when a test fails


@pytest.fixture(name="reviewer", scope="module")
def _reviewer(stand: Stand) -> Iterator[httpx.Client]:
    """Sign in a person whom the command line let in."""
    password = stand.run("users", "add", "wang", "--role", "reviewer").strip()
    with httpx.Client(base_url=f"{stand.address('api')}/api/v1", timeout=20, trust_env=False) as client:
        session = client.post("/session", json={"name": "wang", "password": password})
        assert session.status_code == 201, session.text
        client.headers["X-CSRF-Token"] = session.json()["csrf"]
        yield client


def _tickets(moment: datetime, first: int, count: int) -> list[dict[str, Any]]:
    """Make a surge of the minute before a moment, all in its quarter of an hour."""
    quarter = moment.replace(minute=moment.minute // 15 * 15, second=0, microsecond=0)
    return [
        {
            "ticket_id": f"T-{first + at}",
            "created_at": max(quarter, moment - timedelta(seconds=at % 50)).isoformat(),
            "area": "Springfield/North",
            "category": "Noise",
            "department": "Police",
            "channel": "app",
            "text": "Music since midnight",
        }
        for at in range(count)
    ]


def _surge(alert: dict[str, Any]) -> bool:
    return bool(alert["categories"] == ["Noise"] and alert["observed"] == BY_HTTP + BY_KAFKA)


@pytest.fixture(name="alert", scope="module")
def _alert(stand: Stand, reviewer: httpx.Client) -> dict[str, Any]:
    """Push tickets by both ways, and wait for the alert on all of them."""
    key = stand.run("keys", "add", "hotline", "--mapping", "canonical").strip()
    stand.run("keys", "add", "kafka", "--mapping", "canonical")
    moment = datetime.now(UTC)
    answer = httpx.post(
        f"{stand.address('api')}/api/v1/tickets",
        json=[*_tickets(moment, 0, BY_HTTP), {"ticket_id": "bad", "created_at": "yesterday"}],
        headers={"Authorization": f"Bearer {key}"},
        timeout=20,
        trust_env=False,
    )
    assert answer.status_code == 202, answer.text
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (BY_HTTP, 1)
    lines = "".join(json.dumps(ticket) + "\n" for ticket in _tickets(moment, BY_HTTP, BY_KAFKA))
    stand.run("cluster", "send", "-", text=lines)

    def raised() -> dict[str, Any] | None:
        alerts = reviewer.get("/alerts").raise_for_status().json()["items"]
        return next((alert for alert in alerts if _surge(alert)), None)

    return dict(stand.wait(raised, "an alert on all tickets"))


@pytest.fixture(name="reviewed", scope="module")
def _reviewed(reviewer: httpx.Client, alert: dict[str, Any]) -> dict[str, Any]:
    path = f"/alerts/{alert['id']}"
    version = reviewer.get(path).raise_for_status().json()["handling"]["version"]
    answer = reviewer.post(f"{path}/review", json={"version": version, "disposition": "confirmed", "reason": "a fair"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def _all_give_series(stand: Stand, named: list[tuple[str, str]]) -> None:
    """Wait until every query, given with its name, gives series; fails with the names of those that do not."""
    query, left = partial(ask, stand.address("prometheus")), list(named)

    def all_do() -> bool:
        left[:] = [(name, one) for name, one in left if not query(one)]
        return not left

    try:
        stand.wait(all_do, "series", 60)
    except AssertionError as error:
        found = [(name, query(one.rpartition(" ")[0].rpartition(" ")[0] or one)) for name, one in left]
        raise AssertionError(f"no series: {found}") from error


def test_every_service_of_ours_is_ready(stand: Stand) -> None:
    """Every container that the compose file starts of ours is there and ready, with the file's own command."""
    assert {worker.kind for worker in stand.workers} == set(OURS) - {"topics"}
    assert [worker.name for worker in stand.workers if not worker.ready()] == []


def test_tickets_become_an_alert(alert: dict[str, Any]) -> None:
    """Tickets by HTTP and by Kafka are counted together, and the alert says so in both languages."""
    # Series with the same counts are as unusual: which of them leads depends on when the ticks came.
    assert f"{BY_HTTP + BY_KAFKA} tickets in" in alert["headline"]["en"]
    assert re.search("[一-鿿]", alert["headline"]["zh"])


def test_a_review_is_kept(reviewer: httpx.Client, reviewed: dict[str, Any], alert: dict[str, Any]) -> None:
    """What a person decided stands on the alert, with who it was."""
    kept = reviewer.get(f"/alerts/{alert['id']}").raise_for_status().json()
    assert kept["handling"]["disposition"] == "confirmed"
    assert kept["handling"]["reviewer"] == "wang"


def test_all_of_it_is_a_metric(stand: Stand, reviewed: dict[str, Any]) -> None:
    """Prometheus has the tickets, the refusal, the alert and the review, scraped from where each is counted."""
    wanted = (
        f'sum(early_warning_tickets_total{{outcome="accepted"}}) == {BY_HTTP + BY_KAFKA}',
        'sum(early_warning_tickets_total{outcome="rejected"}) == 1',
        f'sum(early_warning_input_tickets_total{{topic="tickets.raw"}}) == {BY_KAFKA}',
        "sum(early_warning_alerts_total) >= 1",
        'sum(early_warning_http_requests_total{method="POST",route=~".*review",status="2xx"}) == 1',
        "max(early_warning_reviews_waiting) == 0",
        "sum(early_warning_clock_leader) == 1",
        'count(up{job=~"api|intake|detect|alerts"} == 1) == 5',
    )
    _all_give_series(stand, [(one, one) for one in wanted])


def test_every_panel_shows_something(stand: Stand, reviewed: dict[str, Any]) -> None:
    """Every query of every Grafana dashboard is taken by Prometheus and gives series."""
    _all_give_series(stand, list(queries()))


def test_a_lost_worker_is_told_to_the_operators(stand: Stand, reviewed: dict[str, Any]) -> None:
    """A worker that is killed makes a rule fire, which reaches the operators by Alertmanager, in both languages."""
    lost = [worker for worker in stand.workers if worker.kind == "detect"][-1]
    lost.kill()
    name = "EarlyWarningProcessDown"
    query = partial(ask, stand.address("prometheus"))
    stand.wait(lambda: query(f'ALERTS{{alertname="{name}",alertstate="firing"}}'), f"{name} fires")
    alerts = f"{stand.address('alertmanager')}/api/v2/alerts"
    stand.wait(lambda: name in httpx.get(alerts, trust_env=False).text, "it reaches Alertmanager")
    stand.wait(lambda: name in json.dumps(stand.received), "it is sent on")
    told = [each for message in stand.received for each in message["alerts"] if each["labels"]["alertname"] == name]
    assert {each["labels"]["instance"] for each in told} == {lost.address.removeprefix("http://")}
    assert told[0]["annotations"]["summary"] == "A process does not answer. 有进程无响应。"
