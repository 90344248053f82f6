"""Originals of refused items, read from the topic in which they stand."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka.errors import KafkaError

from streams.intake.decoding import Decoder
from streams.reading import LogLostError, Message, RangeGoneError, RangeReader
from streams.topics import Name, topics
from warning.runtime.replaying import event_in
from warning.service.ports import StoreBusyError
from warning.store.sql.dead_letters import SqlDeadLetters
from warning.store.sql.origins import SqlOrigins

if TYPE_CHECKING:
    from datetime import datetime

    from warning.service.ports import DeadLetter
    from warning.settings import Settings
    from warning.store.sql.database import Database

WAIT_SECONDS = 5.0


class KafkaDeadLetters(SqlDeadLetters):
    """Implements :class:`warning.service.ports.DeadLetterStore`, and ``Letters``, where originals stand in topics.

    Methods may not be called in a thread that runs an event loop.
    """

    def __init__(self, settings: Settings, database: Database) -> None:
        super().__init__(database)
        self._origins = SqlOrigins(database)
        self._reader = RangeReader(settings)
        self._raw = topics(settings)[Name.RAW].name

    def original(self, letter_id: int, *, reader: str, at: datetime) -> bytes | None:
        """Return the record's value as it stands, the whole of it where it holds several items."""
        message = self._record(letter_id, reader=reader, at=at)
        return None if message is None else message.value

    def event(self, letter: DeadLetter, *, reader: str, at: datetime) -> tuple[object, bytes] | None:
        """See :meth:`warning.runtime.replaying.Letters.event`."""
        message = self._record(letter.id, reader=reader, at=at)
        if message is None:
            return None
        value = message.value or b""
        if message.topic != self._raw:
            return event_in(value), value
        items = Decoder(letter.source).decode(message.value, message.headers)
        event = next((item.event for item in items if item.row == letter.reject.row), None)
        return (event if isinstance(event, dict) else None), value

    def _record(self, letter_id: int, *, reader: str, at: datetime) -> Message | None:
        origin = self._origins.find(letter_id, at)
        if origin is None:
            return None
        self._origins.note_read(letter_id, reader=reader, at=at)
        try:
            return asyncio.run(
                asyncio.wait_for(self._read(origin.topic, origin.partition, origin.offset), WAIT_SECONDS)
            )
        except (RangeGoneError, LogLostError):
            return None
        except (KafkaError, TimeoutError) as error:
            raise StoreBusyError("Kafka does not answer at present", 3, "Kafka 目前没有应答,请稍后重试。") from error

    async def _read(self, topic: str, partition: int, offset: int) -> Message | None:
        found = [message async for message in self._reader.read(topic, partition, offset, offset + 1)]
        return found[0] if found else None
