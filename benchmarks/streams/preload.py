"""The topic that every contestant reads: canonical JSON tickets of a made-up city, in the order of their times."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl
from confluent_kafka import Producer

from benchmarks.city import START, TIME_FORMAT, City, frame
from warning.domain.bucket import DAY_MS

DAYS = 28
TOGETHER = 500
"""Tickets that the brokers keep together: nobody can fetch fewer."""
FETCH_BYTES = 32 << 10
"""Peers fetch so much of a partition at once: with megabytes, their clients read one partition to its end before the
next, the watermark waits, and provisional evidence is given on weeks of open buckets. The cluster reads evenly."""


def beginning(now_ms: int, days: int = DAYS) -> int:
    """Return the midnight from which a city of so many days ends in the past, and less than two days ago.

    A topic that ended years ago would make the cluster close years of empty buckets.
    """
    return (now_ms // DAY_MS - days - 1) * DAY_MS


def values(city: City, begin_ms: int) -> Iterator[bytes]:
    """Yield a city's tickets as platforms send them; the same each time, but for the day on which it begins."""
    start = pl.lit(START.replace(tzinfo=None))
    since = pl.col("Created").str.to_datetime(TIME_FORMAT, time_unit="ms") - start
    at = pl.from_epoch(pl.lit(begin_ms), time_unit="ms") + since
    texts = frame(city).with_columns(at.dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("Created"))
    encoder = msgspec.json.Encoder()
    for row in texts.iter_rows(named=True):
        ticket: dict[str, Any] = {
            "ticket_id": str(row["Ticket"]),
            "created_at": row["Created"],
            "area": f"City/{row['Borough']}/{row['District']}",
            "category": row["Category"],
        }
        yield encoder.encode(ticket)


def preload(bootstrap: str, topic: str, partitions: int, city: City, begin_ms: int) -> float:
    """Write a city into a topic, each ticket into the partition after the last one's; returns bytes a ticket."""
    small = {"batch.num.messages": TOGETHER, "linger.ms": 20, "compression.type": "lz4"}
    producer = Producer({"bootstrap.servers": bootstrap, **small})
    written = 0
    for number, value in enumerate(values(city, begin_ms)):
        while True:
            try:
                producer.produce(topic, value, partition=number % partitions)
                break
            except BufferError:
                producer.poll(0.1)
        written += len(value)
        if number % 1_000 == 0:
            producer.poll(0)
    if producer.flush(60):
        raise RuntimeError("the broker did not take the tickets")
    return written / city.tickets


def told(begin_ms: int) -> str:
    """Return the day on which the city begins."""
    return f"{datetime.fromtimestamp(begin_ms / 1000, UTC):%Y-%m-%d}"
