"""Spreadsheets: titles, merged cells, dates of every kind, formulas and damage."""

import random
from datetime import datetime
from pathlib import Path

import pytest

from tests.warning.intake.tables import HEADER, good, run
from tests.warning.intake.workbooks import Formula, write_workbook
from warning.domain.errors import InvalidInputError

JUNE_2 = datetime(2025, 6, 2, 8, 0)  # noqa: DTZ001 - a sheet's dates have no zone
JUNE_2_MS = 1_748_865_600_000


def row(**cells: object) -> list[object]:
    """The second good row with some cells changed."""
    return list((dict(zip(HEADER, good(2), strict=True)) | cells).values())


def test_rows_below_a_title_keep_the_numbers_of_the_sheet(tmp_path: Path) -> None:
    """The header is found below a merged title and a date line; a ticket's row is what the sheet shows beside it."""
    rows = [["Hotline export"], ["2025-06-30"], HEADER, good(1), good(2)]
    outcome = run(write_workbook(tmp_path / "export.xlsx", rows, merged=["A1:F1"]))
    assert outcome.ids == ["T1", "T2"]
    assert outcome.rows == [4, 5]


@pytest.mark.parametrize(
    "cell",
    [
        "2025-06-02 08:00:00",
        JUNE_2,
        45_810 + 1 / 3,
        Formula("A1", 45_810 + 1 / 3),
        Formula("TEXT(A1)", "2025-06-02 08:00:00"),
    ],
    ids=["text", "date", "serial number", "formula of a number", "formula of a text"],
)
def test_a_time_may_be_text_a_date_a_serial_number_or_a_stored_result(cell: object, tmp_path: Path) -> None:
    """However the sheet holds a time, it becomes the same moment in the mapping's zone."""
    outcome = run(write_workbook(tmp_path / "export.xlsx", [HEADER, row(created=cell)]))
    assert outcome.times == [JUNE_2_MS]


def test_midnight_is_a_time(tmp_path: Path) -> None:
    """A date cell at exactly midnight is a moment, as it has a time of day that happens to be zero."""
    midnight = JUNE_2.replace(hour=0)
    assert run(write_workbook(tmp_path / "export.xlsx", [HEADER, row(created=midnight)])).rows == [2]


def test_merged_cells_are_filled_down_and_counted(tmp_path: Path) -> None:
    """A district merged over three rows belongs to each of them."""
    rows = [HEADER, good(1), row(district=None), [*good(3)[:4], None, "loud"], good(4)]
    outcome = run(write_workbook(tmp_path / "export.xlsx", rows, merged=["E2:E4"]))
    assert outcome.areas == ["City/North"] * 4
    assert outcome.repairs == {("area", "merged_cells"): 2}


@pytest.mark.parametrize(
    ("cells", "field", "reason"),
    [
        ({"created": True}, "created_at", "bad_type"),
        ({"type": False}, "category", "bad_type"),
        ({"type": "=HYPERLINK(1)"}, "category", "formula_cell"),
        ({"type": Formula("A1", None)}, "category", "missing_required"),
        ({"created": 1e9}, "created_at", "bad_time"),
        ({"created": -3}, "created_at", "bad_time"),
        ({"created": "soon"}, "created_at", "bad_time"),
    ],
)
def test_a_cell_of_a_wrong_type_refuses_its_row_alone(
    cells: dict[str, object], field: str, reason: str, tmp_path: Path
) -> None:
    """A boolean, an empty formula or an impossible date costs the row it is in."""
    outcome = run(write_workbook(tmp_path / "export.xlsx", [HEADER, good(1), row(**cells), good(3)]))
    assert outcome.ids == ["T1", "T3"]
    assert outcome.refused == [(3, field, reason)]


def test_numbers_are_written_as_people_read_them(tmp_path: Path) -> None:
    """An id or a category that the sheet holds as a number loses no digit and gains no decimal point."""
    outcome = run(write_workbook(tmp_path / "export.xlsx", [HEADER, row(id=46_920_293, type=311.0)]))
    assert outcome.ids == ["46920293"]
    assert outcome.categories == ["311"]


def test_empty_rows_inside_a_sheet_are_no_rows(tmp_path: Path) -> None:
    """Formatted but empty rows are not data."""
    outcome = run(write_workbook(tmp_path / "export.xlsx", [HEADER, good(1), [None] * 6, ["", ""], good(2)]))
    assert outcome.rows == [2, 5]
    assert outcome.read == 2


def test_a_damaged_workbook_is_refused_and_never_crashes(tmp_path: Path) -> None:
    """A workbook cut off or with bytes changed is either read or refused with InvalidInputError."""
    whole = write_workbook(tmp_path / "export.xlsx", [HEADER, good(1)]).read_bytes()
    chance = random.Random(7)
    path = tmp_path / "damaged.xlsx"
    for _ in range(60):
        damaged = bytearray(whole[: chance.randrange(10, len(whole))] if chance.random() < 0.5 else whole)
        damaged[chance.randrange(4, len(damaged))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        try:
            run(path)
        except InvalidInputError:
            continue


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unpacked size is read from the archive before anything is unpacked."""
    monkeypatch.setattr("warning.intake.readers.spreadsheet.MAX_UNPACKED", 100)
    path = write_workbook(tmp_path / "export.xlsx", [HEADER, good(1)])
    with pytest.raises(InvalidInputError, match="unpacks to"):
        run(path)
