"""What platforms can do in a cluster: as :mod:`warning.runtime.pushing`, with Kafka behind."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from warning.intake.identity import key_of
from warning.service.ports import ItemAnswer, TicketStatus, Unread
from warning.store.sql.tickets import SqlTickets

if TYPE_CHECKING:
    from collections.abc import Callable

    from warning.runtime.clock import Clock
    from warning.runtime.intake import IntakeWorker, Judged, Sink
    from warning.store.sql.database import Database

WAITING_MS = 10 * 60_000
"""A ticket that was not counted so long after it was pushed is not said to wait for that."""
MOST_WAITING = 200_000
"""Some 20 MB."""


class Remembering:
    """A sink that knows for a while what it wrote: until it is counted, nobody else can say that it was taken."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink = sink
        self._clock = clock
        self._taken: dict[int, int] = {}
        self._lock = threading.Lock()

    def write(self, judged: Sequence[Judged]) -> None:
        """Write, then remember."""
        self._sink.write(judged)
        now = self._clock()
        with self._lock:
            for part in judged:
                for key in part.tickets.key.tolist():
                    self._taken.pop(key, None)
                    self._taken[key] = now
            for key in list(islice(self._taken, max(0, len(self._taken) - MOST_WAITING))):
                del self._taken[key]

    def taken_at(self, source: str, ticket_id: str) -> int | None:
        """Return when a ticket was written of late (milliseconds); None: not by this process, or long ago."""
        with self._lock:
            taken = self._taken.get(key_of(source, ticket_id))
        return taken if taken is not None and self._clock() - taken <= WAITING_MS else None


class ClusterPushing:
    """Implements :class:`warning.service.ports.TicketIntake`.

    worker : whose sink is ``taken``
    now : the service's clock
    """

    def __init__(
        self,
        worker: IntakeWorker,
        taken: Remembering,
        database: Database,
        now: Callable[[], datetime],
    ) -> None:
        self._worker = worker
        self._taken = taken
        self._tickets = SqlTickets(database)
        self._now = now

    def push(
        self, source: str, events: Sequence[object], originals: Sequence[bytes], unread: Sequence[Unread] = ()
    ) -> list[ItemAnswer]:
        """Return one answer an event once the brokers have all of it."""
        return self._worker.push(source, events, originals, unread)

    def validate(self, source: str, events: Sequence[object]) -> list[ItemAnswer]:
        """Say what would become of the items, and take nothing."""
        return self._worker.validate(source, events)

    def status(self, source: str, ticket_id: str) -> TicketStatus | None:
        """Look a ticket up: what was counted or refused, else what this process took and is not counted yet."""
        taken = self._taken.taken_at(source, ticket_id)
        found = self._tickets.status(source, ticket_id)
        if found is not None or taken is None:
            return found
        zone = self._now().tzinfo
        return TicketStatus(
            source=source,
            ticket_id=ticket_id,
            outcome=None,
            received_at=datetime.fromtimestamp(taken / 1000, zone),
        )
