"""Hand-made signals of a small city, and a desk that hands them to a policy tick by tick."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from warning.domain.alert import Alert
from warning.domain.area import Area, AreaPath, AreaRegister
from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import EvidenceState, ExampleTicket, Signal
from warning.policy.alerting import AlertPolicy
from warning.policy.config import PolicyConfig

QUARTER, HOUR, DAY, WEEK = BucketLength
CATEGORY, TOTAL, DEPARTMENT, CHANNEL = SeriesKind
PROVISIONAL, FINAL, WITHDRAWN = EvidenceState
MONDAY = datetime(2024, 5, 6, tzinfo=timezone(timedelta(hours=8)))
LASTS = {QUARTER: timedelta(minutes=15), HOUR: timedelta(hours=1), DAY: timedelta(days=1), WEEK: timedelta(days=7)}
LONG_AGO = MONDAY - timedelta(days=99)
"""A watermark at which nothing is over."""
CONFIG = PolicyConfig()


def hours(number: float) -> timedelta:
    return timedelta(hours=number)


def signal(name: str = "Noise", area: str = "City", **changes: Any) -> Signal:
    """Give evidence that qualifies: 40 tickets of a category where 5 were expected, on Monday, and no chance.

    ``kind``, ``length``, ``start``, ``recurrence`` and ``updated_at`` fill in what goes with them.
    """
    kind, length = changes.pop("kind", CATEGORY), changes.pop("length", DAY)
    start = changes.pop("start", MONDAY)
    end = start + LASTS[length]
    updated_at = changes.pop("updated_at", end)
    base = Signal(
        id=f"{kind.value} {name} {area} {length.value} {start:%d %H:%M}",
        jurisdiction="City",
        detector="surge",
        kind="surge",
        series=SeriesKey(kind, area, name),
        length=length,
        window_start=start,
        window_end=end,
        raised_at=updated_at,
        updated_at=updated_at,
        state=FINAL,
        observed=40,
        expected=5.0,
        upper_bound=14.0,
        p_value=1e-9,
        score=3.9,
        recurrence_interval_days=changes.pop("recurrence", 1e5),
        history_days=90.0,
    )
    return replace(base, **changes)


def weak(name: str = "Noise", area: str = "City", **changes: Any) -> Signal:
    """Give evidence that alone is no reason to look."""
    return signal(name, area, **{"recurrence": 20.0, "observed": 12} | changes)


def total(area: str = "City", **changes: Any) -> Signal:
    return signal("", area, kind=TOTAL, **changes)


def department(name: str, **changes: Any) -> Signal:
    return signal(name, kind=DEPARTMENT, **changes)


def channel(name: str, **changes: Any) -> Signal:
    return signal(name, kind=CHANNEL, **changes)


def example(text: str) -> ExampleTicket:
    return ExampleTicket(source="desk", ticket_id=text, created_at=MONDAY, area="City", text=text)


def register() -> AreaRegister:
    """Describe a city of three districts in a row: East touches Middle, Middle touches West."""
    east, middle, west = (AreaPath(("City", name)) for name in ("East", "Middle", "West"))
    return AreaRegister(
        [
            Area(AreaPath(("City",)), "本市", "the city"),
            Area(east, "东区", "East End", frozenset({middle})),
            Area(middle, "中区", "Middle Town", frozenset({east, west})),
            Area(west, "西区", "West Side", frozenset({middle})),
        ]
    )


class Desk:
    """A policy, and the latest version of every alert it made."""

    def __init__(self, config: PolicyConfig = CONFIG, areas: AreaRegister | None = None) -> None:
        self.policy = AlertPolicy(config, areas)
        self.alerts: dict[str, Alert] = {}
        self.now = MONDAY + hours(9)

    def tick(self, *signals: Signal, watermark: datetime = LONG_AGO, later: timedelta = timedelta()) -> list[Alert]:
        """Judge one tick's signals, ``later`` than the last; returns the alerts that changed."""
        self.now += later
        changed = self.policy.judge(signals, self.now, watermark)
        self.alerts |= {alert.id: alert for alert in changed}
        return changed

    def one(self, *signals: Signal, **when: Any) -> Alert:
        """Judge a tick that changes exactly one alert, once."""
        (alert,) = self.tick(*signals, **when)
        return alert


def rules(alert: Alert) -> list[str]:
    return [line.rule for line in alert.history]
