"""A small city's services in memory, with alerts as an operator meets them, behind the real application."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from argon2 import PasswordHasher
from starlette.types import ASGIApp

from tests.warning import samples
from tests.warning.service.fakes import MemoryAccountStore, MemoryAlertStore, MemoryPlanStore
from tests.warning.web.browser import Browser
from warning.api.app import create_app
from warning.domain.account import Role
from warning.domain.alert import Alert, Headline
from warning.domain.area import AreaRegister, AreaRow
from warning.domain.reject import RejectReason
from warning.service.accounts import Accounts
from warning.service.credentials import Passwords
from warning.service.desk import Desk
from warning.service.planning import Planning
from warning.service.ports import (
    Condition,
    DeadLetter,
    Freshness,
    ItemAnswer,
    Page,
)
from warning.service.services import Services
from warning.web.pages import build_error_page, build_router, static_files

NOW = samples.NINE + timedelta(hours=4)
PASSWORD = "four unrelated words"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class MemoryLetters:
    """Dead letters, and their replay."""

    letters: list[DeadLetter] = field(default_factory=list)
    replayed: list[int] = field(default_factory=list)

    def find(
        self, *, source: str = "", reason: RejectReason | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeadLetter]:
        found = [
            letter
            for letter in reversed(self.letters)
            if source in {"", letter.source} and reason in {None, letter.reject.reason}
        ]
        start = int(cursor or 0)
        end = start + limit
        return Page(tuple(found[start:end]), str(end) if end < len(found) else None)

    def original(self, letter_id: int, *, reader: str, at: datetime) -> bytes | None:
        return None

    def counts(self) -> dict[tuple[str, RejectReason], int]:
        counts: dict[tuple[str, RejectReason], int] = {}
        for letter in self.letters:
            key = letter.source, letter.reject.reason
            counts[key] = counts.get(key, 0) + 1
        return counts

    def replay(self, letter_ids: Sequence[int], *, actor: str) -> list[ItemAnswer]:
        self.replayed += letter_ids
        return [
            ItemAnswer(index=n, ticket_id=f"t{i}", accepted=i % 2 == 1, reject=None if i % 2 else samples.reject())
            for n, i in enumerate(letter_ids)
        ]


@dataclass
class StillRuntime:
    """A runtime that moves no data: it says what it is told to."""

    alerts: MemoryAlertStore
    state: Condition = field(
        default_factory=lambda: Condition(
            ready=True,
            progress="",
            applied_position=100,
            newest_position=100,
            applied_at=NOW,
            watermark=NOW - timedelta(hours=1),
            snapshot_at=NOW,
            freshness=(
                Freshness(
                    source="hotline",
                    last_received_at=NOW - timedelta(minutes=1),
                    last_event_at=NOW - timedelta(minutes=3),
                    silent=False,
                ),
                Freshness(source="app", last_received_at=NOW, last_event_at=NOW - timedelta(minutes=2), silent=False),
            ),
        )
    )

    def condition(self) -> Condition:
        return self.state

    def now(self) -> datetime:
        return NOW

    def wait_for_feed(self, sequence: int, timeout: float) -> bool:
        until = time.monotonic() + timeout
        while self.alerts.feed_bounds()[1] <= sequence and time.monotonic() < until:
            time.sleep(0.02)
        return self.alerts.feed_bounds()[1] > sequence


REGISTER = AreaRegister.from_rows(
    [
        AreaRow("New York City", name_zh="纽约市", name_en="New York City"),
        AreaRow("QUEENS", name_zh="皇后区", name_en="Queens", parent="New York City"),
        AreaRow("BROOKLYN", name_zh="布鲁克林", name_en="Brooklyn", parent="New York City"),
    ]
)


@dataclass
class City:
    """The services and what stands behind them; users are named as their roles."""

    services: Services
    alerts: MemoryAlertStore
    letters: MemoryLetters
    plans: MemoryPlanStore
    runtime: StillRuntime

    def raise_alert(self, identity: str = "burst", **changes: Any) -> Alert:
        """Put an alert in, with its own signal and the course of its series."""
        lead = samples.signal(f"sig-{identity}")
        alert = samples.alert(identity, **{"lead_signal_id": lead.id, "signal_ids": (lead.id,)} | changes)
        first = not self.alerts.feed
        self.alerts.put(alert, [lead], samples.course() if first else ())
        return alert

    def app(self) -> ASGIApp:
        return create_app(
            self.services,
            [build_router(self.services)],
            static=static_files(),
            error_page=build_error_page(self.services),
        )

    def visitor(self, role: Role | None = Role.REVIEWER, language: str = "en") -> Browser:
        """A browser without script; signed in, unless there is no role."""
        browser = Browser(self.app(), self.services.prefix, language)
        if role is not None:
            token = self.services.accounts.one_time_token(role.value)
            assert browser.post("/sign-in/once", token=token).status == 200
        return browser


def city(**changes: Any) -> City:
    alerts, letters, plans = MemoryAlertStore(), MemoryLetters(), MemoryPlanStore(lambda: NOW)
    runtime = StillRuntime(alerts)
    accounts = Accounts(MemoryAccountStore(), now=lambda: NOW, passwords=QUICK)
    for role in Role:
        accounts.create_user(role.value, role, PASSWORD)
    services = Services(
        jurisdiction="New York City",
        zone="America/New_York",
        register=REGISTER,
        desk=Desk(alerts, register=REGISTER, now=lambda: NOW, protection_days=14),
        accounts=accounts,
        planning=Planning(plans, jurisdiction="New York City", now=lambda: NOW),
        intake=cast("Any", None),
        letters=letters,
        replay=letters,
        history=cast("Any", None),
        runtime=runtime,
        metrics=lambda: (b"", "text/plain"),
        version="0.1.0",
        **changes,
    )
    return City(services, alerts, letters, plans, runtime)


def busy_city(**changes: Any) -> City:
    """The city on a busy day: alerts of all severities and states, one reviewed, one assigned."""
    made = city(**changes)
    made.raise_alert("small", severity=28, raised_at=samples.NINE - timedelta(hours=20), observed=9, flags=())
    made.raise_alert(
        "slow",
        severity=52,
        raised_at=samples.NINE - timedelta(hours=7),
        departments=("DOT", "NYPD"),
        categories=("Noise",),
        headline=Headline(
            zh="Noise: 皇后区 2020-01-02 00:00-01:00 共 41 件, 预计约 12 件 (3.4 倍)",
            en="Noise: 41 tickets in Queens between 2020-01-02 00:00 and 01:00, about 12 expected (3.4 times)",
        ),
        observed=41,
        expected=12.1,
        upper_bound=29.0,
        areas=("New York City/QUEENS",),
    )
    made.raise_alert("burst")
    return made


def letters() -> list[DeadLetter]:
    """Three refused items, of two sources; the middle one was sent in again."""
    why = (RejectReason.BAD_TIME, RejectReason.BAD_AREA, RejectReason.BAD_TIME)
    return [
        DeadLetter(
            id=n + 1,
            at=NOW - timedelta(hours=5 - n),
            source="app" if n == 1 else "hotline",
            reject=replace(samples.reject(17 + n), reason=reason),
            replayed_at=NOW - timedelta(hours=1) if n == 1 else None,
            original_until=NOW + timedelta(hours=40),
        )
        for n, reason in enumerate(why)
    ]
