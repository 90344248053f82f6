"""Buckets and their lengths."""

from datetime import UTC, datetime, timedelta

import pytest

from warning.domain.bucket import DAY_MS, Bucket, BucketLength

NOON = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_lengths_are_what_their_names_say() -> None:
    """Fifteen minutes, an hour, a day and seven days, and as many a day."""
    assert [length.nominal_ms for length in BucketLength] == [900_000, 3_600_000, DAY_MS, 7 * DAY_MS]
    assert [length.per_day for length in BucketLength] == [96, 24, 1, pytest.approx(1 / 7)]


def test_a_bucket_needs_a_zone_and_a_duration() -> None:
    """Times without a zone, and an end not after the start, are refused."""
    with pytest.raises(ValueError, match="zone"):
        Bucket(NOON.replace(tzinfo=None), NOON)
    with pytest.raises(ValueError, match="zone"):
        Bucket(NOON, (NOON + HOUR).replace(tzinfo=None))
    with pytest.raises(ValueError, match="ends after it starts"):
        Bucket(NOON, NOON)


@pytest.mark.parametrize(("hours", "overlap"), [(-1, False), (-0.5, True), (0, True), (0.5, True), (1, False)])
def test_buckets_that_touch_do_not_overlap(hours: float, overlap: bool) -> None:
    """Intervals are half-open: the end of one is the start of the next."""
    first = Bucket(NOON, NOON + HOUR)
    second = Bucket(NOON + hours * HOUR, NOON + hours * HOUR + HOUR)
    assert first.overlaps(second) is second.overlaps(first) is overlap
