"""Python's collector of reference cycles, told what a worker's objects are like."""

from __future__ import annotations

import gc

YOUNG = 100_000
OLDER = 20


def tune_collector() -> None:
    """Look for cycles less often: a poll makes hundreds of thousands of objects, and nearly none in a cycle.

    By default every 700 new objects are looked through, then again and again with those that are older; of the intake
    worker that was a third of the time (24 microseconds a ticket with it, 16 without). What is there when a worker
    begins (modules, tables) is never looked at again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, OLDER, OLDER)
