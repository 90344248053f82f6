"""From normalised files to the records of a log: batches in order, and the ticks between them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.base import BoolArray
from warning.engine.records import Record, Tick
from warning.engine.watermark import Watermarks
from warning.intake.columns import IntArray, TicketColumns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from warning.intake.normalise import Normalised


_FILES = "files"


class Feed:
    """Writes the records of one jurisdiction's files, which are one source.

    A tick follows the first event that lets the watermark (largest event time read minus lateness) pass a step. At the
    end nothing more can be late, so the last tick's watermark is the largest event time itself.
    """

    def __init__(self, jurisdiction: str, *, step_ms: int, lateness_ms: int) -> None:
        self.jurisdiction = jurisdiction
        self.step_ms = step_ms
        self.lateness_ms = lateness_ms
        self._watermarks = Watermarks(jurisdiction, step_ms)
        self._watermarks.add_source(_FILES, lateness_ms)

    def by_event_time(self, parts: Iterable[Normalised]) -> Iterator[Record]:
        """Sort everything by (event time, ticket, content) first: the order of the files' rows does not matter."""
        columns = [columns for part in parts for columns in (part.tickets, part.life) if len(columns)]
        if not columns:
            return
        events = self._owned(TicketColumns.joined(columns))
        yield from self._in_order(events.take(_sorted(events)))
        yield from self._end()

    def by_arrival(self, parts: Iterable[Normalised]) -> Iterator[Record]:
        """Keep the rows' order, as they would have come in.

        Derived life events wait for their own time, and for the row that tells of them to be read.
        """
        waiting = _Waiting()
        for part in parts:
            tickets = self._owned(part.tickets)
            waiting.add(self._owned(part.life), tickets)
            read = 0
            for record in self._in_order(tickets):
                if isinstance(record, Tick):
                    yield from waiting.due(record.read_to, read)
                else:
                    read += len(record)
                yield record
        for rest in waiting.rest():
            yield from self._in_order(rest)
        yield from self._end()

    def _owned(self, columns: TicketColumns) -> TicketColumns:
        return replace(columns, jurisdiction=self.jurisdiction)

    def _in_order(self, events: TicketColumns) -> Iterator[TicketColumns | Tick]:
        """Yield events as batches, each followed by the tick that its last event makes possible."""
        if not len(events):
            return
        yield from self._read(int(events.time[0])) if self._watermarks.last_number is None else ()
        latest = np.maximum(np.maximum.accumulate(events.time), self._watermarks.read_to() or 0)
        numbers = (latest - self.lateness_ms) // self.step_ms
        first = 0
        for at in np.nonzero(np.diff(numbers, prepend=self._watermarks.last_number or 0))[0].tolist():
            yield events.take(np.arange(first, at + 1))
            first = at + 1
            yield from self._read(int(latest[at]))
        if first < len(events):
            yield events.take(np.arange(first, len(events)))
        yield from self._read(int(latest[-1]))

    def _read(self, latest: int) -> Iterator[Tick]:
        """Note how far the files were read, and give the tick that this makes possible."""
        self._watermarks.read(_FILES, latest)
        tick = self._watermarks.tick(latest)
        if tick is not None:
            yield tick

    def _end(self) -> Iterator[Record]:
        """Let the clock run on past the lateness: whatever could be late has been read."""
        latest = self._watermarks.read_to()
        if latest is not None:
            self._watermarks.ended(_FILES)
            tick = self._watermarks.tick(latest + self.lateness_ms)
            if tick is not None:
                yield tick


class _Waiting:
    """Life events, by time, each with the position of its row in the part being read (-1: it was read)."""

    def __init__(self) -> None:
        self._events: TicketColumns | None = None
        self._row: IntArray = np.zeros(0, np.int64)

    def add(self, life: TicketColumns, tickets: TicketColumns) -> None:
        """Take in the life events of the next part's tickets; the part before has been read."""
        events = life if self._events is None else TicketColumns.joined([self._events, life])
        rows = np.concatenate([np.full(len(self._row), -1), _rows_of(life, tickets)])
        order = _sorted(events)
        self._events, self._row = events.take(order), rows[order]

    def due(self, read_to: int, read: int) -> Iterator[TicketColumns]:
        """Give what has happened by now, and was told by one of the part's first ``read`` rows or an earlier part."""
        if self._events is not None:
            yield from self._given((self._events.time <= read_to) & (self._row < read))

    def rest(self) -> Iterator[TicketColumns]:
        """Give all that is left."""
        if self._events is not None:
            yield from self._given(np.ones(len(self._events), np.bool_))

    def _given(self, chosen: BoolArray) -> Iterator[TicketColumns]:
        if self._events is not None and chosen.any():
            given, left = np.nonzero(chosen)[0], np.nonzero(~chosen)[0]
            events = self._events.take(given)
            self._events, self._row = self._events.take(left), self._row[left]
            yield events


def _rows_of(life: TicketColumns, tickets: TicketColumns) -> IntArray:
    """Return the position of the last row of each life event's ticket, which is one of the tickets."""
    order = np.argsort(tickets.key, kind="stable")
    rows: IntArray = order[np.searchsorted(tickets.key[order], life.key, side="right") - 1]
    return rows


def _sorted(events: TicketColumns) -> IntArray:
    return np.lexsort((events.digest, events.kind, events.key, events.time))
