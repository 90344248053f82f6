"""The API on a real SQLite store keeps its description: whatever is sent, by whom ever (schemathesis)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.result import Ok

from tests.warning.api.servers import serving
from tests.warning.samples import alert, course, signal
from tests.warning.store.sql.steps import said
from warning.api.app import create_app
from warning.api.limits import Limits
from warning.bootstrap.live import build_live
from warning.domain.account import RIGHTS, Right, Role
from warning.settings import ServiceGroup, Settings

EXAMPLES, REFUSALS = 16, 2
"""Requests an operation and mode, to those who may and who may not; all roles together take about a minute."""
PASSWORD = "four unrelated words"
SOURCE, ALERT = "hotline", "alert-7f3a"
LEFT_OUT = {"ignored_auth", "positive_data_acceptance"}
"""The first leaves the caller's headers out and wants 401: tests/warning/api/test_matrix.py says more of rights. The
second wants all that fits a schema to be taken; what only its context makes wrong (a cursor of another list) does fit.
"""
LAST = ("DELETE", "/api/v1/session")
"""After it the role has no session any more."""
SKIPPED = {"/api/v1/alerts/stream", "/health/ready"}
"""The stream has no end, and an engine that stands still is not ready: tests/warning/api calls both."""


@dataclass(frozen=True)
class City:
    """A served application with an account of every role."""

    base: str
    description: dict[str, Any]
    headers: dict[str, dict[str, str]]


@pytest.fixture(scope="module", name="city")
def _city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """Serve an application on a new SQLite database with one alert; intake works, the engine stands still."""
    data = tmp_path_factory.mktemp("city")
    service = build_live(Settings(service=ServiceGroup(data=str(data))))
    said(service.database, alerts=[alert(ALERT)], signals=[signal(), signal("sig-b")], points=course())
    accounts = service.services.accounts
    accounts.add_source(SOURCE, "canonical")
    headers = {"nobody": {}, "key": {"Authorization": f"Bearer {accounts.add_key(SOURCE).secret}"}}
    for role in Role:
        accounts.create_user(role.value, role, PASSWORD)
        signed_in = accounts.sign_in(role.value, PASSWORD)
        headers[role.value] = {"Cookie": f"ew_session={signed_in.token}", "X-CSRF-Token": signed_in.csrf}
    service.worker.start()
    app = create_app(service.services, limits=Limits())
    try:
        with serving(app) as base:
            yield City(base, app.openapi(), headers)
    finally:
        service.worker.stop()
        service.database.close()


def _checks() -> Any:
    load_all_checks()
    return [check for check in CHECKS.get_all() if check.__name__ not in LEFT_OUT]


@pytest.mark.parametrize("who", ["nobody", "key", *(role.value for role in Role)])
def test_every_answer_is_as_described(who: str, city: City) -> None:
    """Whatever a role sends, well or badly formed, no answer is a failure or other than its description says."""
    schema = schemathesis.openapi.from_dict(_without_security(city.description))
    operations = [result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)]
    assert len(operations) == sum(map(len, city.description["paths"].values()))
    session = requests.Session()
    session.trust_env = False
    for operation in sorted(operations, key=lambda each: (each.method.upper(), each.path) == LAST):
        if operation.path in SKIPPED:
            continue
        examples = EXAMPLES if _may(who, operation.definition.raw) else REFUSALS
        for mode in schemathesis.GenerationMode:
            with suppress(Unsatisfiable):  # nothing can be sent badly where nothing is sent
                _try_all(operation.as_strategy(mode), examples, city.base, city.headers[who], session)


def _without_security(description: dict[str, Any]) -> dict[str, Any]:
    """Take out what schemathesis would make up credentials from: the test brings its own."""
    bare = copy.deepcopy(description)
    del bare["components"]["securitySchemes"]
    for operations in bare["paths"].values():
        for operation in operations.values():
            del operation["security"]
    return bare


def _may(who: str, operation: dict[str, Any]) -> bool:
    held = {"nobody": set[Right](), "key": {Right.PUSH}, **{role.value: set(RIGHTS[role]) for role in Role}}[who]
    return "x-rights" not in operation or bool(held & set(operation["x-rights"]))


def _try_all(strategy: Any, examples: int, base: str, headers: dict[str, str], session: requests.Session) -> None:
    checks = _checks()

    @seed(5)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def send(case: schemathesis.Case[Any]) -> None:
        response = case.call(base_url=base, headers=headers, session=session, timeout=20)
        case.validate_response(response, checks=checks)

    send()
