"""A part of the log through an engine that knows nothing before it: to look into what happened, changing nothing.

Controls are obeyed where they stand in the range, and no others. So a shard that was left out is so a few ticks later
than it was in the cluster (:mod:`streams.absences`), not at all in a range that begins after the log was told of it,
and what it would have said is missing from a range that ends before it was back. An export of the whole log has them
where they held.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from streams.away import named
from streams.cluster_log import in_turn
from streams.generations import generations
from streams.merging import Merging, Span
from streams.poison import PoisonTopic
from streams.reading import RangeGoneError, RangeReader
from warning.bootstrap.backtest import build_engine
from warning.bootstrap.folder import jurisdiction_of, zone_of
from warning.bootstrap.history import LIVE_LOG
from warning.domain.errors import InvalidInputError
from warning.engine.grid import zone_named
from warning.intake.register import load_register
from warning.runtime.backtest import Intake, run
from warning.service.errors import BadInputError

if TYPE_CHECKING:
    from streams.generations import Generation
    from streams.reading import Message
    from warning.engine.records import Record
    from warning.service.result import BacktestResult
    from warning.settings import Settings

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in every partition: an offset, or the first record written at a time (milliseconds)."""

    offset: int | None = None
    at: int | None = None


def parse_position(text: str, zone: str) -> Position:
    """Read an offset or a time, ISO 8601, in a zone where it names none; raises BadInputError."""
    if text.isdigit():
        return Position(offset=int(text))
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(
            f"position {text!r}",
            "is neither an offset nor a time",
            "Give a number, or a time such as 2026-01-31T08:00.",
            f"位置 {text!r} 既不是偏移量也不是时间。请给出数字,或如 2026-01-31T08:00 的时间。",
        ) from error
    if time.tzinfo is None:
        time = time.replace(tzinfo=zone_named(zone))
    return Position(at=int(time.timestamp() * 1000))


class Replay:
    """A range of one generation of the log.

    Parameters
    ----------
    topic : its name without the prefix
    since, until : None: from the oldest that is kept, to the present end
    """

    def __init__(self, settings: Settings, topic: str, since: Position | None, until: Position | None) -> None:
        self._settings = settings
        self._topic = topic
        self._since = since
        self._until = until
        self._reader = RangeReader(settings)
        self._spans: list[Span] = []

    def prepare(self) -> int:
        """Find the range; returns how many records it holds.

        Raises BadInputError for what is no log, RangeGoneError for offsets that are no longer kept.
        """
        with named(self._settings):
            self._spans = asyncio.run(self._found())
        return sum(span.until - span.first for span in self._spans)

    def result(self, progress: Progress | None = None) -> BacktestResult:
        """Run the range through a fresh engine."""
        settings = self._settings
        register = load_register(Path(settings.register_file)) if settings.register_file else None
        engine = build_engine(
            settings, jurisdiction=jurisdiction_of(settings), zone=zone_of(settings), register=register
        )
        inputs = tuple(f"{span.topic}/{span.partition}@{span.first}-{span.until}" for span in self._spans)
        release = version("early-warning")
        merged = in_turn(self._records(progress))
        with named(settings):
            return run(engine, merged, Intake(), inputs=inputs, mapping=LIVE_LOG, version=release)

    async def _found(self) -> list[Span]:
        generation = (await generations(self._reader, self._settings, self._topic))[-1]
        bounds = await self._reader.all_bounds(generation.topic, range(generation.partitions))
        spans = []
        for partition, (oldest, end) in sorted(bounds.items()):
            first = await self._offset(generation, partition, self._since, oldest)
            until = min(end, await self._offset(generation, partition, self._until, end))
            if first < min(oldest, until):
                raise RangeGoneError(generation.topic, partition, first, oldest)
            if first < until:
                spans.append(Span(topic=generation.topic, partition=partition, first=first, until=until))
        if not spans:
            advice = "Look at the ends with Kafka's own tools, or leave --from and --to out."
            raise InvalidInputError(f"topic {generation.topic}", "holds nothing in this range", advice)
        return spans

    async def _offset(self, generation: Generation, partition: int, position: Position | None, default: int) -> int:
        if position is None:
            return default
        if position.at is not None:
            return await self._reader.at_time(generation.topic, partition, position.at)
        return default if position.offset is None else position.offset

    async def _records(self, progress: Progress | None) -> AsyncGenerator[Record, None]:
        poison = await PoisonTopic(self._reader, self._settings).refresh()
        merging = Merging(_Told(self._reader, progress or (lambda _: None)), poison)
        async with aclosing(merging.merge(self._spans, whole=False)) as records:
            async for record in records:
                yield record


class _Told:
    """A reader that tells of each record."""

    def __init__(self, reader: RangeReader, progress: Progress) -> None:
        self._reader = reader
        self._progress = progress

    async def read(
        self, topic: str, partition: int, first: int, until: int | None = None
    ) -> AsyncGenerator[Message, None]:
        async with aclosing(self._reader.read(topic, partition, first, until)) as messages:
            async for message in messages:
                self._progress(1)
                yield message
