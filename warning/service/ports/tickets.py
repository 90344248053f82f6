"""The way in: what platforms push, dead letters and their replay, history."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Protocol

from warning.domain.outcome import RowOutcome
from warning.domain.reject import Reject, RejectReason
from warning.service.ports.common import Page


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
