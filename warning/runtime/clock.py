"""The clock: the only place that asks what time it is. Everything else is told."""

import time


def now_ms() -> int:
    """Return the time now, milliseconds of the epoch (UTC)."""
    return time.time_ns() // 1_000_000
