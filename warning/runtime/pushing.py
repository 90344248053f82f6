"""What platforms can do: push tickets, and ask what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from warning.intake.columns import TicketColumns
from warning.runtime.intake import IntakeWorker, Judged
from warning.service.ports import ItemAnswer, TicketStatus, Unread
from warning.store.sql.tickets import SqlTickets

if TYPE_CHECKING:
    from warning.runtime.clock import Clock
    from warning.runtime.embedded import EmbeddedRuntime
    from warning.runtime.metrics import Metrics
    from warning.runtime.state import LiveState


class LogSink:
    """Writes judged items into the log; implements :class:`warning.runtime.intake.Sink`."""

    def __init__(self, state: LiveState, metrics: Metrics, clock: Clock) -> None:
        self._state = state
        self._metrics = metrics
        self._clock = clock

    def write(self, judged: Sequence[Judged]) -> None:
        """Append the tickets and file the refused items, together or not at all."""
        with self._metrics.store("append"):
            self._state.write(judged, self._clock())
        self._metrics.rejected(each.reject.reason for part in judged for each in part.refused)


class Pushing:
    """Implements :class:`warning.service.ports.TicketIntake`."""

    def __init__(self, worker: IntakeWorker, state: LiveState, runtime: EmbeddedRuntime) -> None:
        self._worker = worker
        self._state = state
        self._runtime = runtime
        self._tickets = SqlTickets(state.database)

    def push(
        self, source: str, events: Sequence[object], originals: Sequence[bytes], unread: Sequence[Unread] = ()
    ) -> list[ItemAnswer]:
        """Return one answer an event once all are durable, and what could not be read is filed."""
        return self._worker.push(source, events, originals, unread)

    def validate(self, source: str, events: Sequence[object]) -> list[ItemAnswer]:
        """Say what would become of the items, and take nothing."""
        return self._worker.validate(source, events)

    def status(self, source: str, ticket_id: str) -> TicketStatus | None:
        """Look a ticket up: what was counted or refused, else what is in the log and waits to be counted."""
        applied = self._state.applied()  # before the look-up: what is committed meanwhile is found by one or the other
        return self._tickets.status(source, ticket_id) or self._waiting(source, ticket_id, applied)

    def _waiting(self, source: str, ticket_id: str, applied: int) -> TicketStatus | None:
        for _, record in self._state.records(after=applied):
            if isinstance(record, TicketColumns) and record.source == source and ticket_id in record.ticket_id:
                return TicketStatus(source=source, ticket_id=ticket_id, outcome=None, received_at=self._runtime.now())
        return None
