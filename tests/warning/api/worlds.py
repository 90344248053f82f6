"""A whole application on stand-ins, with an account of every role and a key, and a client to call it with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from fastapi import APIRouter, FastAPI

from tests.warning.api.fakes import (
    MemoryAlerts,
    MemoryHistory,
    MemoryIntake,
    MemoryLetters,
    MemoryPlans,
    MemoryReplay,
    MemoryRuntime,
)
from tests.warning.samples import alert, course, reject, signal
from tests.warning.service.accounts_in_memory import START, MemoryAccountStore, TurnedClock, accounts_on
from warning.api.app import ErrorPage, create_app
from warning.api.limits import Limits
from warning.domain.account import Role
from warning.domain.area import AreaRegister
from warning.domain.handling import Handling
from warning.service.accounts import Accounts
from warning.service.desk import Desk
from warning.service.planning import Planning
from warning.service.ports import AlertView, DeadLetter
from warning.service.services import Services

PASSWORD = "four unrelated words"
SOURCE = "hotline"
ALERT = "alert-7f3a"


@dataclass
class World:
    """The stand-ins behind the services; tests look at them and turn them."""

    clock: TurnedClock
    accounts: Accounts
    alerts: MemoryAlerts
    letters: MemoryLetters
    intake: MemoryIntake
    replay: MemoryReplay
    history: MemoryHistory
    runtime: MemoryRuntime
    plans: MemoryPlans
    services: Services
    key: str
    tokens: dict[Role, tuple[str, str]]

    def app(
        self,
        *routers: APIRouter,
        limits: Limits | None = None,
        error_page: ErrorPage | None = None,
        **changes: Any,
    ) -> FastAPI:
        """The application, with some of its services changed."""
        return create_app(replace(self.services, **changes), routers, limits=limits, error_page=error_page)


def make_world() -> World:
    clock, alerts = TurnedClock(), MemoryAlerts()
    accounts = accounts_on(MemoryAccountStore(), clock)
    accounts.add_source(SOURCE, "canonical", "市民热线", "Hotline")
    tokens = {}
    for role in Role:
        accounts.create_user(role.value, role, PASSWORD)
        signed_in = accounts.sign_in(role.value, PASSWORD)
        tokens[role] = (signed_in.token, signed_in.csrf)
    alerts.views[ALERT] = AlertView(alert=alert(ALERT), handling=Handling(alert_id=ALERT))
    alerts.found_signals, alerts.points = [signal("sig-b"), signal()], course()
    letters = MemoryLetters([DeadLetter(id=17, at=START, source=SOURCE, reject=reject())], {17: b"\xe5\xb7\xa5{"})
    intake, plans, runtime = MemoryIntake(now=START), MemoryPlans(), MemoryRuntime(START, alerts)
    replay, history = MemoryReplay(), MemoryHistory()
    register = AreaRegister()
    services = Services(
        jurisdiction="New York City",
        zone="America/New_York",
        register=register,
        desk=Desk(alerts, register=register, now=clock, protection_days=14.0),
        accounts=accounts,
        planning=Planning(plans, jurisdiction="New York City", now=clock),
        intake=intake,
        letters=letters,
        replay=replay,
        history=history,
        runtime=runtime,
        metrics=lambda: (b"early_warning_up 1.0\n", "text/plain; version=0.0.4; charset=utf-8"),
        version="0.1.0",
    )
    key = accounts.add_key(SOURCE).secret
    return World(clock, accounts, alerts, letters, intake, replay, history, runtime, plans, services, key, tokens)


@dataclass
class Caller:
    """Calls an application in memory, as somebody."""

    app: FastAPI
    portal: BlockingPortal
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **request: Any) -> httpx.Response:
        """Send a request and return the whole response."""
        response: httpx.Response = self.portal.call(self._call, method, path, self.headers | (headers or {}), request)
        return response

    def get(self, path: str, **request: Any) -> httpx.Response:
        return self.call("GET", path, **request)

    def post(self, path: str, **request: Any) -> httpx.Response:
        return self.call("POST", path, **request)

    async def _call(self, method: str, path: str, headers: dict[str, str], request: dict[str, Any]) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://city.example") as client:
            encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
            return await client.request(method, path, headers=encoded, **request)


def headers_of(world: World, who: Role | str | None) -> dict[str, str]:
    """The headers of a person of a role, of the platform's key ("key"), or of nobody."""
    if who is None:
        return {}
    if not isinstance(who, Role):
        return {"Authorization": f"Bearer {world.key}"}
    token, csrf = world.tokens[who]
    return {"Cookie": f"ew_session={token}", "X-CSRF-Token": csrf}
