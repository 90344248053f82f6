"""What the services need of a store and of a runtime: ports, and what passes through them.

Implementations: :mod:`warning.store.sql` (SQLite now) and :mod:`warning.runtime`; hand-written fakes in tests. Every
implementation passes the same contract tests. Times are aware datetimes; ids are text.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from warning.domain.account import Role
from warning.domain.alert import Alert, AlertStatus, Disposition, ReviewFlag
from warning.domain.control import Control
from warning.domain.errors import EarlyWarningError
from warning.domain.evidence import EvidencePoint
from warning.domain.handling import Handling, HandlingEntry
from warning.domain.outcome import RowOutcome
from warning.domain.reject import Reject, RejectReason
from warning.domain.signal import EvidenceState, Signal

T = TypeVar("T")


class ConflictError(EarlyWarningError):
    """Someone else changed it first; carries the present state."""

    def __init__(self, handling: Handling, wanted: int) -> None:
        super().__init__(
            f"alert {handling.alert_id}: you saw version {wanted}, it is now at {handling.version}. "
            "Reload it and decide again."
        )
        self.handling = handling
        self.zh = f"预警 {handling.alert_id} 已被他人更新 (你看到的是第 {wanted} 版,现为第 {handling.version} 版)。"


class StoreBusyError(EarlyWarningError):
    """The service cannot take more just now; nothing of the request was taken. ``retry_after`` in seconds."""

    def __init__(self, problem: str, retry_after: int, zh: str) -> None:
        super().__init__(f"{problem}. Send it again in {retry_after} s.")
        self.retry_after = retry_after
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items and the cursor of the next page (None: that was all). Cursors are opaque text."""

    items: tuple[T, ...]
    next_cursor: str | None = None


# --- alerts -----------------------------------------------------------------------------------------------------------


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


# --- tickets in -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAnswer:
    """What became of one pushed item: its position from 0, accepted (durable) or rejected with the reason."""

    index: int
    ticket_id: str
    accepted: bool
    reject: Reject | None = None

    def at(self, index: int) -> ItemAnswer:
        """Return the answer to an item that stands elsewhere: a reject's row is the item's number, from 1."""
        if index == self.index:
            return self
        reject = None if self.reject is None else replace(self.reject, row=index + 1)
        return replace(self, index=index, reject=reject)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketStatus:
    """What the service knows of a ticket; ``outcome`` None: durable, not yet counted (a moment at most)."""

    source: str
    ticket_id: str
    outcome: RowOutcome | None
    received_at: datetime
    created_at: datetime | None = None
    category: str = ""
    area: str = ""
    times_received: int = 1
    last_outcome: RowOutcome | None = None
    reject: Reject | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """An item that was refused before intake could see an event in it: why, and what was sent."""

    reject: Reject
    original: bytes = field(repr=False)


class TicketIntake(Protocol):
    """The way in. Thread-safe; implemented by the runtime."""

    def push(
        self, source: str, events: Sequence[object], originals: Sequence[bytes], unread: Sequence[Unread] = ()
    ) -> list[ItemAnswer]:
        """Validate, redact, normalise and make durable; returns one answer an event, in order, once durable.

        What came in the same request and could not be read is filed with the refused events.
        Raises StoreBusyError when the queue is full or the disk refuses; then nothing was taken.
        """

    def validate(self, source: str, events: Sequence[object]) -> list[ItemAnswer]:
        """Say what would become of the items, and take nothing."""

    def status(self, source: str, ticket_id: str) -> TicketStatus | None:
        """Look a ticket up by the platform's own id."""


# --- dead letters -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A refused item; the original is in quarantine until ``original_until``."""

    id: int
    at: datetime
    source: str
    reject: Reject
    replayed_at: datetime | None = None
    original_until: datetime | None = None


class DeadLetterStore(Protocol):
    """Refused items."""

    def find(
        self, *, source: str = "", reason: RejectReason | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[DeadLetter]:
        """Return a page, newest first."""

    def original(self, letter_id: int, *, reader: str, at: datetime) -> bytes | None:
        """Return an original from quarantine and note who read it; None when it is gone."""

    def counts(self) -> dict[tuple[str, RejectReason], int]:
        """Return how many there are by source and reason."""


class Replay(Protocol):
    """Sends dead letters through intake again, after a mapping was fixed; implemented by the runtime."""

    def replay(self, letter_ids: Sequence[int], *, actor: str) -> list[ItemAnswer]:
        """Return one answer a letter: accepted now, or rejected for the reason given."""


# --- history ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What a load of history brought.

    rows : events that are history now
    newer : events left out because they are not older than what came in live (or than the lateness)
    rejected : rows that could not be read, by reason
    until : the moment before which nothing is said
    gap : where the log begins if its first records were deleted; before it nothing is known but what was loaded
    """

    rows: int
    newer: int
    rejected: dict[str, int]
    until: str
    gap: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLoad:
    """A load that was begun; ``until`` None: it has not ended, or was broken off, and does not count."""

    id: int
    files: tuple[str, ...]
    mapping: str
    loaded_at: datetime
    rows: int
    rejected: int
    until: datetime | None


class HistoryLoader(Protocol):
    """Teaches a running service from files of old tickets. Thread-safe; implemented by the composition root."""

    def place(self, suffix: str) -> AbstractContextManager[Path]:
        """Give a new private file to receive an upload in; it is gone when the block ends."""

    def load(self, file: Path, *, mapping: str, source: str, force: bool) -> Loaded:
        """Load a file as history; ``source`` empty: the mapping's.

        Raises InvalidInputError for an unusable file, and, unless it is forced, where the log has lost its beginning.
        """

    def loads(self) -> list[PastLoad]:
        """Return all loads, oldest first."""


# --- sources, plans ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A platform that pushes tickets, and the mapping its items are read by."""

    name: str
    mapping: str
    title_zh: str = ""
    title_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How fresh a source's data is: what the page's header shows."""

    source: str
    last_received_at: datetime | None
    last_event_at: datetime | None
    silent: bool
    """Nothing came for longer than its lateness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A planned event: what it explains raises no alert and is not learned."""

    id: str
    title: str
    start: datetime
    end: datetime
    areas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    entered_by: str = ""
    entered_at: datetime | None = None
    cancelled_at: datetime | None = None


class PlanStore(Protocol):
    """Planned events."""

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        """Return plans by start."""

    def save(self, plan: Plan, control: Control) -> None:
        """Store a plan and append its control record, together or not at all."""


# --- accounts ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person's account; the password's argon2 hash never leaves the accounts service."""

    name: str
    role: Role
    password_hash: str = field(repr=False)
    active: bool = True
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A platform's key: only its hash is kept, and the first characters so that people can tell keys apart."""

    id: str
    source: str
    prefix: str
    key_hash: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A signed-in browser: only the token's hash is kept."""

    token_hash: str = field(repr=False)
    user: str
    csrf: str = field(repr=False)
    created_at: datetime
    expires_at: datetime


class AccountStore(Protocol):
    """Users, sessions, keys, one-time tokens and sources."""

    def user(self, name: str) -> User | None: ...
    def users(self) -> list[User]: ...
    def save_user(self, user: User) -> None: ...
    def key_by_hash(self, key_hash: str) -> ApiKey | None: ...
    def keys(self) -> list[ApiKey]: ...
    def save_key(self, key: ApiKey) -> None: ...
    def touch_key(self, key_id: str, at: datetime) -> None:
        """Note when a key was last used, and nothing else: a revocation of this moment stands."""

    def session(self, token_hash: str) -> Session | None: ...
    def save_session(self, session: Session) -> None: ...
    def extend_session(self, token_hash: str, expires_at: datetime) -> None:
        """Let a session that is there end later; one that was dropped meanwhile stays dropped."""

    def drop_session(self, token_hash: str) -> None: ...
    def drop_sessions_of(self, user: str) -> None: ...
    def save_one_time_token(self, token_hash: str, user: str, expires_at: datetime) -> None: ...
    def drop_one_time_tokens_of(self, user: str) -> None: ...
    def take_one_time_token(self, token_hash: str, now: datetime) -> str | None:
        """Return the user of a token that is valid, and forget it."""

    def source(self, name: str) -> Source | None: ...
    def sources(self) -> list[Source]: ...
    def save_source(self, source: Source) -> None: ...


# --- the running service ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the service does: what health checks, the header and metrics are made of."""

    ready: bool
    progress: str
    """In words, while it is not ready: what it is doing and how far it is."""
    applied_position: int
    newest_position: int
    applied_at: datetime | None
    """When the applied position last moved."""
    watermark: datetime | None
    snapshot_at: datetime | None
    freshness: tuple[Freshness, ...] = ()
    stuck: bool = False
    """Records wait and none was applied for longer than the limit."""
    problem: str = ""
    """Why writes fail at present (a full disk), empty when all is well."""
    problem_zh: str = ""
    notice: str = ""
    """What an operator must know although the service runs (a clock that jumped), empty when there is nothing."""
    notice_zh: str = ""


class Runtime(Protocol):
    """The running service as the API and the page see it."""

    def condition(self) -> Condition: ...

    def now(self) -> datetime:
        """Return the service's clock, in its own zone."""

    def wait_for_feed(self, sequence: int, timeout: float) -> bool:
        """Block until the feed has something after ``sequence`` (True), or the time is over."""
