"""Times: formats, zones, daylight saving, numbers, and what is no time."""

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warning.intake.times import no_times, parse_times

NEW_YORK = "America/New_York"


def ms(*parts: int) -> int:
    """Milliseconds of a moment in UTC."""
    return int(datetime(*parts, tzinfo=UTC).timestamp() * 1000)  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("cell", "formats", "moment"),
    [
        ("3/14/2025 1:20", ("%m/%d/%Y %H:%M",), ms(2025, 3, 14, 5, 20)),
        ("01/02/2020 05:25:00 PM", ("%m/%d/%Y %I:%M:%S %p",), ms(2020, 1, 2, 22, 25)),
        ("01/02/2020 12:00:00 AM", ("%m/%d/%Y %I:%M:%S %p",), ms(2020, 1, 2, 5, 0)),
        ("2025年1月2日 03:04:05", ("%Y年%m月%d日 %H:%M:%S",), ms(2025, 1, 2, 8, 4, 5)),
        ("2025-01-02", ("%Y-%m-%d",), ms(2025, 1, 2, 5, 0)),
        ("2025-01-02 03:04", (), ms(2025, 1, 2, 8, 4)),
        ("2025-01-02T03:04:05", (), ms(2025, 1, 2, 8, 4, 5)),
        ("2025-01-02T03:04:05.678", (), ms(2025, 1, 2, 8, 4, 5) + 678),
        ("2025-01-02T03:04:05Z", (), ms(2025, 1, 2, 3, 4, 5)),
        ("2025-01-02 03:04:05 UTC", (), ms(2025, 1, 2, 3, 4, 5)),
        ("2025-01-02T03:04:05+08:00", (), ms(2025, 1, 1, 19, 4, 5)),
        ("2025-01-02 03:04:05 -0500", (), ms(2025, 1, 2, 8, 4, 5)),
        ("2025-01-02T03:04+08", (), ms(2025, 1, 1, 19, 4)),
        ("45659.5", ("excel",), ms(2025, 1, 2, 17, 0)),
        ("1735819200", ("epoch_s",), ms(2025, 1, 2, 12, 0)),
        ("1735819200123", ("epoch_ms",), ms(2025, 1, 2, 12, 0) + 123),
        (" 2025-01-02 03:04 ", (), ms(2025, 1, 2, 8, 4)),
    ],
)
def test_a_time_is_read_in_its_format_and_zone(cell: str, formats: tuple[str, ...], moment: int) -> None:
    """A cell becomes its moment in UTC; a zone in the cell wins over the mapping's."""
    times = parse_times(pl.Series([cell]), formats, NEW_YORK)
    assert times.ms.tolist() == [moment]
    assert times.known.all()


@pytest.mark.parametrize(
    "cell", ["soon", "2025-13-01 00:00", "2025-01-02", "01/02/2025", "inf", "1e999", "2025-01-02 03:04 EST"]
)
def test_what_fits_no_format_is_bad(cell: str) -> None:
    """A cell that no format reads is bad, not missing."""
    times = parse_times(pl.Series([cell]), (), NEW_YORK)
    assert times.bad.tolist() == [True]
    assert not times.missing.any()


@pytest.mark.parametrize("cell", [None, "", "  ", "NaN", "NaT", "null", "N/A", "-"])
def test_nothing_is_missing(cell: str | None) -> None:
    """An empty cell, and what exports write for nothing, is missing and not bad."""
    times = parse_times(pl.Series([cell], dtype=pl.String), (), NEW_YORK)
    assert times.missing.tolist() == [True]
    assert not times.bad.any()


def test_formats_may_differ_from_cell_to_cell() -> None:
    """Each cell is read by the first format that fits it."""
    cells = pl.Series(["1/2/2025 3:04", "01/02/2025 03:04:05 PM", "2025-01-02T03:04:05Z", "x", None])
    times = parse_times(cells, ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M"), "UTC")
    assert times.ms.tolist() == [ms(2025, 1, 2, 3, 4), ms(2025, 1, 2, 15, 4, 5), ms(2025, 1, 2, 3, 4, 5), 0, 0]
    assert times.known.tolist() == [True, True, True, False, False]


def test_a_skipped_local_time_does_not_exist_and_an_offset_saves_it() -> None:
    """In the spring gap a local time is refused; the same time with its offset is a moment."""
    times = parse_times(pl.Series(["2025-03-09 02:30", "2025-03-09 02:30-05:00", "2025-03-09 03:00"]), (), NEW_YORK)
    assert times.nonexistent.tolist() == [True, False, False]
    assert not times.bad.any()
    assert times.ms.tolist()[1:] == [ms(2025, 3, 9, 7, 30), ms(2025, 3, 9, 7, 0)]


def test_a_local_time_that_occurs_twice_is_the_first_of_the_two() -> None:
    """In the autumn fold the earlier moment is taken and marked ambiguous."""
    times = parse_times(pl.Series(["2025-11-02 01:30", "2025-11-02 00:30", "2025-11-02 02:30"]), (), NEW_YORK)
    assert times.ambiguous.tolist() == [True, False, False]
    assert times.ms.tolist()[0] == ms(2025, 11, 2, 5, 30)


@given(st.lists(st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)), max_size=20))  # noqa: DTZ001 - local times
def test_times_without_a_zone_round_trip_in_a_zone_without_changes(moments: list[datetime]) -> None:
    """Where clocks never change, reading a written local time gives its moment, to the millisecond."""
    cells = pl.Series([moment.isoformat(sep=" ", timespec="milliseconds") for moment in moments], dtype=pl.String)
    times = parse_times(cells, (), "UTC")
    expected = [int(moment.replace(tzinfo=UTC).timestamp()) * 1000 + moment.microsecond // 1000 for moment in moments]
    assert times.ms.tolist() == expected


def test_a_field_that_the_source_lacks_is_missing_everywhere() -> None:
    """Without a column there are no times."""
    assert np.array_equal(no_times(3).missing, [True] * 3)
    assert not no_times(3).known.any()
