"""What became of each ticket: from the topic ``outcomes`` into the database, for look-ups."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from streams import marks
from streams.alerts.resuming import resume
from streams.failures import frames_of
from streams.records import Outcomes, decode
from streams.tailing import Tail
from streams.topics import Name, topics
from warning.engine.records import OUTCOME_ORDER
from warning.store.sql import meta
from warning.store.sql.ticket_outcomes import OutcomeBatch, TicketOutcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streams.reading import Message
    from warning.domain.outcome import RowOutcome
    from warning.settings import Settings
    from warning.store.sql.database import Database

_LOG = logging.getLogger(__name__)


class OutcomeFiling:
    """Implements :class:`streams.alerts.loops.Repeated`.

    counted : called with how many tickets became what
    """

    pause = 0.0

    def __init__(
        self,
        settings: Settings,
        database: Database,
        counted: Callable[[Mapping[RowOutcome, int]], None] = lambda _: None,
    ) -> None:
        self._tail = Tail(settings, topics(settings)[Name.OUTCOMES].name)
        self._database = database
        self._outcomes = TicketOutcomes(database)
        self._counted = counted

    async def step(self) -> bool:
        """Store what came."""
        if not self._tail.begun:
            await resume(self._tail, self._database, marks.COUNTED)
        messages = await self._tail.next()
        if messages:
            batches = [batch for message in messages if message.value for batch in _read(message)]
            try:
                fresh = await asyncio.to_thread(self._store, batches, messages[-1].offset + 1)
            except BaseException:
                await self._tail.end()  # to be read again
                raise
            if fresh:
                self._counted(_counts(batches))
        return bool(messages)

    async def stop(self) -> None:
        """Let go of the brokers."""
        await self._tail.end()

    def _store(self, batches: Sequence[OutcomeBatch], position: int) -> int:
        """Store batches, then the position: in between they would be passed over as known."""
        fresh = self._outcomes.store(batches)
        with self._database.write() as connection:
            meta.put(connection, marks.COUNTED, max(position, meta.get_number(connection, marks.COUNTED)))
        return fresh


def _read(message: Message) -> list[OutcomeBatch]:
    """Return a record's batch; what this program did not write is passed over, and told of."""
    try:
        outcomes = decode(message.value or b"", Outcomes)
        _check(outcomes)
    except (ValueError, msgspec.DecodeError) as error:
        _LOG.error("outcomes cannot be read", extra={"place": message.place, "trace": frames_of(error)})
        return []
    return [_batch(outcomes)]


def _check(outcomes: Outcomes) -> None:
    """Raise ValueError for columns that are no table, and for codes that nobody knows."""
    columns = (outcomes.time, outcomes.category, outcomes.area, outcomes.outcome)
    if any(len(column) != len(outcomes.ticket_id) for column in columns):
        raise ValueError("columns of different lengths")
    if not set(outcomes.outcome) <= set(range(len(OUTCOME_ORDER))):
        raise ValueError("an outcome that is none")


def _batch(outcomes: Outcomes) -> OutcomeBatch:
    return OutcomeBatch(
        log=outcomes.log,
        partition=outcomes.partition,
        offset=outcomes.offset,
        source=outcomes.source,
        received_ms=outcomes.received,
        ticket_ids=outcomes.ticket_id,
        times=outcomes.time,
        categories=outcomes.category,
        areas=outcomes.area,
        outcomes=outcomes.outcome,
    )


def _counts(batches: Sequence[OutcomeBatch]) -> Mapping[RowOutcome, int]:
    return Counter(OUTCOME_ORDER[code] for batch in batches for code in batch.outcomes)
