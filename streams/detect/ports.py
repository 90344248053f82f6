"""What a partition's state needs of the world outside Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from warning.engine.records import Record
    from warning.store.sql.snapshots import Kept, Packed


class SnapshotStore(Protocol):
    """Keeps states: see :class:`warning.store.sql.stage_snapshots.StageSnapshots`."""

    def save(self, scope: str, era: int, position: int, payload: Packed, taken_at_ms: int) -> bool:
        """Keep a state, unless a later one of the scope is kept; returns whether it was."""

    def candidates(self, scope: str, era: int) -> Iterator[Kept]:
        """Yield the intact states of a scope and era, newest first."""


class AttemptStore(Protocol):
    """Counts how often a record ended a process: see :class:`warning.store.sql.attempts.Attempts`."""

    def note(self, topic: str, partition: int, position: int, reason: str) -> int:
        """Count one more; returns how many there are now."""

    def counts(self, topic: str, partition: int) -> dict[int, int]:
        """Return how many there were of each record of a partition that ended a process."""

    def clear(self, topic: str, partition: int, position: int) -> None:
        """Forget those of a record."""


class Past(Protocol):
    """What comes before the log: eras of loaded history. Methods block."""

    def log_topic(self) -> str:
        """Return the topic that is the log now."""

    def era(self) -> int:
        """Return the number of the present era."""

    def records(self, live_since: int | None) -> Iterator[Record]:
        """Yield history's records; ``live_since`` is the watermark of the log's first tick."""

    def may_lack_beginning(self, era: int) -> bool:
        """Whether a person said that the era may begin with a log whose beginning was deleted."""

    def agreed_begin(self, era: int, clock: int) -> int:
        """Return the offset in the clock from which an era goes that lacks its beginning: the first one proposed."""

    def outcomes_stored(self, topic: str, partition: int) -> int:
        """Return the offset up to which (not included) all outcomes of a partition are stored."""
