"""The jurisdiction's calendar: which bucket of each length a moment lies in, and where buckets start and end.

Times are milliseconds of the epoch (UTC). A bucket's id is a number that grows by one from bucket to bucket: quarters
and hours count elapsed time, days and weeks (from Monday) local dates, so a day has 23 or 25 hours when clocks change.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.base import WEEK_HOURS, Window
from warning.domain.bucket import HOUR_MS, QUARTER_MS, BucketLength
from warning.domain.errors import InvalidInputError

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONDAY_SHIFT = 3
"""1 January 1970 was a Thursday."""
_NOMINAL_HOURS = {BucketLength.QUARTER: 0.25, BucketLength.HOUR: 1.0, BucketLength.DAY: 24.0, BucketLength.WEEK: 168.0}


def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone; raises InvalidInputError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        advice = "Use an IANA name such as Asia/Shanghai or America/New_York."
        raise InvalidInputError("zone", f"{name!r} is not a time zone", advice) from error


class Grid:
    """Bucket arithmetic of one time zone, with a memory for what is asked again and again."""

    def __init__(self, zone: str) -> None:
        self.zone = zone_named(zone)
        offset = datetime(2024, 1, 1, tzinfo=self.zone).utcoffset() or timedelta()
        self._hour_shift = int(offset.total_seconds() * 1000) % HOUR_MS
        self._ids: dict[int, tuple[int, int, int, int]] = {}
        self._day_starts: dict[int, int] = {}

    def moment(self, ms: int) -> datetime:
        """Return the local time with its offset.

        The offset is fixed, not the zone's rule: such times compare and add as moments also where clocks change, and
        are the same after they were written and read.
        """
        local = datetime.fromtimestamp(ms / 1000, tz=UTC).astimezone(self.zone)
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)

    def ids(self, quarter: int) -> tuple[int, int, int, int]:
        """Return the ids of the quarter, hour, day and week that hold a quarter of an hour."""
        known = self._ids.get(quarter)
        if known is None:
            ms = quarter * QUARTER_MS
            day = self.moment(ms).toordinal() - _EPOCH_DAY
            known = (quarter, (ms + self._hour_shift) // HOUR_MS, day, (day + _MONDAY_SHIFT) // 7)
            self._ids[quarter] = known
        return known

    def forget_before(self, quarter: int) -> None:
        """Drop what is remembered of older quarters."""
        for old in [known for known in self._ids if known < quarter]:
            del self._ids[old]

    def hour_of(self, ms: int) -> int:
        """Return the id of the hour that holds a moment."""
        return (ms + self._hour_shift) // HOUR_MS

    def start(self, length: BucketLength, bucket: int) -> int:
        """Return where a bucket starts."""
        if length is BucketLength.QUARTER:
            return bucket * QUARTER_MS
        if length is BucketLength.HOUR:
            return bucket * HOUR_MS - self._hour_shift
        return self._day_start(bucket if length is BucketLength.DAY else 7 * bucket - _MONDAY_SHIFT)

    def end(self, length: BucketLength, bucket: int) -> int:
        """Return where a bucket ends, which is where the next one starts."""
        return self.start(length, bucket + 1)

    def _day_start(self, day: int) -> int:
        known = self._day_starts.get(day)
        if known is None:
            local = date.fromordinal(day + _EPOCH_DAY)
            known = int(datetime(local.year, local.month, local.day, tzinfo=self.zone).timestamp() * 1000)
            self._day_starts[day] = known
        return known

    def window(
        self, length: BucketLength, bucket: int, until: int | None = None, *, learned_to: int | None = None
    ) -> Window:
        """Return a bucket as models see it; with ``until``, the part of it that has passed by then.

        ``learned_to`` is the moment up to which models have learned: a bucket that starts after it lies ahead.
        """
        start = self.start(length, bucket)
        hours = _NOMINAL_HOURS[length]
        if until is not None:
            hours = min(hours, max(until - start, 1) / HOUR_MS)
        local = self.moment(start)
        hour_of_week = local.weekday() * 24 + local.hour + local.minute / 60
        return Window(length.value, hour_of_week % WEEK_HOURS, hours, learned_to is not None and start >= learned_to)
