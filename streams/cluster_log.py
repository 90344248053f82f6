"""The whole log of a cluster, its history first, as records of one engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from streams.absences import absences
from streams.away import named
from streams.detect.beginning import LogBeginning
from streams.detect.history import SqlPast
from streams.generations import generations, log_name
from streams.merging import Merging, Span
from streams.poison import PoisonTopic
from streams.reading import RangeReader
from warning.bootstrap.folder import jurisdiction_of, open_store, zone_of
from warning.bootstrap.history import LIVE_LOG
from warning.store.logfile import LOG_VERSION, LogHeader, write_log

if TYPE_CHECKING:
    from pathlib import Path

    from streams.generations import Generation
    from warning.engine.records import Record
    from warning.settings import Settings
    from warning.store.sql.database import Database

T = TypeVar("T")


def export_cluster_log(settings: Settings, out: Path) -> int:
    """Write what the cluster has applied as a file for back-tests; returns how many records.

    The partitions may be written to meanwhile: ticks and controls that have not reached all of them are left out.
    """
    database = open_store(settings)
    try:
        with named(settings):
            return write_log(out, header_of(settings), in_turn(whole_log(settings, database)))
    finally:
        database.close()


def header_of(settings: Settings) -> LogHeader:
    """Return the first line of an exported log."""
    return LogHeader(
        version=LOG_VERSION, jurisdiction=jurisdiction_of(settings), zone=zone_of(settings), mapping=LIVE_LOG, inputs=[]
    )


async def whole_log(settings: Settings, database: Database) -> AsyncGenerator[Record, None]:
    """Yield history, then what all generations of the log hold, as every partition's worker takes it in.

    Shards are left out of the ticks that were judged without them (:mod:`streams.absences`). Raises RangeGoneError or
    GenerationGoneError where the log's beginning was deleted, unless the present era began without it.
    """
    reader, past = RangeReader(settings), SqlPast(database, settings)
    with database.read() as connection:
        name = log_name(connection)
    found = await generations(reader, settings, name)
    beginning, era = LogBeginning(reader, settings, found), past.era()
    clock = 0
    if past.may_lack_beginning(era):
        clock = past.agreed_begin(era, await beginning.common_clock())
    spans = [await _spans(reader, each, kept=clock > 0) for each in (found[-1:] if clock else found)]
    with database.read() as connection:  # after the ends: whatever was judged of these records stands in it
        decided = absences(connection)
    for record in past.records(await beginning.live_since(clock - 1)):
        yield record
    merging = Merging(reader, await PoisonTopic(reader, settings).refresh(), last_clock=clock - 1)
    async with aclosing(decided.placed(_merged(merging, spans))) as records:
        async for record in records:
            yield record


async def _merged(merging: Merging, spans: Sequence[Sequence[Span]]) -> AsyncGenerator[Record, None]:
    for generation in spans:
        async with aclosing(merging.merge(generation)) as records:
            async for record in records:
                yield record


async def _spans(reader: RangeReader, generation: Generation, *, kept: bool) -> list[Span]:
    generation.require()
    bounds = await reader.all_bounds(generation.topic, range(generation.partitions))
    return [
        Span(topic=generation.topic, partition=each, first=oldest if kept else 0, until=end)
        for each, (oldest, end) in sorted(bounds.items())
    ]


def in_turn(records: AsyncGenerator[T, None]) -> Iterator[T]:
    """Yield what an asynchronous generator yields, for code that does not wait."""

    async def following() -> T:
        return await anext(records)

    with asyncio.Runner() as runner:
        try:
            while True:
                try:
                    yield runner.run(following())
                except StopAsyncIteration:
                    return
        finally:
            runner.run(records.aclose())
