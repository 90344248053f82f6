"""Dead letters: from the topic ``tickets.rejected`` into the database, each once, with where its original stands."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from streams import marks
from streams.alerts.resuming import resume
from streams.records import Rejected, decode
from streams.tailing import Tail
from streams.topics import Name, topics
from warning.store.sql import meta
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.origins import Filed, Origin, SqlOrigins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streams.reading import Message
    from warning.domain.reject import RejectReason
    from warning.settings import Settings
    from warning.store.sql.database import Database

_LOG = logging.getLogger(__name__)


class DeadLetterFiling:
    """Implements :class:`streams.alerts.loops.Repeated`; the position is stored with what was filed.

    filed : called with the reasons of what was filed
    """

    pause = 0.0

    def __init__(
        self, settings: Settings, database: Database, filed: Callable[[Iterable[RejectReason]], None] = lambda _: None
    ) -> None:
        self._tail = Tail(settings, topics(settings)[Name.REJECTED].name)
        self._database = database
        self._origins = SqlOrigins(database)
        self._kept = timedelta(hours=settings.retention.original_hours)
        self._filed = filed

    async def step(self) -> bool:
        """File what came."""
        if not self._tail.begun:
            await resume(self._tail, self._database, marks.FILED)
        messages = await self._tail.next()
        if messages:
            try:
                letters = await asyncio.to_thread(self._file, messages)
            except BaseException:
                await self._tail.end()  # to be read again
                raise
            self._filed([letter.reject.reason for letter in letters])
        return bool(messages)

    async def stop(self) -> None:
        """Let go of the brokers."""
        await self._tail.end()

    def _file(self, messages: Sequence[Message]) -> list[Filed]:
        with self._database.write() as connection:
            stored = meta.get_number(connection, marks.FILED)
            letters = [letter for each in messages if each.offset >= stored for letter in self._letters(each)]
            letters = self._origins.unfiled(connection, letters)
            self._origins.file(connection, letters)
            meta.put(connection, marks.FILED, max(stored, messages[-1].offset + 1))
        return letters

    def _letters(self, message: Message) -> list[Filed]:
        """Return a record's letter; what this program did not write is passed over, and told of without its words."""
        try:
            rejected = decode(message.value or b"", Rejected)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            _LOG.warning("a dead letter cannot be read", extra={"place": message.place, "reason": type(error).__name__})
            return []
        at = moment_of_ms(rejected.at)
        origin = Origin(
            topic=rejected.topic, partition=rejected.partition, offset=rejected.offset, until=at + self._kept
        )
        filed = Filed(
            at=at, source=rejected.source, reject=rejected.reject, ticket_key=rejected.ticket_key, origin=origin
        )
        return [filed]
