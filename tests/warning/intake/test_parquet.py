"""Parquet: typed columns become the same tickets as text does."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from tests.warning.intake.tables import HEADER, Outcome, good, run
from warning.domain.errors import InvalidInputError

EIGHT = datetime(2025, 6, 2, 8, 0)  # noqa: DTZ001 - a column without a zone
EIGHT_MS = 1_748_865_600_000


def run_columns(path: Path, **columns: Any) -> Outcome:
    """Write two good rows with some columns replaced, and read them."""
    frame = pl.DataFrame([dict(zip(HEADER, good(number), strict=True)) for number in (1, 2)])
    frame.with_columns(**{name: pl.Series(values) for name, values in columns.items()}).write_parquet(path)
    return run(path)


@pytest.mark.parametrize(
    "moment",
    [
        EIGHT,
        EIGHT.replace(tzinfo=ZoneInfo("America/New_York")),
        datetime(2025, 6, 2, 12, 0, tzinfo=UTC),
        datetime(2025, 6, 2, 20, 0, tzinfo=ZoneInfo("Asia/Shanghai")),
    ],
    ids=["no zone", "the mapping's zone", "UTC", "another zone"],
)
def test_a_typed_time_keeps_its_zone_or_gets_the_mappings(moment: datetime, tmp_path: Path) -> None:
    """A zone in the column wins; without one the mapping's zone holds."""
    assert run_columns(tmp_path / "export.parquet", created=[moment, moment]).times == [EIGHT_MS] * 2


@pytest.mark.parametrize(
    ("column", "values", "field", "reason"),
    [
        ("created", [True, False], "created_at", "bad_type"),
        ("created", [[1], [2]], "created_at", "bad_type"),
        ("created", [1.5, float("nan")], "created_at", "bad_time"),
        ("type", [b"a", b"b"], "category", "bad_type"),
        ("type", [{"a": 1}, {"a": 2}], "category", "bad_type"),
    ],
)
def test_a_column_of_a_wrong_type_refuses_its_rows(
    column: str, values: list[Any], field: str, reason: str, tmp_path: Path
) -> None:
    """Every row whose essential cell has an impossible type is refused, with the reason."""
    outcome = run_columns(tmp_path / "export.parquet", **{column: values})
    assert outcome.refused[0] == (1, field, reason)
    assert (outcome.read, len(outcome.rejects)) == (2, 2)


def test_numbers_dates_and_categories_are_read(tmp_path: Path) -> None:
    """Whole numbers, floats, dates and categoricals become names as people read them."""
    outcome = run_columns(
        tmp_path / "export.parquet",
        id=[7, 8],
        type=pl.Series(["a", "b"], dtype=pl.Categorical),
        district=[1.0, 2.5],
        closed=[date(2025, 6, 3), date(2025, 6, 3)],
    )
    assert outcome.ids == ["7", "8"]
    assert outcome.categories == ["a", "b"]
    assert outcome.areas == ["City/1", "City/2.5"]
    assert len(outcome.life) == 2


def test_a_file_cut_off_is_refused(tmp_path: Path) -> None:
    """Parquet keeps its directory at its end, so a truncated file holds nothing that can be read."""
    path = tmp_path / "export.parquet"
    run_columns(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InvalidInputError, match="no readable Parquet"):
        run(path)
