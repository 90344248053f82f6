"""Tickets of one source -> records of the log, each of one shard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from warning.engine.shard_stage import shard_of
from warning.intake.columns import TicketColumns
from warning.store.logfile import encode_record

LARGEST_VALUE = 4 << 20
"""Bytes of a record: what topics take is more, and what a worker decodes at once should not be."""
_REMEMBERED = 100_000
"""Categories whose shard is remembered: far more than there are, unless somebody makes them up."""


class Batcher:
    """Splits tickets by shard.

    Parameters
    ----------
    shards : how many logical shards there are
    most : tickets in a batch
    """

    def __init__(self, jurisdiction: str, shards: int, most: int) -> None:
        self._jurisdiction = jurisdiction
        self._shards = shards
        self._most = most
        self._known: dict[str, int] = {}

    def batches(self, tickets: TicketColumns) -> Iterator[tuple[int, TicketColumns]]:
        """Yield (shard, tickets in the order they came) by shard; every ticket is in exactly one batch."""
        if not len(tickets):
            return
        shards = np.array([self._shard(category) for category in tickets.category.values], np.int64)
        of_row = shards[tickets.category.codes]
        order = np.argsort(of_row, kind="stable")
        cuts = np.flatnonzero(np.diff(of_row[order])) + 1
        for rows in np.split(order, cuts):
            for first in range(0, len(rows), self._most):
                yield int(of_row[rows[0]]), tickets.take(rows[first : first + self._most])

    def records(self, tickets: TicketColumns) -> Iterator[tuple[int, bytes]]:
        """Yield (shard, a record's value) for what :meth:`batches` yields."""
        for shard, batch in self.batches(tickets):
            for value in values_of(batch):
                yield shard, value

    def _shard(self, category: str) -> int:
        shard = self._known.get(category)
        if shard is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            shard = self._known[category] = shard_of(self._jurisdiction, category, self._shards)
        return shard


def values_of(batch: TicketColumns) -> Iterator[bytes]:
    """Yield a batch as values that are not too large, halved as often as it takes."""
    value = encode_record(batch)
    if len(value) <= LARGEST_VALUE or len(batch) == 1:
        yield value
        return
    rows = np.arange(len(batch))
    for half in np.array_split(rows, 2):
        yield from values_of(batch.take(half))
