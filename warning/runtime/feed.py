"""From normalised files to the records of a log: batches in order, and the ticks between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from warning.engine.records import Record, Tick
from warning.intake.columns import IntArray, TicketColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from warning.intake.normalise import Normalised


class Feed:
    """Writes the records of one jurisdiction's files, which are one source.

    A tick follows the first event that lets the watermark (largest event time read minus lateness) pass a step. At the
    end nothing more can be late, so the last tick's watermark is the largest event time itself.
    """

    def __init__(self, jurisdiction: str, *, step_ms: int, lateness_ms: int) -> None:
        self.jurisdiction = jurisdiction
        self.step_ms = step_ms
        self.lateness_ms = lateness_ms
        self._number: int | None = None
        self._read_to = 0

    def by_event_time(self, parts: Iterable[Normalised]) -> Iterator[Record]:
        """Sort everything by (event time, ticket, content) first: the order of the files' rows does not matter."""
        columns = [columns for part in parts for columns in (part.tickets, part.life) if len(columns)]
        if not columns:
            return
        events = self._owned(TicketColumns.joined(columns))
        yield from self._in_order(events.take(_sorted(events)))
        yield from self._end()

    def by_arrival(self, parts: Iterable[Normalised]) -> Iterator[Record]:
        """Keep the rows' order, as they would have come in; derived life events wait for their own time."""
        waiting: TicketColumns | None = None
        for part in parts:
            life = [columns for columns in (waiting, self._owned(part.life)) if columns is not None and len(columns)]
            waiting = TicketColumns.joined(life) if life else None
            if waiting is not None:
                waiting = waiting.take(_sorted(waiting))
            for record in self._in_order(self._owned(part.tickets)):
                if isinstance(record, Tick) and waiting is not None:
                    due = int(np.searchsorted(waiting.time, record.read_to, side="right"))
                    if due:
                        yield waiting.take(np.arange(due))
                        waiting = waiting.take(np.arange(due, len(waiting)))
                yield record
        if waiting is not None:
            yield from self._in_order(waiting)
        yield from self._end()

    def _owned(self, columns: TicketColumns) -> TicketColumns:
        return replace(columns, jurisdiction=self.jurisdiction)

    def _in_order(self, events: TicketColumns) -> Iterator[Record]:
        """Yield events as batches, each followed by the tick that its last event makes possible."""
        if not len(events):
            return
        latest = np.maximum.accumulate(events.time)
        if self._number is None:
            self._read_to = int(latest[0])
            yield self._tick((self._read_to - self.lateness_ms) // self.step_ms)
        latest = np.maximum(latest, self._read_to)
        numbers = (latest - self.lateness_ms) // self.step_ms
        before = np.concatenate([[self._number or 0], numbers[:-1]])
        first = 0
        for at in np.nonzero(numbers > before)[0].tolist():
            yield events.take(np.arange(first, at + 1))
            first = at + 1
            self._read_to = int(latest[at])
            yield self._tick(int(numbers[at]))
        if first < len(events):
            yield events.take(np.arange(first, len(events)))
        self._read_to = int(latest[-1])

    def _end(self) -> Iterator[Record]:
        number = self._read_to // self.step_ms
        if self._number is not None and number > self._number:
            yield self._tick(number)

    def _tick(self, number: int) -> Tick:
        self._number = number
        return Tick(
            jurisdiction=self.jurisdiction, number=number, watermark=number * self.step_ms, read_to=self._read_to
        )


def _sorted(events: TicketColumns) -> IntArray:
    return np.lexsort((events.digest, events.kind, events.key, events.time))
