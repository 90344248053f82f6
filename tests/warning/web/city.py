"""A small city's services in memory, with alerts as an operator meets them, behind the real application."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from argon2 import PasswordHasher
from starlette.types import ASGIApp

from tests.warning import samples
from tests.warning.service.accounts_in_memory import MemoryAccountStore
from tests.warning.web.browser import Browser
from warning.api.app import create_app
from warning.domain.account import Role
from warning.domain.alert import Alert, Disposition
from warning.domain.area import AreaRegister, AreaRow
from warning.domain.control import Control
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Handling, HandlingEntry
from warning.domain.reject import RejectReason
from warning.domain.signal import Signal
from warning.service.accounts import Accounts
from warning.service.credentials import Passwords
from warning.service.desk import Desk
from warning.service.planning import Planning
from warning.service.ports import (
    AlertQuery,
    AlertView,
    Condition,
    ConflictError,
    DeadLetter,
    FeedEvent,
    Freshness,
    ItemAnswer,
    Page,
    Plan,
    ReviewQueue,
)
from warning.service.services import Services
from warning.web.pages import build_error_page, build_router, static_files

NOW = samples.NINE + timedelta(hours=4)
PASSWORD = "four unrelated words"
QUICK = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@dataclass
class MemoryAlerts:
    """An AlertStore of alerts held in memory, as far as the page asks; ``change`` wakes those who wait."""

    kept: dict[str, AlertView] = field(default_factory=dict)
    signals_of: dict[str, list[Signal]] = field(default_factory=dict)
    course_of: dict[str, list[EvidencePoint]] = field(default_factory=dict)
    written: list[HandlingEntry] = field(default_factory=list)
    feed: list[FeedEvent] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, alert: Alert, *, change: str = "OPEN-1") -> None:
        old = self.kept.get(alert.id)
        self.kept[alert.id] = AlertView(alert=alert, handling=old.handling if old else Handling(alert_id=alert.id))
        self.signals_of.setdefault(alert.id, [samples.signal()])
        self.course_of.setdefault(alert.id, samples.course())
        self.tell("alert", alert.id, change)

    def tell(self, kind: str, subject: str, change: str) -> None:
        with self.changed:
            self.feed.append(FeedEvent(sequence=len(self.feed) + 1, at=NOW, kind=kind, subject=subject, change=change))
            self.changed.notify_all()

    def find(self, query: AlertQuery) -> Page[AlertView]:
        found = [view for view in self.kept.values() if _matches(view, query)]
        field_name = query.sort.removeprefix("-")
        found.sort(key=lambda view: (getattr(view.alert, field_name), view.alert.id), reverse=query.sort[0] == "-")
        start = int(query.cursor or 0)
        end = start + query.limit
        return Page(tuple(found[start:end]), str(end) if end < len(found) else None)

    def get(self, alert_id: str) -> AlertView | None:
        merged = [view for view in self.kept.values() if alert_id in view.alert.aliases]
        return self.kept.get(alert_id) or next(iter(merged), None)

    def signals(self, alert_id: str) -> list[Signal]:
        return self.signals_of[alert_id]

    def course(self, alert_id: str) -> list[EvidencePoint]:
        return self.course_of[alert_id]

    def entries(self, alert_id: str) -> list[HandlingEntry]:
        return [entry for entry in self.written if entry.alert_id == alert_id]

    def act(self, handling: Handling, entry: HandlingEntry, controls: Sequence[Control]) -> None:
        view = self.kept[handling.alert_id]
        if view.handling.version != handling.version - 1:
            raise ConflictError(view.handling, handling.version - 1)
        self.kept[handling.alert_id] = replace(view, handling=handling)
        self.written.append(entry)
        self.tell("handling", handling.alert_id, entry.rule)

    def review_queue(self) -> ReviewQueue:
        waiting = [view.alert.raised_at for view in self.kept.values() if view.needs_review]
        return ReviewQueue(len(waiting), min(waiting, default=None))

    def snoozed_before(self, moment: datetime) -> list[Handling]:
        return []

    def sensitivity(self, series: str) -> float:
        return 1.0

    def feed_after(self, sequence: int, limit: int) -> list[FeedEvent]:
        return self.feed[sequence : sequence + limit]

    def feed_bounds(self) -> tuple[int, int]:
        return (1, len(self.feed)) if self.feed else (0, 0)


def _matches(view: AlertView, query: AlertQuery) -> bool:
    alert = view.alert
    return all(
        (
            not query.status or view.status in query.status,
            query.needs_review is None or view.needs_review == query.needs_review,
            not query.flag or any(flag.code in query.flag for flag in alert.flags),
            not query.area or any(area.startswith(query.area) for area in alert.areas),
            not query.category or query.category in alert.categories,
            not query.department or query.department in alert.departments,
            alert.severity >= query.severity_min,
            query.raised_from is None or alert.raised_at >= query.raised_from,
            query.raised_until is None or alert.raised_at < query.raised_until,
        )
    )


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
class MemoryPlans:
    """Planned events."""

    kept: dict[str, Plan] = field(default_factory=dict)

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        ahead = [plan for plan in self.kept.values() if include_past or plan.end > NOW]
        return sorted(ahead, key=lambda plan: plan.start)

    def save(self, plan: Plan, control: Control) -> None:
        self.kept[plan.id] = plan


@dataclass
class StillRuntime:
    """A runtime that moves no data: it says what it is told to."""

    alerts: MemoryAlerts
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
        with self.alerts.changed:
            return self.alerts.changed.wait_for(lambda: len(self.alerts.feed) > sequence, timeout)


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
    alerts: MemoryAlerts
    letters: MemoryLetters
    plans: MemoryPlans
    runtime: StillRuntime

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
            assert browser.get("/sign-in/once", token=token).status == 200
        return browser


def city(**changes: Any) -> City:
    alerts, letters, plans = MemoryAlerts(), MemoryLetters(), MemoryPlans()
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
        runtime=runtime,
        metrics=lambda: (b"", "text/plain"),
        version="0.1.0",
        **changes,
    )
    return City(services, alerts, letters, plans, runtime)


def busy_city(**changes: Any) -> City:
    """The city on a busy day: alerts of all severities and states, one reviewed, one assigned."""
    made = city(**changes)
    made.alerts.put(samples.alert("burst"))
    made.alerts.put(
        samples.alert(
            "slow",
            severity=52,
            raised_at=samples.NINE - timedelta(hours=7),
            departments=("DOT", "NYPD"),
            categories=("Noise",),
            headline=replace(
                samples.alert().headline,
                zh="Noise: 皇后区 2020-01-02 00:00-01:00 共 41 件, 预计约 12 件 (3.4 倍)",
                en="Noise: 41 tickets in Queens between 2020-01-02 00:00 and 01:00, about 12 expected (3.4 times)",
            ),
            observed=41,
            expected=12.1,
            upper_bound=29.0,
            areas=("New York City/QUEENS",),
        )
    )
    made.alerts.put(
        samples.alert("small", severity=28, raised_at=samples.NINE - timedelta(hours=20), observed=9, flags=())
    )
    return made


def reviewed(made: City, alert_id: str, disposition: Disposition = Disposition.CONFIRMED) -> None:
    from warning.domain.handling import Act, Command

    version = made.services.desk.detail(alert_id).view.handling.version
    made.services.desk.act(
        alert_id, version, Command(act=Act.REVIEW, actor="reviewer", at=NOW, disposition=disposition)
    )
