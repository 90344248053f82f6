"""The calendar: buckets of every length tile time, whatever local clocks do."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warning.domain.bucket import HOUR_MS, MINUTE_MS, QUARTER_MS, BucketLength
from warning.domain.errors import InvalidInputError
from warning.engine.grid import Grid, zone_named

QUARTER, HOUR, DAY, WEEK = BucketLength
NEW_YORK, LORD_HOWE, SAO_PAULO = "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo"
ZONES = [NEW_YORK, "Europe/London", LORD_HOWE, "Asia/Shanghai", "Asia/Kathmandu", "Asia/Kolkata", SAO_PAULO]
ODD_ZONES = ["America/St_Johns", "America/Caracas", "Asia/Pyongyang", "Pacific/Apia", "Asia/Tehran", "UTC"]

grid = cache(Grid)


def _at(zone: str, *local: int, fold: int = 0) -> int:
    """Give a local wall-clock time as milliseconds."""
    return int(datetime(*local, tzinfo=ZoneInfo(zone), fold=fold).timestamp()) * 1000  # type: ignore[arg-type,misc]


def _id(zone: str, length: BucketLength, ms: int) -> int:
    return grid(zone).ids(ms // QUARTER_MS)[list(BucketLength).index(length)]


def _hours(zone: str, *day: int) -> float:
    bucket = date(*day).toordinal() - date(1970, 1, 1).toordinal()
    return (grid(zone).end(DAY, bucket) - grid(zone).start(DAY, bucket)) / HOUR_MS


zones = st.sampled_from(ZONES + ODD_ZONES)
times = st.integers(_at("UTC", 2000, 1, 1), _at("UTC", 2037, 12, 31))
CHANGES = [
    (NEW_YORK, _at(NEW_YORK, 2024, 3, 10, 2)),
    (NEW_YORK, _at(NEW_YORK, 2024, 11, 3, 2)),
    ("Europe/London", _at("Europe/London", 2024, 3, 31, 1)),
    ("Europe/London", _at("Europe/London", 2024, 10, 27, 1)),
    (LORD_HOWE, _at(LORD_HOWE, 2024, 4, 7, 2)),
    (LORD_HOWE, _at(LORD_HOWE, 2024, 10, 6, 2)),
    (SAO_PAULO, _at(SAO_PAULO, 2018, 11, 4)),
    (SAO_PAULO, _at(SAO_PAULO, 2019, 2, 17)),
    ("America/St_Johns", _at("America/St_Johns", 2010, 11, 7)),
    ("America/Caracas", _at("America/Caracas", 2007, 12, 9)),
    ("America/Caracas", _at("America/Caracas", 2016, 5, 1)),
    ("Asia/Pyongyang", _at("Asia/Pyongyang", 2015, 8, 15)),
    ("Asia/Pyongyang", _at("Asia/Pyongyang", 2018, 5, 5)),
    ("Pacific/Apia", _at("Pacific/Apia", 2011, 12, 31)),
    ("Asia/Tehran", _at("Asia/Tehran", 2021, 3, 22)),
]
changes = st.sampled_from([change for _, change in CHANGES])
moments = times | st.builds(lambda change, minutes: change + minutes * MINUTE_MS, changes, st.integers(-3000, 3000))


@given(zones, moments, st.sampled_from(BucketLength))
@settings(deadline=None)
def test_a_moment_lies_in_its_bucket(zone: str, ms: int, length: BucketLength) -> None:
    """The bucket whose id a moment gets starts at or before it and ends after it: ids agree with starts and ends."""
    bucket = _id(zone, length, ms)
    assert grid(zone).start(length, bucket) <= ms < grid(zone).end(length, bucket)


@given(zones, moments, st.sampled_from(BucketLength))
@settings(deadline=None)
def test_buckets_tile_time(zone: str, ms: int, length: BucketLength) -> None:
    """Ids grow by one, a bucket ends where the next starts, and its own first and last quarter have its id."""
    here, bucket = grid(zone), _id(zone, length, ms)
    for each in range(bucket - 2, bucket + 3):
        start, end = here.start(length, each), here.end(length, each)
        assert end == here.start(length, each + 1)
        if start == end:
            assert (zone, here.moment(start).date()) == ("Pacific/Apia", date(2011, 12, 31))
            continue
        assert _id(zone, length, start) == each == _id(zone, length, end - 1)
        assert _id(zone, length, start - 1) < each < _id(zone, length, end)


@pytest.mark.parametrize(("zone", "change"), CHANGES)
def test_every_quarter_around_a_change_of_clocks_lies_in_its_buckets(zone: str, change: int) -> None:
    """Around a change every quarter lies in the buckets its ids name, and no id is left out or comes back."""
    here, skipped = grid(zone), zone == "Pacific/Apia"
    quarters = range(change // QUARTER_MS - 192, change // QUARTER_MS + 192)
    for before, after in pairwise(quarters):
        for length, old, new in zip(BucketLength, here.ids(before), here.ids(after), strict=True):
            ms = after * QUARTER_MS
            assert here.start(length, new) <= ms < here.end(length, new)
            assert new == old or (here.start(length, new) == ms == here.end(length, new - 1))
            assert new - old in ({0, 1, 2} if skipped and length is DAY else {0, 1})


@given(zones, moments)
@settings(deadline=None)
def test_ids_never_go_back(zone: str, ms: int) -> None:
    """Over two days of quarters the ids of every length grow by one or stay, also when clocks go back over midnight."""
    first = ms // QUARTER_MS
    for before, after in pairwise(grid(zone).ids(quarter) for quarter in range(first, first + 192)):
        steps = [new - old for old, new in zip(before, after, strict=True)]
        assert steps[0] == 1
        assert set(steps[1:]) <= ({0, 1} if zone != "Pacific/Apia" else {0, 1, 2})


@given(zones, moments)
@settings(deadline=None)
def test_hours_start_on_the_hour_of_the_local_clock(zone: str, ms: int) -> None:
    """An hour lasts 60 minutes from a whole local hour; only a change by half an hour makes one of 30 or 90."""
    here, hour = grid(zone), grid(zone).hour_of(ms)
    start, end = here.moment(here.start(HOUR, hour)), here.moment(here.end(HOUR, hour))
    assert hour == _id(zone, HOUR, ms)
    lasts = end - start
    if lasts == timedelta(hours=1):
        assert (start.minute, start.second) == (0, 0)
    else:
        before = here.moment(here.start(HOUR, hour) - QUARTER_MS)
        offsets = {when.utcoffset() for when in (before, start, end)}
        assert len(offsets) == 2
        assert lasts in {timedelta(minutes=30), timedelta(minutes=90)}


@given(st.sampled_from(ZONES), moments)
@settings(deadline=None)
def test_hours_nest_in_days_and_days_in_weeks(zone: str, ms: int) -> None:
    """Every day begins where an hour begins, every week (Monday) where a day begins."""
    here = grid(zone)
    day, week = here.start(DAY, _id(zone, DAY, ms)), here.start(WEEK, _id(zone, WEEK, ms))
    assert here.start(HOUR, here.hour_of(day)) == day
    assert here.start(DAY, _id(zone, DAY, week)) == week
    assert here.moment(week).weekday() == 0
    assert here.moment(day).date() == here.moment(ms).date()


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (NEW_YORK, (2024, 3, 9), 24),
        (NEW_YORK, (2024, 3, 10), 23),
        (NEW_YORK, (2024, 11, 3), 25),
        ("Europe/London", (2024, 3, 31), 23),
        ("Europe/London", (2024, 10, 27), 25),
        (LORD_HOWE, (2024, 10, 6), 23.5),
        (LORD_HOWE, (2024, 4, 7), 24.5),
        (SAO_PAULO, (2018, 11, 4), 23),
        (SAO_PAULO, (2019, 2, 16), 25),
        (SAO_PAULO, (2019, 2, 17), 24),
        ("America/St_Johns", (2010, 11, 6), 24),
        ("America/St_Johns", (2010, 11, 7), 25),
        ("Asia/Shanghai", (2024, 3, 10), 24),
        ("Asia/Kathmandu", (2024, 3, 10), 24),
        ("Pacific/Apia", (2011, 12, 29), 24),
        ("Pacific/Apia", (2011, 12, 30), 0),
    ],
)
def test_days_are_as_long_as_local_clocks_make_them(zone: str, day: tuple[int, int, int], hours: float) -> None:
    """A day has 24 hours but where clocks change in it."""
    assert _hours(zone, *day) == hours


def test_weeks_with_a_change_of_clocks() -> None:
    """A week has 167 or 169 hours when clocks change on its Sunday."""
    for day, hours in (((2024, 3, 10), 167), ((2024, 11, 3), 169), ((2024, 6, 2), 168)):
        week = _id(NEW_YORK, WEEK, _at(NEW_YORK, *day, 12))
        assert (grid(NEW_YORK).end(WEEK, week) - grid(NEW_YORK).start(WEEK, week)) / HOUR_MS == hours


@pytest.mark.parametrize(
    ("zone", "utc", "local"),
    [
        ("Asia/Kathmandu", "2024-01-01T18:15", "2024-01-02T00:00"),
        ("Asia/Kolkata", "2024-01-01T18:30", "2024-01-02T00:00"),
        (LORD_HOWE, "2024-01-01T13:00", "2024-01-02T00:00"),
        (LORD_HOWE, "2024-07-01T13:30", "2024-07-02T00:00"),
        (SAO_PAULO, "2018-11-04T03:00", "2018-11-04T01:00"),
    ],
)
def test_days_start_at_local_midnight_or_what_comes_next(zone: str, utc: str, local: str) -> None:
    """A day starts at its local midnight; a day without one at its first moment, 01:00."""
    expected = datetime.fromisoformat(utc).replace(tzinfo=UTC)
    start = grid(zone).start(DAY, _id(zone, DAY, int(expected.timestamp()) * 1000 + HOUR_MS))
    assert start == expected.timestamp() * 1000
    assert grid(zone).moment(start).replace(tzinfo=None).isoformat(timespec="minutes") == local


def test_half_an_hour_of_daylight_saving() -> None:
    """On Lord Howe Island the hour clocks go forward in lasts 90 minutes, the repeated half hour is one of its own."""
    here = grid(LORD_HOWE)
    forward, back = _at("UTC", 2024, 10, 5, 15, 30), _at("UTC", 2024, 4, 6, 15)
    spring = here.hour_of(forward)
    assert spring == here.hour_of(forward - 1)
    assert here.moment(here.start(HOUR, spring)).hour == 1
    assert here.moment(here.end(HOUR, spring)).hour == 3
    autumn = here.hour_of(back)
    assert here.hour_of(back - 1) == autumn - 1
    assert here.end(HOUR, autumn) - here.start(HOUR, autumn) == HOUR_MS / 2
    assert here.window(HOUR, autumn).hours == 0.5
    assert here.window(HOUR, spring).hours == 1
    for hour in (spring - 30, spring + 30, autumn - 30, autumn + 30):
        assert here.window(HOUR, hour).start_hour % 1 == 0


@given(zones, moments)
@settings(deadline=None)
def test_whole_windows_cover_the_hours_of_their_date(zone: str, ms: int) -> None:
    """A day's window is its 24 wall-clock hours (from its first moment on), a week's 168, an hour's 1."""
    here = grid(zone)
    for length, hours in ((DAY, 24.0), (WEEK, 168.0)):
        bucket = _id(zone, length, ms)
        window, start = here.window(length, bucket), here.moment(here.start(length, bucket))
        assert window.length == length.value
        assert window.start_hour == start.weekday() * 24 + start.hour + start.minute / 60
        assert window.hours == hours - start.hour - start.minute / 60
        assert not window.ahead
    hour = here.window(HOUR, here.hour_of(ms))
    assert hour.hours in {0.5, 1.0}
    assert hour.start_hour % 1 in {0.0, 0.5}
    assert hour.hours == 0.5 or hour.start_hour % 1 == 0
    assert here.window(QUARTER, ms // QUARTER_MS).hours == 0.25


def test_a_day_without_midnight_has_23_wall_clock_hours() -> None:
    """Where 00:00 was skipped, nothing is expected of the hour that never was, nor of the next day's first."""
    day = _id(SAO_PAULO, DAY, _at(SAO_PAULO, 2018, 11, 4, 12))
    window = grid(SAO_PAULO).window(DAY, day)
    assert (window.start_hour, window.hours) == (6 * 24 + 1, 23)


@given(zones, moments, st.sampled_from(BucketLength), st.floats(0, 1))
@settings(deadline=None)
def test_partial_windows_grow_from_nothing_to_the_whole(zone: str, ms: int, length: BucketLength, share: float) -> None:
    """What has passed of a bucket is more than nothing, at least what elapsed, and never more than the whole."""
    here, bucket = grid(zone), _id(zone, length, ms)
    start, end = here.start(length, bucket), here.end(length, bucket)
    until = start + int(share * (end - start))
    whole, part = here.window(length, bucket), here.window(length, bucket, until)
    assert part.start_hour == whole.start_hour
    assert 0 < part.hours <= whole.hours
    assert part.hours >= min(whole.hours, (until - start) / HOUR_MS)
    assert here.window(length, bucket, end).hours == here.window(length, bucket, end + HOUR_MS).hours == whole.hours
    assert 0 < here.window(length, bucket, start).hours < 1e-6
    assert 0 < here.window(length, bucket, start - HOUR_MS).hours < 1e-6


@pytest.mark.parametrize(
    ("local", "fold", "hours"),
    [
        ((2024, 3, 10, 1, 30), 0, 1.5),
        ((2024, 3, 10, 3, 30), 0, 3.5),
        ((2024, 3, 10, 23, 45), 0, 23.75),
        ((2024, 11, 3, 1, 30), 0, 1.5),
        ((2024, 11, 3, 1, 30), 1, 2.5),
        ((2024, 11, 3, 12), 0, 13),
        ((2024, 11, 3, 23, 30), 0, 24),
        ((2024, 11, 4, 9, 15), 0, 9.25),
    ],
)
def test_what_has_passed_of_a_day_in_which_clocks_change(local: tuple[int, ...], fold: int, hours: float) -> None:
    """After clocks went forward the wall clock counts, after they went back elapsed time: never too little."""
    ms = _at(NEW_YORK, *local, fold=fold)
    assert grid(NEW_YORK).window(DAY, _id(NEW_YORK, DAY, ms), ms).hours == hours


def test_a_window_lies_ahead_when_it_starts_after_what_was_learned() -> None:
    """Ahead means: it starts at or after the moment up to which models have learned."""
    here, day = grid(NEW_YORK), _id(NEW_YORK, DAY, _at(NEW_YORK, 2024, 6, 5, 12))
    start = here.start(DAY, day)
    assert not here.window(DAY, day).ahead
    for learned_to, ahead in ((start - 1, True), (start, True), (start + 1, False)):
        assert here.window(DAY, day, start + HOUR_MS, learned_to=learned_to).ahead is ahead


@pytest.mark.parametrize("zone", ZONES)
def test_models_see_every_hour_of_the_week_equally_often_and_every_day_end(zone: str) -> None:
    """In a year of hours each wall-clock hour of the week starts 51 to 54 times, and 365 days end on the dot."""
    here = grid(zone)
    hours = range(here.hour_of(_at(zone, 2023, 1, 1)), here.hour_of(_at(zone, 2024, 1, 1)))
    windows = [here.window(HOUR, hour) for hour in hours]
    often = Counter(window.start_hour for window in windows if window.hours == 1)
    assert set(often) == set(range(168))
    assert 51 <= min(often.values()) <= max(often.values()) <= 54
    assert sum((window.start_hour + window.hours) % 24 == 0 for window in windows) == 365


@given(zones, times)
@settings(deadline=None)
def test_moments_keep_their_time_to_the_millisecond(zone: str, ms: int) -> None:
    """A moment is the same instant with the local offset, and equal to what is written and read."""
    moment = grid(zone).moment(ms)
    assert moment.timestamp() * 1000 == pytest.approx(ms, abs=0.01)
    assert moment.microsecond == ms % 1000 * 1000
    assert moment.utcoffset() == moment.astimezone(ZoneInfo(zone)).utcoffset()
    assert datetime.fromisoformat(moment.isoformat()) == moment


def test_forgetting_changes_no_answer() -> None:
    """Old quarters are dropped from memory, and are computed anew when asked."""
    here = Grid(NEW_YORK)
    first = _at(NEW_YORK, 2024, 3, 9) // QUARTER_MS
    before = {quarter: here.ids(quarter) for quarter in range(first, first + 200)}
    here.forget_before(first + 100)
    assert len(here._ids) == 100
    assert {quarter: here.ids(quarter) for quarter in range(first, first + 200)} == before


@pytest.mark.parametrize("name", ["", "Nowhere/Land", "America", "Asia/Shanghai ", "../etc/passwd", "\0", "x" * 300])
def test_an_unknown_zone_is_refused(name: str) -> None:
    """What is no zone (a folder of zones, a path, nothing) is refused with the name and an example."""
    with pytest.raises(InvalidInputError, match="is not a time zone") as raised:
        zone_named(name)
    assert "Asia/Shanghai" in raised.value.advice
