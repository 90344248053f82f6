"""Local days and hours of a zone as milliseconds of the epoch."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

IntArray = NDArray[np.int64]


def midnight(day: date, zone: str) -> int:
    """Return when a local day begins."""
    return hour_starts(day, zone)[0]


@lru_cache(maxsize=2048)
def hour_starts(day: date, zone: str) -> tuple[int, ...]:
    """Return when each of a local day's 24 hours begins; an hour that clocks skip begins where the next one does."""
    local = ZoneInfo(zone)
    return tuple(_ms(datetime.combine(day, time(hour), local)) for hour in range(24))


def local_day(ms: int, zone: str) -> date:
    """Return the local day of a moment."""
    return moment(ms, zone).date()


def moment(ms: int, zone: str) -> datetime:
    """Return a moment in the zone."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone))


def days_touched(start_ms: int, end_ms: int, zone: str) -> list[date]:
    """Return the local days that a half-open stretch of time touches."""
    first, last = local_day(start_ms, zone), local_day(max(start_ms, end_ms - 1), zone)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def monday(day: date) -> date:
    """Return the Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def _ms(local: datetime) -> int:
    return int(local.timestamp()) * 1000
