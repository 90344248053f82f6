"""What every contestant does with tickets, without the transport: the cluster's own normaliser, batches and engine."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from streams.detect.stage import DetectStage
from streams.generations import Generation
from streams.intake.batching import Batcher
from streams.intake.judging import Judge, Received
from streams.intake.sources import Mappings, RememberedSources
from streams.records import Outcomes, encode, encode_report
from streams.topics import Name, partition_of, topics
from warning.bootstrap.backtest import build_policy, engine_config
from warning.bootstrap.folder import JURISDICTION
from warning.domain.bucket import DAY_MS, MINUTE_MS
from warning.domain.ticket import LifeEvent
from warning.engine.records import Tick
from warning.engine.watermark import Watermarks
from warning.intake.columns import TicketColumns
from warning.runtime.clock import now_ms
from warning.store.logfile import decode_record, encode_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from warning.service.ports import Source
    from warning.settings import Settings

BATCH = 5_000
"""Tickets that a contestant gathers before it normalises them: a call has a price whatever it holds."""
WAIT_SECONDS = 0.1
"""It waits no longer for them."""
ZONE = "UTC"


class Out(NamedTuple):
    """A record to be sent."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes


class DetectJob(Protocol):
    """The second half: a record of the log -> what is said of it."""

    def take(self, partition: int, offset: int, value: bytes) -> list[Out]: ...


class IntakeJob:
    """The first half: records of ``tickets.raw`` -> batches of the log by shard, and ticks in all its partitions.

    One process reads all of the input, so the watermark is known to it, and what it sends stands behind a tick in the
    order in which it was sent. Its ticks are given to it, those that the cluster wrote for the same topic, so that all
    contestants close the same buckets at the same places; it writes each once the watermark has passed it, and says how
    far it has itself read by then: what is expected of an open bucket depends on that.

    ticks : file of them, a record of the log a line
    """

    def __init__(self, settings: Settings, ticks: str) -> None:
        table = topics(settings)
        self._log = table[Name.TICKETS]
        self._raw = table[Name.RAW]
        sources = RememberedSources(_NoSources())
        sources.refresh()
        self._judge = Judge(
            jurisdiction=JURISDICTION,
            raw=self._raw.name,
            pushed=table[Name.PUSHED].name,
            default=settings.cluster.source,
            mapping_of=Mappings(sources, ZONE, settings.cluster.source),
            register=None,
            batcher=Batcher(JURISDICTION, settings.engine.shards, settings.cluster.batch_tickets),
            clock=now_ms,
        )
        self._watermarks = Watermarks(JURISDICTION, settings.service.tick_minutes * MINUTE_MS)
        self._due = deque(read_ticks(Path(ticks)))
        for partition in range(self._raw.partitions):
            self._watermarks.add_source(str(partition), settings.engine.lateness_minutes * MINUTE_MS)

    def take(self, records: Sequence[Received]) -> list[Out]:
        """Return what some records become, in the order in which it must be sent."""
        judged = self._judge.judge(records)
        if judged.letters:
            raise ValueError(f"the benchmark's tickets are refused: {judged.letters[0]}")
        partitions = self._log.partitions
        out = [
            Out(self._log.name, partition_of(shard, partitions), b"%d" % shard, value)
            for shard, value in judged.batches
        ]
        for (_, partition), latest in judged.latest.items():
            self._watermarks.read(str(partition), latest)
        passed = self._watermarks.watermark(now_ms())
        while passed is not None and self._due and self._due[0].watermark <= passed:
            tick = self._due.popleft()
            value = encode_record(replace(tick, read_to=self._watermarks.read_to() or tick.read_to))
            out += [Out(self._log.name, partition, None, value) for partition in range(partitions)]
        return out

    def received(self, partition: int, offset: int, value: bytes | None) -> Received:
        """Return a record of the input."""
        return Received(self._raw.name, partition, offset, value, ())


class EngineJob:
    """The detect worker's stage of each partition, in memory only."""

    def __init__(self, settings: Settings) -> None:
        table = topics(settings)
        self._signals, self._outcomes = table[Name.SIGNALS].name, table[Name.OUTCOMES].name
        self._log = Generation(topic=table[Name.TICKETS].name, partitions=table[Name.TICKETS].partitions)
        self._config = engine_config(settings, jurisdiction=JURISDICTION, zone=ZONE)
        self._policy = build_policy(settings, None).config
        self._stages: dict[int, DetectStage] = {}

    def take(self, partition: int, offset: int, value: bytes) -> list[Out]:
        """Return what is said of a record: outcomes of a batch, the report of a tick."""
        record = decode_record(value, f"{partition}@{offset}")
        stage = self._stages.get(partition) or self._begin(partition)
        key = b"%d" % partition
        if isinstance(record, TicketColumns):
            outcome = stage.apply(record)
            told = outcomes_of(record, outcome, self._log.topic, partition, offset)
            return [Out(self._outcomes, 0, key, encode(told))]
        if not isinstance(record, Tick):
            raise TypeError("nothing but batches and ticks is written here")
        report = stage.tick(record, era=0)
        return [] if report is None else [Out(self._signals, 0, key, encode_report(report))]

    def _begin(self, partition: int) -> DetectStage:
        stage = self._stages[partition] = DetectStage(self._config, self._policy, self._log, partition)
        return stage


def outcomes_of(batch: TicketColumns, outcome: NDArray[np.uint8], log: str, partition: int, offset: int) -> Outcomes:
    """Return what became of a batch's tickets, as the detect worker tells it."""
    created = batch.take(np.flatnonzero(batch.kind == LifeEvent.CREATED))
    return Outcomes(
        log=log,
        partition=partition,
        offset=offset,
        source=batch.source,
        received=now_ms(),
        ticket_id=created.ticket_id.tolist(),
        time=created.time.tolist(),
        category=created.category.decoded(),
        area=created.area.decoded(),
        outcome=outcome.tolist(),
    )


def detect_job(engine: str, settings: Settings) -> DetectJob:
    """Return the second half with the engine, or with ``river`` in its place."""
    if engine == "river":
        from benchmarks.streams.river_job import RiverJob  # noqa: PLC0415  only the peers' environment has River

        return RiverJob(settings)
    return EngineJob(settings)


def write_ticks(target: Path, ticks: Iterable[Tick]) -> None:
    """Write the ticks that contestants are given."""
    target.write_bytes(b"".join(encode_record(tick) + b"\n" for tick in ticks))


def read_ticks(source: Path) -> Iterator[Tick]:
    """Yield the ticks that were written."""
    for line in source.read_bytes().splitlines():
        record = decode_record(line, str(source))
        if isinstance(record, Tick):
            yield record


def regular_ticks(settings: Settings, begin_ms: int, days: int, every_ms: int) -> Iterator[Tick]:
    """Yield a tick every so often, for where there are none of the cluster's."""
    step = settings.service.tick_minutes * MINUTE_MS
    lateness = settings.engine.lateness_minutes * MINUTE_MS
    for watermark in range(begin_ms, begin_ms + days * DAY_MS, every_ms):
        number = watermark // step
        yield Tick(jurisdiction=JURISDICTION, number=number, watermark=number * step, read_to=watermark + lateness)


class _NoSources:
    def sources(self) -> Sequence[Source]:
        return ()
