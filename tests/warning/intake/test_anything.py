"""Whatever the bytes: a file is read, every row accounted for, or it is refused with InvalidInputError."""

import csv
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.warning.intake.tables import HEADER, city, csv_text, good, line, run
from warning.domain.errors import InvalidInputError
from warning.intake.readers.delimited import read_delimited

CELLS = st.one_of(
    st.sampled_from(
        [*good(1), "", '"', '""', '"a\nb"', "=1", "NaN", "\0", "\ufeff", "2025-03-09 02:30:00", "é", "噪声"]
    ),
    st.text(max_size=12),
)
ROWS = st.lists(st.lists(CELLS, max_size=8).map(",".join), max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r", ""])
RARELY_SLOW = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def accounted(path: Path) -> None:
    """Read a file and check that each of its rows is a ticket or a rejection, and none is both."""
    outcome = run(path)
    tickets, refused = outcome.rows, [reject.row for reject in outcome.rejects]
    assert len(tickets) + len(refused) == outcome.read
    assert len(set(tickets) | set(refused)) == outcome.read
    assert tickets == sorted(tickets)
    assert refused == sorted(refused)


def accounted_or_refused(path: Path) -> None:
    """Check a file that may be refused whole, with advice."""
    try:
        accounted(path)
    except InvalidInputError as error:
        refused = error
    else:
        return
    assert refused.advice


@RARELY_SLOW
@given(content=st.binary(max_size=400))
@example(content=b"\xff\xfe\x00")
@example(content=b"\xff\xfe\x00\xd8\x00")
@example(content=b'"')
def test_any_bytes_as_csv_are_read_or_refused(content: bytes, tmp_path: Path) -> None:
    """No bytes raise anything but InvalidInputError."""
    path = tmp_path / "export.csv"
    path.write_bytes(content)
    accounted_or_refused(path)


@RARELY_SLOW
@given(content=st.binary(max_size=400))
def test_any_bytes_below_a_good_header_are_accounted_for(content: bytes, tmp_path: Path) -> None:
    """Below a header that fits, every record is a ticket or a rejection."""
    path = tmp_path / "export.csv"
    path.write_bytes(line(HEADER).encode() + line(good(1)).encode() + content)
    accounted_or_refused(path)


@RARELY_SLOW
@given(rows=ROWS, end=ENDS)
def test_any_rows_are_accounted_for(rows: list[str], end: str, tmp_path: Path) -> None:
    """Rows of odd cells, odd widths and odd quotes are each a ticket or a rejection, and a good row first is kept."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)) + end.join(rows), "utf-8", errors="surrogatepass", newline="")
    accounted_or_refused(path)


@RARELY_SLOW
@given(rows=st.lists(st.lists(CELLS, min_size=6, max_size=6), max_size=10))
def test_whatever_a_csv_writer_writes_is_read_back(rows: list[list[str]], tmp_path: Path) -> None:
    """Cells written by the csv module come back as they were, in as many rows."""
    path = tmp_path / "export.csv"
    rows = [
        [f"K{index}", *(cell.replace("\0", "").replace("\r", "") for cell in row[1:])] for index, row in enumerate(rows)
    ]
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    layout = city().layout(path)
    chunks = list(read_delimited(path, layout).chunks)
    assert sum(len(chunk) + len(chunk.rejects) for chunk in chunks) >= len(rows)
    read = [cell for chunk in chunks for cell in chunk.column("id").to_list()]
    assert [cell for cell in read if cell.startswith("K")] == [row[0] for row in rows]


@RARELY_SLOW
@given(content=st.binary(max_size=300))
@pytest.mark.parametrize("suffix", ["ndjson", "xlsx", "parquet", "ods", "xls"])
def test_any_bytes_as_another_format_are_read_or_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    """The other readers refuse what they cannot read with InvalidInputError, too."""
    path = tmp_path / f"export.{suffix}"
    path.write_bytes(content)
    accounted_or_refused(path)
