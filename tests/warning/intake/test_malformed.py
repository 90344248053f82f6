"""Malformed CSV, kind by kind: a bad row lies between good ones, gets its reason, and costs nothing else."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.warning.intake.tables import HEADER, csv_text, good, line, run
from warning.domain.errors import InvalidInputError

BAD = 3
"""The line of the bad row: after the header and one good row."""


def changed(**cells: str) -> tuple[str, ...]:
    """The second row with some cells changed."""
    return tuple((dict(zip(HEADER, good(2), strict=True)) | cells).values())


@dataclass(frozen=True)
class Row:
    """A kind of bad row: its text or cells, and the field and reason of its rejection."""

    name: str
    content: tuple[str, ...] | str
    field: str
    reason: str


REFUSED = [
    Row("too few cells", "T2,2025-06-02 08:00:00\n", "", "wrong_column_count"),
    Row("too many cells", line((*good(2), "more")), "", "wrong_column_count"),
    Row("wrong delimiter in one row", ";".join(good(2)) + "\n", "", "wrong_column_count"),
    Row("10 MB field", line(changed(note="x" * 10_000_000)), "", "field_too_long"),
    Row("10 MB quoted field over many lines", line(changed(note='"' + "x,\n" * 3_333_333 + '"')), "", "field_too_long"),
    Row("text after a closing quote", line(changed(note='"loud"er')), "", "unreadable_row"),
    Row("unclosed quote", line(changed(note='"loud')), "", "unreadable_row"),
    Row("NUL bytes in the time", line(changed(created="2025-06\0-02 08:00:00")), "created_at", "unreadable_row"),
    Row("NUL bytes in the category", line(changed(type="No\0ise")), "category", "unreadable_row"),
    Row("empty time", line(changed(created="")), "created_at", "missing_required"),
    Row("NaN time", line(changed(created="NaN")), "created_at", "missing_required"),
    Row("word for a time", line(changed(created="yesterday")), "created_at", "bad_time"),
    Row("number for a time", line(changed(created="45809.5")), "created_at", "bad_time"),
    Row("date without a time of day", line(changed(created="2025-06-02")), "created_at", "bad_time"),
    Row("30 February", line(changed(created="2025-02-30 08:00:00")), "created_at", "bad_time"),
    Row("hour 25", line(changed(created="2025-06-02 25:00:00")), "created_at", "bad_time"),
    Row("future time", line(changed(created="2030-01-01 00:00:00")), "created_at", "time_in_future"),
    Row("1970 time", line(changed(created="1970-01-01 00:00:00")), "created_at", "time_too_old"),
    Row("year 0", line(changed(created="0000-01-01 00:00:00")), "created_at", "time_too_old"),
    Row("DST gap", line(changed(created="2025-03-09 02:30:00")), "created_at", "nonexistent_local_time"),
    Row("formula for a time", line(changed(created="=NOW()")), "created_at", "formula_cell"),
    Row("formula for a category", line(changed(type="=HYPERLINK(1)")), "category", "formula_cell"),
    Row("plus formula for a category", line(changed(type="+cmd|calc")), "category", "formula_cell"),
    Row("at formula for a category", line(changed(type="@SUM(A1)")), "category", "formula_cell"),
    Row("formula for an id", line(changed(id="=A1+1")), "ticket_id", "formula_cell"),
    Row("empty category", line(changed(type="")), "category", "missing_required"),
    Row("white-space category", line(changed(type=" \u3000\t ")), "category", "missing_required"),
    Row("null category", line(changed(type="NULL")), "category", "missing_required"),
    Row("spreadsheet error for a category", line(changed(type="#REF!")), "category", "missing_required"),
    Row("long category", line(changed(type="n" * 201)), "category", "too_long_name"),
    Row("long id", line(changed(id="n" * 201)), "ticket_id", "too_long_name"),
    Row("long area", line(changed(district="n" * 201)), "area", "too_long_name"),
    Row("row of empty cells", ",,,,,\n", "created_at", "missing_required"),
]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_a_bad_row_is_refused_with_its_reason_and_its_neighbours_survive(row: Row, tmp_path: Path) -> None:
    """A bad row becomes one rejection with its line, field and reason; the rows around it are kept."""
    text = row.content if isinstance(row.content, str) else line(row.content)
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), text, good(3)), "utf-8", newline="")
    outcome = run(path)
    assert outcome.ids == ["T1", "T3"]
    assert outcome.refused == [(BAD, row.field, row.reason)]
    assert outcome.read == 3


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_every_rejection_says_what_to_do_in_both_languages_and_shows_little(row: Row, tmp_path: Path) -> None:
    """A rejection has a sentence of advice in Chinese and in English, and at most 80 characters of the cell."""
    text = row.content if isinstance(row.content, str) else line(row.content)
    path = tmp_path / "export.csv"
    path.write_text(csv_text(text), "utf-8", newline="")
    reject = run(path).rejects[0]
    assert reject.advice_en.endswith(".")
    assert reject.advice_zh.endswith("。")
    assert len(reject.value) <= 80
    assert reject.source == "export.csv"


@dataclass(frozen=True)
class Kept:
    """A kind of odd row that is kept: its text, and the repair that is counted (None: nothing was wrong)."""

    name: str
    content: str
    repair: tuple[str, str] | None = None


KEPT = [
    Kept("blank lines", "\n\n" + line(good(2)) + "\n"),
    Kept("CRLF line end", line(good(2)).replace("\n", "\r\n")),
    Kept("CR line end", line(good(2)).replace("\n", "\r")),
    Kept("line break in quotes", line(changed(note='"loud\nand long"'))),
    Kept("emoji", line(changed(note="🔊 loud 😡"))),
    Kept("number for a category", line(changed(type="311"))),
    Kept("surplus empty cells", line((*good(2), "", ""))),
    Kept("padded cells", line(tuple(f"  {cell} " for cell in good(2)))),
    Kept("full-width letters in a category", line(changed(type="Ｎｏｉｓｅ"))),
    Kept("zone in the cell", line(changed(created="2025-06-02T12:00:00Z"))),
    Kept("id as a text formula", line(changed(id='"=""T2"""'))),
    Kept("formula in the text", line(changed(note="=1+1"))),
    Kept("NUL byte in the text", line(changed(note="lo\0ud")), ("text", "unreadable_row")),
    Kept("DST fold", line(changed(created="2024-11-03 01:30:00")), ("created_at", "ambiguous_local_time")),
    Kept("closed before created", line(changed(closed="2025-06-01 00:00:00")), ("closed_at", "closed_before_created")),
    Kept("unreadable closing", line(changed(closed="soon")), ("closed_at", "bad_time")),
    Kept("closing in the future", line(changed(closed="2030-01-01 00:00:00")), ("closed_at", "time_in_future")),
    Kept("closing in a DST gap", line(changed(closed="2025-03-09 02:30:00")), ("closed_at", "nonexistent_local_time")),
    Kept("empty area", line(changed(district="")), ("area", "missing_area")),
]


@pytest.mark.parametrize("row", KEPT, ids=lambda row: row.name)
def test_an_odd_row_is_kept_and_its_repair_counted(row: Kept, tmp_path: Path) -> None:
    """What can be read with certainty is kept as a ticket; what was repaired for it is counted under its rule."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), row.content, good(3)), "utf-8", newline="")
    outcome = run(path)
    assert outcome.ids == ["T1", "T2", "T3"]
    assert not outcome.rejects
    assert dict(outcome.repairs) == ({row.repair: 1} if row.repair else {})


@dataclass(frozen=True)
class Unusable:
    """A file of which no row can be read: its name, its bytes, and a word of the problem."""

    name: str
    content: bytes
    problem: str


UNUSABLE = [
    Unusable("empty.csv", b"", "empty"),
    Unusable("blank.csv", b" \n\n", "white space"),
    Unusable("document.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n", "PDF"),
    Unusable("archive.csv", b"PK\x03\x04" + bytes(100), "ZIP"),
    Unusable("packed.csv", b"\x1f\x8b\x08\x00" + bytes(50), "gzip"),
    Unusable("picture.csv", b"\x89PNG\r\n\x1a\n" + bytes(50), "picture"),
    Unusable("columns.csv", b"PAR1" + bytes(50), "Parquet"),
    Unusable("binary.csv", bytes(range(256)) * 40, "not text"),
    Unusable("nobom.csv", "id,created\nT1,x\n".encode("utf-16-le"), "not text"),
    Unusable("other.csv", b"a,b,c\n1,2,3\n", "required columns are missing: created, type"),
    Unusable("twice.csv", b"id,created,type,type\n", "'type' stands 2 times"),
    Unusable("wide.csv", (",".join(f"c{i}" for i in range(200_000)) + "\n").encode(), "required columns are missing"),
    Unusable("nothing.ndjson", b"id,created\nT1,x\n", "no JSON objects"),
    Unusable("array.ndjson", b'[{"id": "T1"}]\n', "JSON array"),
    Unusable("broken.xlsx", b"PK\x03\x04" + bytes(range(200)), "no readable spreadsheet"),
    Unusable("text.xlsx", b"id,created\n", "no readable spreadsheet"),
    Unusable("broken.parquet", b"PAR1" + bytes(100) + b"PAR1", "no readable Parquet"),
    Unusable("text.parquet", b"id,created\n", "no readable Parquet"),
]


@pytest.mark.parametrize("file", UNUSABLE, ids=lambda file: file.name)
def test_an_unusable_file_is_refused_whole_with_advice(file: Unusable, tmp_path: Path) -> None:
    """A file that holds no table raises InvalidInputError that names it, the problem and what to do."""
    path = tmp_path / file.name
    path.write_bytes(file.content)
    with pytest.raises(InvalidInputError) as caught:
        run(path)
    assert file.name in caught.value.where
    assert file.problem in caught.value.problem
    assert caught.value.advice.endswith(".")


def test_a_folder_and_a_missing_file_are_refused_before_any_file_is_read(tmp_path: Path) -> None:
    """All paths are looked at first, so a long run does not end at a mistyped name."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)))
    with pytest.raises(InvalidInputError, match="does not exist"):
        run(path, tmp_path / "absent.csv")
    with pytest.raises(InvalidInputError, match="is a folder"):
        run(path, tmp_path)


def test_a_file_with_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    """A header without rows is a valid export of a quiet day."""
    path = tmp_path / "export.csv"
    path.write_text(line(HEADER))
    assert run(path).read == 0


def test_duplicate_ids_are_all_handed_on_with_one_key(tmp_path: Path) -> None:
    """Intake keeps rows with the same id: whether they are duplicates or updates is the engine's decision."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), good(1), good(2)))
    assert run(path).ids == ["T1", "T1", "T2"]
