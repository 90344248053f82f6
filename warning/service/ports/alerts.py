"""Alerts, their evidence and their handling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warning.domain.alert import Alert, AlertStatus, Disposition, ReviewFlag
from warning.domain.control import Control
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Handling, HandlingEntry
from warning.domain.signal import EvidenceState, Signal
from warning.service.ports.common import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """An alert as people see it: evidence by the engine, handling by people."""

    alert: Alert
    handling: Handling

    @property
    def status(self) -> AlertStatus:
        """Where the alert stands: what people did; untouched, what the engine says (a closed episode is closed)."""
        return self.handling.status if self.handling.version else self.alert.status

    @property
    def needs_review(self) -> bool:
        """Whether it waits for a person's disposition."""
        return self.handling.disposition in {None, Disposition.NEEDS_MORE_DATA} and (
            self.alert.state is not EvidenceState.WITHDRAWN
        )


SORTS = ("-raised_at", "raised_at", "-updated_at", "-severity")


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery:
    """Filters (all must hold; None and empty: no filter), an order of ``SORTS``, and a page."""

    status: frozenset[AlertStatus] = frozenset()
    disposition: frozenset[Disposition] = frozenset()
    needs_review: bool | None = None
    flag: frozenset[ReviewFlag] = frozenset()
    area: str = ""
    """The area itself, areas within it, and areas that contain it."""
    category: str = ""
    department: str = ""
    channel: str = ""
    assignee: str = ""
    severity_min: int = 0
    raised_from: datetime | None = None
    raised_until: datetime | None = None
    sort: str = "-raised_at"
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The alerts that wait for a disposition: how many, and when the oldest of them was raised."""

    size: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One thing that changed, in order: what the live stream sends. ``kind``: alert, handling, plan."""

    sequence: int
    at: datetime
    kind: str
    subject: str
    """An alert's id (kind alert, handling), a plan's."""
    change: str
    """The rule that changed it: OPEN-1, UPDATE-1, ACK-1 ..."""


class AlertStore(Protocol):
    """Alerts, their evidence and their handling."""

    def find(self, query: AlertQuery) -> Page[AlertView]:
        """Return a page; raises InvalidInputError for a cursor that is not of this query's order."""

    def get(self, alert_id: str) -> AlertView | None:
        """Return an alert by its id or by that of an alert merged into it."""

    def signals(self, alert_id: str) -> list[Signal]:
        """Return the signals that belong to an alert."""

    def course(self, alert_id: str) -> list[EvidencePoint]:
        """Return the course of the alert's leading series, by time."""

    def entries(self, alert_id: str) -> list[HandlingEntry]:
        """Return the handling history, oldest first."""

    def act(self, handling: Handling, entry: HandlingEntry, controls: Sequence[Control]) -> None:
        """Store one act and append its control records to the log in their order, together or not at all.

        Records go to the log as they are: what they mean is the engine's to know, and nothing is read out of them.
        ``handling.status`` is stored as it is (the caller started from the view's status, not from the stored one).
        Raises ConflictError when the stored version is not ``handling.version - 1``.
        """

    def snoozed_before(self, moment: datetime) -> list[Handling]:
        """Return the handlings whose snooze has run out."""

    def review_queue(self) -> ReviewQueue:
        """Return the alerts whose view says ``needs_review``: how many, and the ``raised_at`` of the oldest."""

    def feed_after(self, sequence: int, limit: int) -> list[FeedEvent]:
        """Return what changed after a sequence number, in order."""

    def feed_bounds(self) -> tuple[int, int]:
        """Return the oldest and newest sequence numbers that are kept ((0, 0) when nothing is)."""
