"""Count files: read strictly, their bucket length inferred."""

from __future__ import annotations

import pytest

from warning.service.counts import read_counts
from warning.service.errors import BadInputError

HEADER = "series,start,count"


def _label(*starts: str) -> str:
    return read_counts("f", [HEADER, *(f"a,{start},1" for start in starts)]).grid.label


@pytest.mark.parametrize(
    ("label", "starts"),
    [
        ("1m", ("2026-01-01T00:00", "2026-01-01T00:01")),
        ("15m", ("2026-01-01 00:00:00", "2026-01-01 00:15:00", "2026-01-01 01:00:00")),
        ("1h", ("2026-01-01T00:00Z", "2026-01-01T01:00Z", "2026-01-01T05:00Z")),
        ("12h", ("2026-01-01T06:00+08:00", "2026-01-01T18:00+08:00")),
        ("1d", ("2026-01-01", "2026-01-02", "2026-01-09")),
        ("7d", ("2026-01-05", "2026-01-12", "2026-02-02")),
        ("1d", ("2026-03-28T00:00+01:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00")),
        ("1h", ("2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00")),
        ("1d", ("2026-01-01", "2026-01-23", "2026-02-01")),
    ],
)
def test_bucket_length_is_inferred(label: str, starts: tuple[str, ...]) -> None:
    """The longest length that every start keeps, over gaps and over changes of the clock."""
    assert _label(*starts) == label


def test_days_over_a_clock_change_are_consecutive() -> None:
    """A day of 23 hours is one bucket like any other."""
    starts = ("2026-03-28T00:00+01:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00")
    assert read_counts("f", [HEADER, *(f"a,{start},1" for start in starts)]).bucket.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("starts", "words"),
    [
        (("2026-01-01", "2026-02-01", "2026-03-01"), "look like months"),
        (("2026-01-31", "2026-02-28", "2026-03-31"), "look like months"),
        (("2026-01-01",), "cannot be inferred"),
        (("2026-01-01T00:00:01", "2026-01-01T00:00:31"), "share no bucket length"),
        (("2026-01-01T00:00:00.5", "2026-01-01T00:00:01"), "share no bucket length"),
        (("2026-01-01", "2026-01-02T00:00Z"), "row 3, field start: .* some times carry a zone"),
        ((*(f"2026-01-{day:02}" for day in range(1, 15)), "2026-01-15T07:00"), "row 16, .* not on the grid of 1d"),
    ],
)
def test_starts_without_a_length(starts: tuple[str, ...], words: str) -> None:
    """Months, a single start, seconds, mixed zones and a slip of the pen are refused, each with its reason."""
    with pytest.raises(BadInputError, match=words):
        _label(*starts)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,2026-01-02,4.5", "row 3, field count: '4.5' is not a whole number"),
        ("a,2026-01-02,-1", "field count: '-1' is not"),
        ("a,2026-01-02,", "leave the row out"),
        ("a,2026-01-02,nan", "field count"),
        ("a,2026-01-02,1e300", "field count"),
        ("a,2026-01-02", "too few cells"),
        (",2026-01-02,4", "field series: is empty"),
        ("a,2/1/2026,4", "field start: '2/1/2026' is not a time. Write it like 2026-01-31"),
        ("a,2026-01-01,4", "row 3, field start: series 'a' has '2026-01-01' already in row 2"),
    ],
)
def test_bad_rows_are_named(row: str, words: str) -> None:
    """A bad row is an error that names row, field and problem, and says in both languages what to do."""
    with pytest.raises(BadInputError) as caught:
        read_counts("f", [HEADER, "a,2026-01-01,1", row, "a,2026-01-03,1"])
    assert words in str(caught.value)
    assert "第 3 行" in caught.value.zh


def test_same_day_in_two_zones_is_one_bucket() -> None:
    """Two rows of one series that fall into one daily bucket are duplicates, however their zones are written."""
    with pytest.raises(BadInputError, match="already in row 2"):
        read_counts("f", [HEADER, "a,2026-01-01T00:00Z,1", "a,2026-01-01T00:00+08:00,1", "a,2026-01-02T00:00Z,1"])


def test_many_problems_are_shown_ten_at_a_time() -> None:
    """Of a hundred bad rows ten are named and the rest counted."""
    with pytest.raises(BadInputError, match="and 90 more rows") as caught:
        read_counts("f", [HEADER, *("a,x,1" for _ in range(100))])
    assert caught.value.zh.count("字段 start") == 10


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "the header lacks series, start, count"),
        (["day,count"], "lacks series, start"),
        ([HEADER], "has no rows"),
        ([HEADER, 'a,"2026'], "is not CSV"),
    ],
)
def test_files_that_are_no_counts(lines: list[str], words: str) -> None:
    """An empty file, another header, no rows and broken quotes are refused."""
    with pytest.raises(BadInputError, match=words):
        read_counts("f", lines)


def test_columns_in_any_order_and_others_beside_them() -> None:
    """Columns are found by name, in any order and case; others are ignored; 5.0 is a whole number."""
    table = read_counts("f", ["Count,note,START,Series", "5.0,x,2026-01-02,b", "", "3,,2026-01-01,a"])
    assert table.names == ["b", "a"]
    assert table.count.tolist() == [5, 3]
    assert table.bucket.tolist() == [1, 0]
