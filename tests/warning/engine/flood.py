"""A flood as a program of its own: a million tickets with a million categories, and what they cost (run by a test)."""

from __future__ import annotations

import json
import resource
import sys

import numpy as np

from tests.warning.engine.tickets import CITY, START, STEP, tick
from warning.bootstrap import build_engine
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.engine.engine import Engine
from warning.intake.columns import Dictionary, TicketColumns
from warning.runtime.backtest import notices_of
from warning.settings import Settings

BATCH = 1_000
DAYS = 10


def batch_of(first: int, step: int, rng: np.random.Generator) -> TicketColumns:
    """Return the next thousand tickets, each with a category of its own."""
    times = START + np.arange(first, first + BATCH) * step
    names = [f"Random {number}" for number in rng.integers(1 << 62, size=BATCH).tolist()]
    one = np.zeros(BATCH, np.int32)
    return TicketColumns(
        jurisdiction=CITY,
        source="flood",
        row=np.arange(first, first + BATCH),
        kind=np.zeros(BATCH, np.uint8),
        time=times,
        version=times,
        ticket_id=np.array([str(i) for i in range(first, first + BATCH)], np.object_),
        key=rng.integers(1 << 62, size=BATCH).astype(np.uint64),
        digest=rng.integers(1 << 62, size=BATCH).astype(np.uint64),
        area=Dictionary(one, ["Testville/North/District 1"]),
        category=Dictionary(np.arange(BATCH, dtype=np.int32), names),
        department=Dictionary(one, ["Department"]),
        channel=Dictionary(one, ["web"]),
        text=np.full(BATCH, "", np.object_),
    )


def flood(tickets: int) -> Engine:
    """Feed the flood to an engine with default settings, ticks as they become due."""
    engine = build_engine(Settings(), jurisdiction=CITY, zone="UTC")
    rng = np.random.default_rng(1)
    number = (START - HOUR_MS) // STEP
    engine.apply(tick(number, START))
    for first in range(0, tickets, BATCH):
        batch = batch_of(first, DAYS * DAY_MS // tickets, rng)
        engine.apply(batch)
        read_to = int(batch.time[-1])
        if (read_to - HOUR_MS) // STEP > number:
            number = (read_to - HOUR_MS) // STEP
            engine.apply(tick(number, read_to))
    return engine


if __name__ == "__main__":
    flooded = flood(int(sys.argv[1]))
    done = flooded.statistics
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    said = {"peak_mb": peak, "series": done.series, "overflowed": done.overflowed, "notices": notices_of(flooded)}
    sys.stdout.write(json.dumps(said | {"accepted": done.outcomes["accepted"]}))
