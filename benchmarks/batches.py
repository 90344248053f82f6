"""What a batch costs by its size, what a remembered ticket costs, and what a snapshot costs."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from benchmarks.engine import apply_all, city_engine, records_of
from benchmarks.process import Figures, now_mb, timed
from warning.domain.bucket import DAY_MS, QUARTER_MS
from warning.engine.dedupe import SeenTickets
from warning.engine.records import Tick
from warning.intake.columns import TicketColumns
from warning.settings import EngineGroup, Settings, load_settings

_OTHER = np.uint64(0x5DEECE66D)
"""Makes other keys of known ones."""


def batches(csv: str, mapping: str, rows: int) -> Figures:
    """Apply the city's tickets once more as new tickets of one open quarter of an hour, in batches of ``rows``.

    The engine has learned the city first, so every series is known; no tick comes between the batches.
    """
    records = records_of(csv, mapping)
    city = city_engine(load_settings(environment={}))
    apply_all(city, records)
    last = next(record for record in reversed(records) if isinstance(record, Tick))
    tickets = _one_quarter(TicketColumns.joined([r for r in records if isinstance(r, TicketColumns)]), last)
    parts = [tickets.take(np.arange(at, min(at + rows, len(tickets)))) for at in range(0, len(tickets), rows)]
    took = timed(lambda: apply_all(city, parts))
    return took | {
        "tickets": float(len(tickets)),
        "us_per_ticket": 1e6 * took["seconds"] / len(tickets),
        "us_per_batch": 1e6 * took["seconds"] / len(parts),
        "accepted": float(city.statistics.outcomes["accepted"]),
    }


def dedupe(tickets: int, rows: int) -> Figures:
    """Remember tickets of 30 days and 64 shards in batches of ``rows``."""
    random = np.random.default_rng(311)
    keys = random.integers(0, 2**64, tickets, dtype=np.uint64)
    digests = random.integers(0, 2**64, tickets, dtype=np.uint64)
    days, shards = np.arange(tickets) * 30 // tickets + 19_000, random.integers(0, 64, tickets)
    before = now_mb()
    seen = SeenTickets(shards=64, horizon_days=30, capacity=30_000_000)

    def see() -> None:
        for at in range(0, tickets, rows):
            part = slice(at, at + rows)
            seen.see(keys[part], digests[part], days[part], shards[part])

    took = timed(see)
    return took | {
        "us_per_ticket": 1e6 * took["seconds"] / tickets,
        "bytes_per_ticket": seen.nbytes / tickets,
        "grown_mb": now_mb() - before,
    }


def snapshot(csv: str, mapping: str, quota: int) -> Figures:
    """Take a snapshot of an engine that has run a city, write it with msgpack, and restore it from that."""
    settings = Settings(engine=EngineGroup(series_quota_per_shard=quota))
    city = city_engine(settings)
    apply_all(city, records_of(csv, mapping))
    encoded: list[bytes] = []
    taken = timed(lambda: encoded.append(msgspec.msgpack.encode(city.snapshot())))
    other = city_engine(settings)
    restored = timed(lambda: other.restore(msgspec.msgpack.decode(encoded[0])))
    return {
        "series": float(city.statistics.series),
        "megabytes": len(encoded[0]) / 1e6,
        "bytes_per_series": len(encoded[0]) / city.statistics.series,
        "seconds": taken["seconds"],
        "restore_seconds": restored["seconds"],
    }


def _one_quarter(tickets: TicketColumns, last: Tick) -> TicketColumns:
    """Move tickets, as new ones, into the open quarter of an hour after the last tick."""
    start = (last.watermark + DAY_MS) // QUARTER_MS * QUARTER_MS
    times = start + np.arange(len(tickets), dtype=np.int64) * QUARTER_MS // len(tickets)
    return replace(tickets, time=times, version=times, key=tickets.key ^ _OTHER)
