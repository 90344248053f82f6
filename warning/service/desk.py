"""The desk: where people find alerts, see why they were raised, and act on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warning.domain.area import AreaRegister
from warning.domain.control import Control
from warning.domain.errors import UnknownNameError
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Act, Command, HandlingEntry, handled
from warning.domain.signal import Signal
from warning.service.explain import NAMES_SHOWN, Part, complete_parts, own_signals, reason
from warning.service.feedback import Feedback
from warning.service.ports import AlertQuery, AlertStore, AlertView, ConflictError, FeedEvent, Page, ReviewQueue
from warning.service.words import Words

SYSTEM = "system"
"""Who acts when a snooze runs out."""
_SNOOZE_OVER = "暂缓到期 / the snooze has run out"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail:
    """An alert with everything that tells why it stands and what was done about it.

    ``parts`` sum to the alert's observed count, ``signals`` are its own, the leading one first, then the strongest,
    ``course`` is the leading series by time, ``entries`` the handling history, oldest first.
    """

    view: AlertView
    reason: Words
    parts: tuple[Part, ...]
    signals: tuple[Signal, ...]
    course: tuple[EvidencePoint, ...]
    entries: tuple[HandlingEntry, ...]


class Desk:
    """One jurisdiction's alerts.

    now : the service's clock
    protection_days : how long past its window a confirmed alert keeps its series from learning
    """

    def __init__(
        self, store: AlertStore, *, register: AreaRegister, now: Callable[[], datetime], protection_days: float
    ) -> None:
        self._store = store
        self._now = now
        self._feedback = Feedback(register, timedelta(days=protection_days))

    def list(self, query: AlertQuery) -> Page[AlertView]:
        """Return a page of alerts; raises InvalidInputError for a cursor that is not of this query's order."""
        return self._store.find(query)

    def detail(self, alert_id: str) -> AlertDetail:
        """Return an alert by its id, or by that of one merged into it; raises UnknownNameError."""
        view = self._view(alert_id)
        found = view.alert.id
        return AlertDetail(
            view=view,
            reason=reason(view.alert),
            parts=complete_parts(view.alert),
            signals=own_signals(view.alert, self._store.signals(found)),
            course=tuple(self._store.course(found)),
            entries=tuple(self._store.entries(found)),
        )

    def act(self, alert_id: str, version: int, command: Command) -> AlertView:
        """Act on the alert as it was at ``version``; returns it as it is then. A review teaches the models.

        Raises UnknownNameError for an alert that is not there, ConflictError when it is no longer at that version, and
        ActRefusedError for an act that does not fit its status or lacks what it needs.
        """
        view = self._view(alert_id)
        if view.handling.version != version:
            raise ConflictError(view.handling, version)
        after, entry = handled(view.handling, command)
        entry, controls = self._taught(view, entry)
        self._store.act(after, entry, controls)
        return replace(view, handling=after)

    def queue(self) -> ReviewQueue:
        """Return how many alerts wait for a disposition, and since when the oldest does."""
        return self._store.review_queue()

    def wake(self) -> int:
        """Reopen the alerts whose snooze has run out; returns how many."""
        woken = 0
        for handling in self._store.snoozed_before(self._now()):
            command = Command(act=Act.REOPEN, actor=SYSTEM, at=self._now(), reason=_SNOOZE_OVER)
            after, entry = handled(handling, command)
            try:
                self._store.act(after, entry, ())
            except (ConflictError, UnknownNameError):
                continue  # someone just acted on it, or it was merged or deleted: that stands
            woken += 1
        return woken

    def feed_after(self, sequence: int, limit: int) -> Sequence[FeedEvent]:
        """Return what changed after a sequence number, in order."""
        return self._store.feed_after(sequence, limit)

    def feed_bounds(self) -> tuple[int, int]:
        """Return the oldest and newest sequence numbers that are kept ((0, 0) when nothing is)."""
        return self._store.feed_bounds()

    def _view(self, alert_id: str) -> AlertView:
        """Return an alert with its handling as it stands: nobody's yet, it has the status its episode has."""
        view = self._store.get(alert_id)
        if view is None:
            newest = self._store.find(AlertQuery(limit=NAMES_SHOWN)).items
            raise UnknownNameError("alert", alert_id, [each.alert.id for each in newest])
        return replace(view, handling=replace(view.handling, status=view.status))

    def _taught(self, view: AlertView, entry: HandlingEntry) -> tuple[HandlingEntry, Sequence[Control]]:
        """Return the entry with what it taught in words, and the control records that teach it."""
        if entry.act is not Act.REVIEW or entry.disposition is None:
            return entry, ()
        lesson = self._feedback.lesson(view, self._store.signals(view.alert.id), entry.disposition)
        return replace(entry, effect_zh=lesson.effect.zh, effect_en=lesson.effect.en), lesson.controls
