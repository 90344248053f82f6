"""Hand-written stand-ins for the stores and the runtime, of the size these tests need."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

from warning.domain.control import Control
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Handling, HandlingEntry
from warning.domain.outcome import RowOutcome
from warning.domain.reject import Reject, RejectReason
from warning.domain.signal import Signal
from warning.intake.refusals import make_reject
from warning.service.errors import BadInputError
from warning.service.ports import (
    AlertQuery,
    AlertView,
    Condition,
    ConflictError,
    DeadLetter,
    FeedEvent,
    Freshness,
    ItemAnswer,
    Loaded,
    Page,
    PastLoad,
    Plan,
    ReviewQueue,
    TicketStatus,
    Unread,
)


@dataclass
class MemoryAlerts:
    """Alerts in a dictionary, and a feed that can forget its beginning."""

    views: dict[str, AlertView] = field(default_factory=dict)
    found_signals: list[Signal] = field(default_factory=list)
    points: list[EvidencePoint] = field(default_factory=list)
    written: list[HandlingEntry] = field(default_factory=list)
    feed: list[FeedEvent] = field(default_factory=list)
    asked: list[AlertQuery] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def find(self, query: AlertQuery) -> Page[AlertView]:
        self.asked.append(query)
        if query.cursor is not None and not query.cursor.isdecimal():
            raise BadInputError("cursor", "is of another list", "Leave it out.", "cursor: 不属于此列表。")
        first = int(query.cursor or 0)
        found = list(self.views.values())[first:]
        more = len(found) > query.limit
        return Page(tuple(found[: query.limit]), str(first + query.limit) if more else None)

    def get(self, alert_id: str) -> AlertView | None:
        return self.views.get(alert_id)

    def signals(self, alert_id: str) -> list[Signal]:
        return self.found_signals

    def course(self, alert_id: str) -> list[EvidencePoint]:
        return self.points

    def entries(self, alert_id: str) -> list[HandlingEntry]:
        return [entry for entry in self.written if entry.alert_id == alert_id]

    def act(self, handling: Handling, entry: HandlingEntry, controls: Sequence[Control]) -> None:
        view = self.views[handling.alert_id]
        if view.handling.version != handling.version - 1:
            raise ConflictError(view.handling, handling.version - 1)
        self.views[handling.alert_id] = replace(view, handling=handling)
        self.written.append(entry)
        self.tell("handling", handling.alert_id, entry.rule, entry.at)

    def snoozed_before(self, moment: datetime) -> list[Handling]:
        return []

    def review_queue(self) -> ReviewQueue:
        return ReviewQueue(sum(view.needs_review for view in self.views.values()), None)

    def tell(self, kind: str, subject: str, change: str, at: datetime) -> None:
        """Add to the feed and wake who waits."""
        with self.changed:
            sequence = self.feed[-1].sequence + 1 if self.feed else 1
            self.feed.append(FeedEvent(sequence=sequence, at=at, kind=kind, subject=subject, change=change))
            self.changed.notify_all()

    def feed_after(self, sequence: int, limit: int) -> list[FeedEvent]:
        return [event for event in self.feed if event.sequence > sequence][:limit]

    def feed_bounds(self) -> tuple[int, int]:
        return (self.feed[0].sequence, self.feed[-1].sequence) if self.feed else (0, 0)


@dataclass
class MemoryPlans:
    """Plans in a dictionary."""

    kept: dict[str, Plan] = field(default_factory=dict)

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        return list(self.kept.values())

    def save(self, plan: Plan, control: Control) -> None:
        self.kept[plan.id] = plan


@dataclass
class MemoryLetters:
    """Dead letters in a list; ``readers`` are those who read an original."""

    letters: list[DeadLetter] = field(default_factory=list)
    originals: dict[int, bytes] = field(default_factory=dict)
    readers: list[tuple[int, str]] = field(default_factory=list)

    def find(
        self, *, source: str = "", reason: RejectReason | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeadLetter]:
        found = [
            letter
            for letter in self.letters
            if source in {"", letter.source} and reason in {None, letter.reject.reason}
        ]
        return Page(tuple(found[:limit]))

    def original(self, letter_id: int, *, reader: str, at: datetime) -> bytes | None:
        self.readers.append((letter_id, reader))
        return self.originals.get(letter_id)

    def counts(self) -> dict[tuple[str, RejectReason], int]:
        return {}


@dataclass
class MemoryIntake:
    """Takes every object that names its ticket; ``failure`` is raised instead when it is set."""

    taken: list[tuple[str, object, bytes]] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    validated: list[object] = field(default_factory=list)
    failure: Exception | None = None
    now: datetime | None = None

    def push(
        self, source: str, events: Sequence[object], originals: Sequence[bytes], unread: Sequence[Unread] = ()
    ) -> list[ItemAnswer]:
        if self.failure is not None:
            raise self.failure
        answers = _answers(source, events)
        self.unread += unread
        self.taken += [
            (source, event, original)
            for event, original, answer in zip(events, originals, answers, strict=True)
            if answer.accepted
        ]
        return answers

    def validate(self, source: str, events: Sequence[object]) -> list[ItemAnswer]:
        self.validated += events
        return _answers(source, events)

    def status(self, source: str, ticket_id: str) -> TicketStatus | None:
        known = [event for at, event, _ in self.taken if at == source and _id_of(event) == ticket_id]
        if not known or self.now is None:
            return None
        return TicketStatus(
            source=source,
            ticket_id=ticket_id,
            outcome=RowOutcome.ACCEPTED,
            received_at=self.now,
            times_received=len(known),
        )


def _id_of(event: object) -> str:
    return str(event.get("ticket_id", "")) if isinstance(event, dict) else ""


def _answers(source: str, events: Sequence[object]) -> list[ItemAnswer]:
    return [
        ItemAnswer(index=index, ticket_id=_id_of(event), accepted=True)
        if _id_of(event)
        else ItemAnswer(index=index, ticket_id="", accepted=False, reject=_reject(source, index))
        for index, event in enumerate(events)
    ]


def _reject(source: str, index: int) -> Reject:
    return make_reject(source, index + 1, "ticket_id", RejectReason.MISSING_REQUIRED)


@dataclass
class MemoryReplay:
    """Accepts every letter."""

    replayed: list[tuple[int, str]] = field(default_factory=list)

    def replay(self, letter_ids: Sequence[int], *, actor: str) -> list[ItemAnswer]:
        self.replayed += [(letter_id, actor) for letter_id in letter_ids]
        return [ItemAnswer(index=index, ticket_id=f"T{i}", accepted=True) for index, i in enumerate(letter_ids)]


@dataclass
class MemoryHistory:
    """Notes each file it is given, with its name; ``failure`` is raised instead when it is set."""

    folder: Path = field(default_factory=lambda: Path(mkdtemp()))
    given: list[tuple[str, bytes, str, str]] = field(default_factory=list)
    past: list[PastLoad] = field(default_factory=list)
    failure: Exception | None = None

    @contextmanager
    def place(self, suffix: str) -> Iterator[Path]:
        path = self.folder / f"upload{suffix}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def load(self, file: Path, *, mapping: str, source: str, force: bool) -> Loaded:
        if self.failure is not None:
            raise self.failure
        self.given.append((file.name, file.read_bytes(), mapping, source))
        until, gap = "2026-03-02T08:00:00-05:00", "2025-12-01T08:00:00-05:00" if force else None
        return Loaded(rows=3, newer=1, rejected={"bad_time": 2}, until=until, gap=gap)

    def loads(self) -> list[PastLoad]:
        return self.past


@dataclass
class MemoryRuntime:
    """A service that stands still at ``time``."""

    time: datetime
    alerts: MemoryAlerts
    ready: bool = True
    stuck: bool = False
    problem: str = ""

    def condition(self) -> Condition:
        return Condition(
            ready=self.ready,
            progress="" if self.ready else "reading the log",
            applied_position=7,
            newest_position=9,
            applied_at=self.time,
            watermark=self.time,
            snapshot_at=None,
            freshness=(Freshness(source="hotline", last_received_at=self.time, last_event_at=None, silent=False),),
            stuck=self.stuck,
            problem=self.problem,
        )

    def now(self) -> datetime:
        return self.time

    def wait_for_feed(self, sequence: int, timeout: float) -> bool:
        with self.alerts.changed:
            return self.alerts.changed.wait_for(lambda: bool(self.alerts.feed_after(sequence, 1)), timeout)
