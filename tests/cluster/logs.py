"""A recorded log written into the cluster's topics as the intake workers would have, and what must come of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from kafka import KafkaProducer

from streams.connection import kafka_python_options
from streams.records import clock_header
from streams.topics import Name, partition_of, topics
from warning.bootstrap.backtest import build_engine
from warning.engine.records import Record
from warning.engine.shard_stage import shard_of
from warning.intake.columns import TicketColumns
from warning.runtime.backtest import Collected
from warning.settings import Settings
from warning.store.logfile import encode_record


class LogWriter:
    """Writes a log's records: batches by shard, ticks and controls into the clock and into every partition."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._table = topics(settings)
        self._producer = KafkaProducer(
            **kafka_python_options(settings), acks="all", max_request_size=16 << 20, linger_ms=5
        )

    def write(self, records: Iterable[Record]) -> int:
        """Write records in their order; returns how many tickets there were."""
        tickets = 0
        for record in records:
            if isinstance(record, TicketColumns):
                tickets += len(record)
                self._batch(record)
            else:
                self._copies(record)
        self._producer.flush()
        return tickets

    def close(self) -> None:
        self._producer.close()

    def _batch(self, batch: TicketColumns) -> None:
        for shard, part in by_shard(batch, self._settings.engine.shards):
            self._send(Name.TICKETS, part, partition_of(shard, self._partitions), key=b"%d" % shard)

    def _copies(self, record: Record) -> None:
        offset = self._send(Name.CLOCK, record, 0).get(timeout=30).offset
        for partition in range(self._partitions):
            self._send(Name.TICKETS, record, partition, headers=clock_header(offset))

    def _send(self, name: Name, record: Record, partition: int, **more: Any) -> Any:
        return self._producer.send(self._table[name].name, encode_record(record), partition=partition, **more)

    @property
    def _partitions(self) -> int:
        return self._table[Name.TICKETS].partitions


def by_shard(batch: TicketColumns, shards: int) -> Sequence[tuple[int, TicketColumns]]:
    """Part a batch by shard."""
    of = np.array([shard_of(batch.jurisdiction, name, shards) for name in batch.category.decoded()])
    return [(shard, batch.take(np.nonzero(of == shard)[0])) for shard in sorted(set(of.tolist()))]


def judged(records: Iterable[Record], settings: Settings) -> Collected:
    """Return what an engine says of a log: the oracle."""
    engine = build_engine(settings, jurisdiction=settings.jurisdiction, zone=settings.zone)
    said = Collected()
    for record in records:
        said.add(engine.apply(record))
    return said
