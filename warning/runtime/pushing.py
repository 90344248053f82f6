"""What platforms can do: push tickets, ask what became of them; and what an admin can: replay refused ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from warning.domain.errors import UnknownNameError
from warning.intake.columns import TicketColumns
from warning.runtime.intake import IntakeWorker, Judged
from warning.service.ports import ItemAnswer, TicketStatus, Unread
from warning.store.sql.dead_letters import SqlDeadLetters
from warning.store.sql.tickets import SqlTickets

if TYPE_CHECKING:
    from warning.domain.reject import Reject
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
    """Implements :class:`warning.service.ports.TicketIntake` and :class:`warning.service.ports.Replay`."""

    def __init__(self, worker: IntakeWorker, state: LiveState, runtime: EmbeddedRuntime) -> None:
        self._worker = worker
        self._state = state
        self._runtime = runtime
        self._tickets = SqlTickets(state.database)
        self._letters = SqlDeadLetters(state.database)

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

    def replay(self, letter_ids: Sequence[int], *, actor: str) -> list[ItemAnswer]:
        """Send refused items through intake again; one that would be refused again stays as it is.

        One whose original is gone is answered with its old reason and the advice to send it from the platform; one that
        was replayed before is not sent again. Raises UnknownNameError, before anything is sent, for an id that there is
        not.
        """
        known = {letter.id for letter in self._letters.get(letter_ids)}
        for letter_id in letter_ids:
            if letter_id not in known:
                raise UnknownNameError("rejection", str(letter_id), [])
        return [replace(self._replay_one(each, actor), index=index) for index, each in enumerate(letter_ids)]

    def _replay_one(self, letter_id: int, actor: str) -> ItemAnswer:
        (letter,) = self._letters.get([letter_id])
        if letter.replayed_at is not None:
            return ItemAnswer(index=0, ticket_id="", accepted=True)
        now = self._runtime.now()
        original = self._letters.original(letter_id, reader=actor, at=now)
        if original is None:
            return ItemAnswer(index=0, ticket_id="", accepted=False, reject=gone(letter.reject))
        event = event_in(original)
        if event is None:
            return ItemAnswer(index=0, ticket_id="", accepted=False, reject=letter.reject)
        answer = self._worker.validate(letter.source, [event])[0]
        if answer.accepted:
            answer = self._worker.push(letter.source, [event], [original])[0]
        if answer.accepted:
            with self._state.database.write() as connection:
                self._letters.mark_replayed(connection, [letter_id], now)
        return answer


def gone(reject: Reject) -> Reject:
    """Return a letter's reason with what is to be done where only the platform still has the item."""
    return replace(
        reject,
        advice_zh="原文已不再保留 (最多 72 小时);请从来源平台重新发送。",
        advice_en="The original is no longer kept (72 h at most); send it again from the platform.",
    )


def event_in(original: bytes) -> object:
    """Return the event that an original holds; None for one that no mapping makes a ticket: no JSON, or an envelope.

    A CloudEvent is kept as the ticket it carried: one that is kept whole was refused for its envelope.
    """
    try:
        event: object = msgspec.json.decode(original)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return None if isinstance(event, dict) and "specversion" in event else event
