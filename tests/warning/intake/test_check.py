"""What a mapping makes of a file, and the draft for a file that has none."""

from pathlib import Path

import pytest

from tests.warning.intake.tables import HEADER, city, csv_text, good, line, run
from tests.warning.intake.workbooks import write_workbook
from warning.domain.errors import InvalidInputError
from warning.intake.check import check_mapping
from warning.intake.draft import draft_mapping
from warning.intake.mapping import DataClass
from warning.intake.mapping_files import load_mapping, parse_mapping


def test_a_report_says_what_each_column_is(tmp_path: Path) -> None:
    """Each column of the file has its mapping name, class and readers; unknown ones are listed."""
    path = tmp_path / "export.csv"
    path.write_text(line((*HEADER, "caller", "mood")) + line((*good(1), "Zhang San", "bad")))
    report = check_mapping(path, city())
    columns = {column.name: column for column in report.columns}
    assert columns["note"].fields == ("text",)
    assert columns["caller"].data_class is DataClass.NEVER
    assert (report.unknown, report.missing, report.usable) == (("mood",), (), True)
    assert "Zhang" not in repr(report)


def test_a_report_shows_what_cells_became(tmp_path: Path) -> None:
    """The first rows stand beside their results, in local time and redacted."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text((*good(1)[:5], "call 212-639-9675")))
    fields = {field.field: field.samples for field in check_mapping(path, city()).fields}
    assert fields["created_at"] == (("2025-06-01 08:00:00", "2025-06-01T08:00:00-04:00"),)
    assert fields["closed_at"] == (("2025-06-01 09:00:00", "resolved 2025-06-01T09:00:00-04:00"),)
    assert fields["area"] == (("North", "City/North"),)
    assert fields["text"] == (("call [电话/phone]", "call [电话/phone]"),)


def test_a_report_counts_rejections_and_repairs_of_the_first_rows(tmp_path: Path) -> None:
    """Only the asked number of rows is judged."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), (*good(2)[:4], "", ""), ("T3", "x", "", "Noise", "North", ""), *[good(4)] * 50))
    report = check_mapping(path, city(), rows=5)
    assert (report.rows, report.kept) == (5, 4)
    assert report.reject_counts == {("created_at", "bad_time"): 1}
    assert report.repair_counts == {("area", "missing_area"): 1}
    assert report.rejects[0].row == 4


def test_a_file_that_does_not_fit_is_reported_not_raised(tmp_path: Path) -> None:
    """A file of another source lists the required columns that are missing."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)))
    report = check_mapping(path, load_mapping("chicago311"))
    assert report.missing_required == ("CREATED_DATE", "SR_NUMBER", "SR_TYPE")
    assert not report.usable


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    """Check and draft raise for what no reader reads."""
    path = tmp_path / "export.csv"
    path.write_bytes(b"%PDF-1.7")
    with pytest.raises(InvalidInputError, match="PDF"):
        check_mapping(path, city())
    with pytest.raises(InvalidInputError, match="PDF"):
        draft_mapping(path)


ENGLISH = [["Case ID", "Opened", "Closed", "Request Type", "Status", "Neighborhood", "Caller Name", "Details"]] + [
    [f"C{n}", f"06/0{n}/2025 08:00", "", "Noise" if n % 2 else "Dirt", "Open", "North", "Zhang San", f"text {n}"]
    for n in range(1, 9)
]
CHINESE = [
    ["热线工单明细"],
    ["工单编号", "受理时间", "一级分类", "二级分类", "区县", "承办单位", "诉求内容", "联系电话"],
] + [
    [f"GD{n}", f"2025/6/{n} 8:00:00", "环境", "噪声", "海淀区", "城管委", f"第{n}条", "13812345678"]
    for n in range(1, 9)
]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize(
    ("rows", "never"), [(ENGLISH, "Caller Name"), (CHINESE, "联系电话")], ids=["English", "Chinese"]
)
def test_a_draft_reads_its_own_file(rows: list[list[str]], never: str, suffix: str, tmp_path: Path) -> None:
    """The draft is a valid mapping under which every row of its file is a ticket, and reads no personal column."""
    path = tmp_path / f"export.{suffix}"
    if suffix == "csv":
        path.write_text("".join(line(row) for row in rows), "utf-8")
    else:
        write_workbook(path, rows)
    mapping = parse_mapping(draft_mapping(path), "draft.yaml")
    outcome = run(path, mapping=mapping)
    assert (len(outcome.ids), outcome.refused) == (8, [])
    assert mapping.columns[never].data_class is DataClass.NEVER
    assert mapping.fields.text is not None
    assert mapping.fields.ticket_id is not None
    assert len(mapping.area) == 2


def test_a_draft_of_a_file_without_a_header_numbers_its_columns(tmp_path: Path) -> None:
    """When the first row holds a time there is no header."""
    path = tmp_path / "export.csv"
    path.write_text("".join(line(good(number)) for number in range(1, 9)))
    mapping = parse_mapping(draft_mapping(path), "draft.yaml")
    assert not mapping.format.header
    assert mapping.fields.created_at.column == "column_2"
    assert len(run(path, mapping=mapping).ids) == 8


def test_a_draft_asks_to_be_read(tmp_path: Path) -> None:
    """What a file cannot tell is marked, in both languages."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)))
    draft = draft_mapping(path)
    assert "TODO" in draft
    assert "请逐项核对" in draft
