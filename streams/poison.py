"""Tickets that every replay leaves out, because they end the process: kept in a compacted topic, read as a whole."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import numpy as np

from streams.records import Poison, decode
from streams.topics import Name, topics

if TYPE_CHECKING:
    from streams.following import Reads
    from streams.reading import RangeReader
    from warning.intake.columns import TicketColumns
    from warning.settings import Settings


class PoisonRows:
    """Which rows of which batches are left out, wherever in the log they stand."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, int, int], frozenset[int]] = {}
        self.read_to = 0

    def add(self, poison: Poison) -> None:
        """Take one in; a later one of the same batch replaces it."""
        self._rows[poison.topic, poison.partition, poison.offset] = frozenset(poison.rows)

    def of(self, topic: str, partition: int, offset: int) -> frozenset[int]:
        """Return the rows (from 0) of a batch that are left out."""
        return self._rows.get((topic, partition, offset), frozenset())

    async def read(self, reader: Reads, topic: str, end: int) -> None:
        """Take in what the topic holds beyond what was read, up to an offset."""
        async with aclosing(reader.read(topic, 0, self.read_to, end)) as messages:
            async for message in messages:
                if message.value is not None:
                    self.add(decode(message.value, Poison))
        self.read_to = max(self.read_to, end)


class PoisonTopic:
    """Keeps a :class:`PoisonRows` up to date with the topic."""

    def __init__(self, reader: RangeReader, settings: Settings) -> None:
        self.topic = topics(settings)[Name.POISON].name
        self.rows = PoisonRows()
        self._reader = reader

    async def refresh(self) -> PoisonRows:
        """Read what is new."""
        _, end = await self._reader.bounds(self.topic, 0)
        if end > self.rows.read_to:
            await self.rows.read(self._reader, self.topic, end)
        return self.rows


def key_of(poison: Poison) -> bytes:
    """Return a record's key: one batch of one topic has one record."""
    return f"{poison.topic}/{poison.partition}/{poison.offset}".encode()


def without(batch: TicketColumns, rows: frozenset[int]) -> TicketColumns:
    """Return a batch without some of its rows."""
    if not rows:
        return batch
    return batch.take(np.array([row for row in range(len(batch)) if row not in rows], np.int64))
