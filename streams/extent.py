"""How far the cluster's log reaches, for loads of history: what is history lies before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING

from streams.detect.beginning import LogBeginning
from streams.generations import generations, log_name
from streams.reading import RangeReader
from streams.topics import Name, topics
from warning.bootstrap.history import LogExtent
from warning.engine.records import Tick
from warning.store.logfile import decode_record

if TYPE_CHECKING:
    from warning.settings import Settings
    from warning.store.sql.database import Database

NEWEST = 200
"""Records at the clock's end among which the last tick is looked for first: the others are what people said."""


def extent_of(settings: Settings, database: Database) -> Callable[[], LogExtent]:
    """Return what asks Kafka; not to be called in a thread that runs an event loop."""

    def extent() -> LogExtent:
        with database.read() as connection:
            name = log_name(connection)
        return asyncio.run(_extent(settings, name))

    return extent


async def _extent(settings: Settings, name: str) -> LogExtent:
    reader = RangeReader(settings)
    log = LogBeginning(reader, settings, list(await generations(reader, settings, name)))
    begin = await log.common_clock()
    since = await log.live_since(begin - 1)
    return LogExtent(since=since, until=await _last_tick(reader, topics(settings)[Name.CLOCK].name), whole=not begin)


async def _last_tick(reader: RangeReader, clock: str) -> int | None:
    oldest, end = await reader.bounds(clock, 0)
    for first in (max(oldest, end - NEWEST), oldest):
        found = None
        async with aclosing(reader.read(clock, 0, first, end)) as messages:
            async for message in messages:
                record = decode_record(message.value or b"", message.place)
                found = record.watermark if isinstance(record, Tick) else found
        if found is not None:
            return found
    return None
