"""Alerts as a policy makes them of hand-made signals, in a store, on a desk."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.warning.policy.signals import MONDAY, hours, register, signal
from tests.warning.policy.signals import Desk as PolicyDesk
from tests.warning.service.fakes import MemoryAlertStore, TurnedClock
from warning.domain.alert import Alert, Disposition
from warning.domain.handling import Act, Command
from warning.domain.signal import Signal
from warning.service.desk import Desk
from warning.service.ports import AlertQuery

NOW = MONDAY + hours(30)
PROTECTION_DAYS = 14


def alert_of(*signals: Signal) -> Alert:
    """Let a policy raise one alert on signals."""
    return PolicyDesk(areas=register()).one(*signals)


def filled(*names: str) -> MemoryAlertStore:
    """Store one alert of each category, raised in their order, an hour apart."""
    store = MemoryAlertStore()
    policy = PolicyDesk(areas=register())
    for name in names:
        evidence = signal(name)
        store.put(policy.one(evidence, later=timedelta(hours=1)), [evidence])
    return store


def desk_of(store: MemoryAlertStore, now: datetime = NOW) -> tuple[Desk, TurnedClock]:
    clock = TurnedClock(now)
    return Desk(store, register=register(), now=clock, protection_days=PROTECTION_DAYS), clock


def command(act: Act, **more: Any) -> Command:
    given: dict[str, Any] = {"act": act, "actor": "li", "at": NOW} | more
    return Command(**given)


def review(disposition: Disposition, **more: Any) -> Command:
    return command(Act.REVIEW, disposition=disposition, **more)


def id_of(store: MemoryAlertStore, name: str) -> str:
    """Return the id of the alert about a category."""
    return next(view.alert.id for view in store.find(AlertQuery(limit=1000)).items if name in view.alert.categories)
