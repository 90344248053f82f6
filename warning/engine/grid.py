"""The jurisdiction's calendar: which bucket of each length a moment lies in, and where buckets start and end.

Times are milliseconds of the epoch (UTC). A bucket's id is a number that grows by one from bucket to bucket. Quarters
count elapsed time; hours start on the hour of the local clock; days and weeks (from Monday) are local dates, so a day
has 23 or 25 hours when clocks change. Buckets of one length follow each other without gap or overlap:

- A date that was skipped (Apia, 30 December 2011) is a bucket of no length.
- A day that begins twice, clocks going back over midnight (Newfoundland until 2011), begins the first time.
- An hour in which clocks change by half an hour lasts 30 or 90 minutes (Lord Howe Island twice a year, a few zones
  once). Only such an hour can hold a midnight (Pyongyang, 5 May 2018).
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from models.base import Window
from warning.domain.bucket import HOUR_MS, QUARTER_MS, BucketLength
from warning.domain.errors import InvalidInputError

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_MONDAY_SHIFT = 3
"""1 January 1970 was a Thursday."""
_NOMINAL_HOURS = {BucketLength.QUARTER: 0.25, BucketLength.HOUR: 1.0, BucketLength.DAY: 24.0, BucketLength.WEEK: 168.0}
_QUARTER, _AN_HOUR, _DAY, _ = BucketLength
"""Asked for a hundred times a tick: an enumeration takes long to find its members by name."""
_HOUR = timedelta(hours=1)
_LEAST_HOURS = 1 / HOUR_MS
_WINDOWS_REMEMBERED = 256
"""Both stages ask for the same windows within a tick, and tick after tick for those of the same open buckets."""


def zone_named(name: str) -> ZoneInfo:
    """Return the IANA zone; raises InvalidInputError where there is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        advice = "Use an IANA name such as Asia/Shanghai or America/New_York."
        raise InvalidInputError("zone", f"{name!r} is not a time zone", advice) from error


class Grid:
    """Bucket arithmetic of one time zone, with a memory for what is asked again and again."""

    def __init__(self, zone: str) -> None:
        self.zone = zone_named(zone)
        self._ids: dict[int, tuple[int, int, int, int]] = {}
        self._hour_starts: dict[int, int] = {}
        self._day_starts: dict[int, int] = {}
        self._windows: dict[tuple[BucketLength, int, int | None, bool], Window] = {}
        self._walls: dict[int, datetime] = {}

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
            local = self.moment(ms)
            offset_ms = int((local.utcoffset() or timedelta()).total_seconds()) * 1000
            day = local.toordinal() - _EPOCH_DAY
            day += ms >= self._day_start(day + 1)
            known = (quarter, (ms + offset_ms % HOUR_MS) // HOUR_MS, day, (day + _MONDAY_SHIFT) // 7)
            self._ids[quarter] = known
        return known

    def forget_before(self, quarter: int) -> None:
        """Drop what is remembered of older quarters."""
        for old in [known for known in self._ids if known < quarter]:
            del self._ids[old]
        for old in [known for known in self._hour_starts if 4 * known < quarter]:
            del self._hour_starts[old]

    def hour_of(self, ms: int) -> int:
        """Return the id of the hour that holds a moment."""
        return self.ids(ms // QUARTER_MS)[1]

    def start(self, length: BucketLength, bucket: int) -> int:
        """Return where a bucket starts."""
        if length is _QUARTER:
            return bucket * QUARTER_MS
        if length is _AN_HOUR:
            return self._hour_start(bucket)
        return self._day_start(bucket if length is _DAY else 7 * bucket - _MONDAY_SHIFT)

    def end(self, length: BucketLength, bucket: int) -> int:
        """Return where a bucket ends, which is where the next one starts."""
        return self.start(length, bucket + 1)

    def _hour_start(self, hour: int) -> int:
        known = self._hour_starts.get(hour)
        if known is None:
            around = range(4 * hour - 3, 4 * hour + 1)
            known = next(quarter for quarter in around if self.ids(quarter)[1] >= hour) * QUARTER_MS
            self._hour_starts[hour] = known
        return known

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

        Hours are the wall clock's: a whole day covers 24 of them, whatever clocks do in it, or as many as are left of
        its date where it starts after midnight. Of a day in which clocks change the larger of wall clock and elapsed
        time counts as passed, so that what is expected so far is never too little.
        ``learned_to`` is the moment up to which models have learned: a bucket that starts after it lies ahead.
        """
        ahead = learned_to is not None and self.start(length, bucket) >= learned_to
        key = (length, bucket, until, ahead)
        known = self._windows.get(key)
        if known is None:
            if len(self._windows) >= _WINDOWS_REMEMBERED:
                self._windows.clear()
            known = self._windows[key] = self._new_window(length, bucket, until, ahead=ahead)
        return known

    def _new_window(self, length: BucketLength, bucket: int, until: int | None, *, ahead: bool) -> Window:
        start = self.start(length, bucket)
        local = self._wall_clock(start)
        hour_of_week = local.weekday() * 24 + local.hour + local.minute / 60
        if length is _QUARTER or length is _AN_HOUR:
            hours = min(_NOMINAL_HOURS[length], (self.end(length, bucket) - start) / HOUR_MS)
        else:
            hours = _NOMINAL_HOURS[length] - hour_of_week % 24
        if until is not None:
            wall = (self._wall_clock(until) - local) / _HOUR
            hours = min(hours, max(wall, (until - start) / HOUR_MS, _LEAST_HOURS))
        return Window(length.value, hour_of_week, hours, ahead)

    def _wall_clock(self, ms: int) -> datetime:
        """Return what the wall clock shows, without an offset."""
        known = self._walls.get(ms)
        if known is None:
            if len(self._walls) >= _WINDOWS_REMEMBERED:
                self._walls.clear()
            known = self._walls[ms] = self.moment(ms).replace(tzinfo=None)
        return known
