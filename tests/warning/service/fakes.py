"""In-memory stores for the services' ports, held to the same contracts as the real ones (see ``contracts.py``)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.warning.service.accounts_in_memory import MemoryAccountStore, TurnedClock
from warning.domain.alert import Alert
from warning.domain.area import AreaPath
from warning.domain.control import Control
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Handling, HandlingEntry
from warning.domain.signal import Signal
from warning.service.errors import BadInputError
from warning.service.ports import (
    SORTS,
    AlertQuery,
    AlertView,
    ConflictError,
    FeedEvent,
    Page,
    Plan,
    ReviewQueue,
)

__all__ = ["MemoryAccountStore", "MemoryAlertStore", "MemoryPlanStore", "TurnedClock"]


@dataclass
class MemoryAlertStore:
    """An AlertStore over dictionaries; ``log`` holds the control records, ``put`` writes as the engine would."""

    log: list[Control] = field(default_factory=list)
    feed: list[FeedEvent] = field(default_factory=list)
    _alerts: dict[str, Alert] = field(default_factory=dict)
    _signals: dict[str, Signal] = field(default_factory=dict)
    _course: list[EvidencePoint] = field(default_factory=list)
    _handlings: dict[str, Handling] = field(default_factory=dict)
    _entries: list[HandlingEntry] = field(default_factory=list)

    def put(self, alert: Alert, signals: Sequence[Signal] = (), course: Sequence[EvidencePoint] = ()) -> None:
        before = self._alerts.get(alert.id)
        self._alerts[alert.id] = alert
        for alias in alert.aliases:
            self._alerts.pop(alias, None)
        self._signals |= {signal.id: signal for signal in signals}
        self._course += course
        for line in alert.history[0 if before is None else len(before.history) :]:
            self._tell(line.at, "alert", alert.id, line.rule)
        for alias in set(alert.aliases).difference(() if before is None else before.aliases):
            self._tell(alert.updated_at, "alert", alias, "MERGE-1")

    def find(self, query: AlertQuery) -> Page[AlertView]:
        if query.sort not in SORTS:
            raise BadInputError("sort", f"{query.sort!r} is not known", "Use another.", "sort: 未知排序。")
        views = [view for view in map(self._view, self._alerts.values()) if _fits(view, query)]
        views.sort(key=lambda view: _rank(view, query.sort), reverse=query.sort.startswith("-"))
        if query.cursor is not None:
            last = _read(query.cursor, query.sort)
            backwards = query.sort.startswith("-")
            views = [v for v in views if (_rank(v, query.sort) < last if backwards else _rank(v, query.sort) > last)]
        page = views[: query.limit]
        return Page(tuple(page), _cursor(page[-1], query.sort) if len(views) > query.limit else None)

    def get(self, alert_id: str) -> AlertView | None:
        found = [alert for alert in self._alerts.values() if alert_id in (alert.id, *alert.aliases)]
        return self._view(found[0]) if found else None

    def signals(self, alert_id: str) -> list[Signal]:
        view = self.get(alert_id)
        return [] if view is None else [self._signals[i] for i in view.alert.signal_ids if i in self._signals]

    def course(self, alert_id: str) -> list[EvidencePoint]:
        view = self.get(alert_id)
        lead = None if view is None else self._signals.get(view.alert.lead_signal_id)
        mine = [p for p in self._course if lead and (p.series, p.length) == (lead.series, lead.length)]
        return sorted(mine, key=lambda point: point.start)

    def entries(self, alert_id: str) -> list[HandlingEntry]:
        view = self.get(alert_id)
        ids = () if view is None else (view.alert.id, *view.alert.aliases)
        mine = [entry for entry in self._entries if entry.alert_id in ids]
        return sorted(mine, key=lambda entry: (entry.at, entry.version, entry.alert_id))

    def act(self, handling: Handling, entry: HandlingEntry, controls: Sequence[Control]) -> None:
        stored = self._handlings.get(handling.alert_id, Handling(alert_id=handling.alert_id))
        if stored.version != handling.version - 1:
            raise ConflictError(stored, handling.version - 1)
        self._handlings[handling.alert_id] = handling
        self._entries.append(entry)
        self.log += controls
        self._tell(entry.at, "handling", handling.alert_id, entry.rule)

    def snoozed_before(self, moment: datetime) -> list[Handling]:
        return [h for h in self._handlings.values() if h.snoozed_until is not None and h.snoozed_until <= moment]

    def review_queue(self) -> ReviewQueue:
        waiting = [view.alert.raised_at for view in map(self._view, self._alerts.values()) if view.needs_review]
        return ReviewQueue(len(waiting), min(waiting, default=None))

    def feed_after(self, sequence: int, limit: int) -> list[FeedEvent]:
        return [event for event in self.feed if event.sequence > sequence][:limit]

    def feed_bounds(self) -> tuple[int, int]:
        return (self.feed[0].sequence, self.feed[-1].sequence) if self.feed else (0, 0)

    def _view(self, alert: Alert) -> AlertView:
        return AlertView(alert=alert, handling=self._handlings.get(alert.id, Handling(alert_id=alert.id)))

    def _tell(self, at: datetime, kind: str, subject: str, change: str) -> None:
        sequence = self.feed[-1].sequence + 1 if self.feed else 1
        self.feed.append(FeedEvent(sequence=sequence, at=at, kind=kind, subject=subject, change=change))


@dataclass
class MemoryPlanStore:
    """A PlanStore over a dictionary; ``log`` holds the control records."""

    now: Callable[[], datetime]
    log: list[Control] = field(default_factory=list)
    _plans: dict[str, Plan] = field(default_factory=dict)

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        kept = [plan for plan in self._plans.values() if include_past or plan.end > self.now()]
        return sorted(kept, key=lambda plan: (plan.start, plan.id))

    def save(self, plan: Plan, control: Control) -> None:
        self._plans[plan.id] = replace(plan)
        self.log.append(control)


def _fits(view: AlertView, query: AlertQuery) -> bool:
    alert, handling = view.alert, view.handling
    return all(
        [
            not query.status or view.status in query.status,
            not query.disposition or handling.disposition in query.disposition,
            query.needs_review is None or view.needs_review is query.needs_review,
            not query.flag or bool(query.flag & {flag.code for flag in alert.flags}),
            not query.area or any(_touches(query.area, area) for area in alert.areas),
            not query.category or query.category in alert.categories,
            not query.department or query.department in alert.departments,
            not query.channel or query.channel in alert.channels,
            not query.assignee or query.assignee == handling.assignee,
            alert.severity >= query.severity_min,
            query.raised_from is None or alert.raised_at >= query.raised_from,
            query.raised_until is None or alert.raised_at < query.raised_until,
        ]
    )


def _touches(wanted: str, area: str) -> bool:
    one, other = AreaPath.parse(wanted), AreaPath.parse(area)
    return one.contains(other) or other.contains(one)


def _rank(view: AlertView, sort: str) -> tuple[Any, ...]:
    alert, raised = view.alert, view.alert.raised_at.timestamp()
    match sort.removeprefix("-"):
        case "severity":
            return alert.severity, raised, alert.id
        case "updated_at":
            return alert.updated_at.timestamp(), alert.id
        case _:
            return raised, alert.id


def _cursor(view: AlertView, sort: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, *_rank(view, sort)]).encode()).decode()


def _read(cursor: str, sort: str) -> tuple[Any, ...]:
    try:
        written, *rank = json.loads(base64.urlsafe_b64decode(cursor))
    except ValueError as error:
        raise BadInputError("cursor", "is none", "Leave it out.", "cursor: 无效。") from error
    if written != sort:
        raise BadInputError("cursor", "is of another order", "Leave it out.", "cursor: 不属于该排序。")
    return tuple(rank)
