"""Axes end at round numbers and mark round moments."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from warning.web.scales import count_ticks, nice_top, time_ticks

ZONE = ZoneInfo("America/New_York")


@given(st.floats(0, 1e9))
def test_count_axis_covers_its_largest(largest: float) -> None:
    """The axis reaches the largest value, is at most twice too long from 4 on, and its marks run from 0 to its end."""
    top = nice_top(largest)
    assert top >= largest
    assert top <= max(4, 2 * largest)
    ticks = count_ticks(top)
    assert (ticks[0], ticks[-1]) == (0, top)
    assert 2 <= len(ticks) <= 5


@given(st.integers(1, 24 * 365 * 4), st.integers(0, 10_000), st.integers(3, 12))
def test_time_axis_is_round_and_sparse(hours: int, offset: int, most: int) -> None:
    """No more marks than asked for (one more at an end), in order, on full quarters of an hour of the wall clock."""
    start = datetime(2020, 1, 1, tzinfo=ZONE) + timedelta(minutes=15 * offset)
    ticks = list(time_ticks(start, start + timedelta(hours=hours), most))
    moments = [moment for moment, _ in ticks]
    assert len(ticks) <= most + 1
    assert moments == sorted(moments)
    assert all(moment.minute % 15 == 0 for moment in moments)


def test_midnight_is_named_by_its_date() -> None:
    """Hours are marked by the clock, midnights by the date."""
    start = datetime(2020, 1, 1, 12, tzinfo=ZONE)
    labels = [label for _, label in time_ticks(start, start + timedelta(days=1), 4)]
    assert labels == ["12:00", "18:00", "01-02", "06:00", "12:00"]
