"""JSON lines: objects in, one rejection for each line that is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.warning.intake.tables import HEADER, Outcome, good, run


def record(number: int, **cells: Any) -> dict[str, Any]:
    """A good object with some values changed."""
    return dict(zip(HEADER, good(number), strict=True)) | cells


def run_lines(path: Path, *lines: str | dict[str, Any]) -> Outcome:
    """Read lines, given as texts or as objects."""
    path.write_text("\n".join(item if isinstance(item, str) else json.dumps(item) for item in lines), "utf-8")
    return run(path)


@pytest.mark.parametrize(
    ("bad", "field", "reason"),
    [
        ("{", "", "unreadable_row"),
        ("[1, 2]", "", "unreadable_row"),
        ("null", "", "unreadable_row"),
        ("T2,2025-06-02 08:00:00", "", "unreadable_row"),
        ('{"id": "T2", "created": "2025', "", "unreadable_row"),
        ("[" * 100_000, "", "unreadable_row"),
        ('{"id": ' + "[" * 100_000 + "}", "", "unreadable_row"),
        ('{"id": "T2", "note": "' + "x" * 5_000_000 + '"}', "", "field_too_long"),
        (record(2, note="x" * 200_000), "text", "field_too_long"),
        (record(2, type={"name": "Noise"}), "category", "bad_type"),
        (record(2, type=["Noise"]), "category", "bad_type"),
        (record(2, created=True), "created_at", "bad_type"),
        (record(2, created=1748865600), "created_at", "bad_time"),
        (record(2, created=None), "created_at", "missing_required"),
        (record(2, created=float("nan")), "created_at", "missing_required"),
        (record(2, type="No\0ise"), "category", "unreadable_row"),
        ('{"id": "T2", "created": "2025-06-02 08:00:00", "type": "\\ud800"}', "category", "undecodable_text"),
    ],
)
def test_a_line_that_is_no_ticket_is_refused_alone(
    bad: str | dict[str, Any], field: str, reason: str, tmp_path: Path
) -> None:
    """A bad line becomes one rejection; the lines around it are kept."""
    outcome = run_lines(tmp_path / "export.ndjson", record(1), bad, record(3))
    assert outcome.ids == ["T1", "T3"]
    assert outcome.refused == [(2, field, reason)]


def test_keys_may_be_spelled_as_columns_are(tmp_path: Path) -> None:
    """Keys are compared without case, and an alias is a name too."""
    line = {"ID": "T1", "Created": "2025-06-01 08:00:00", "kind": "Noise", "extra": {"a": 1}}
    outcome = run_lines(tmp_path / "export.ndjson", line)
    assert outcome.categories == ["Noise"]


def test_numbers_become_text_without_decimals(tmp_path: Path) -> None:
    """A number for an id or a category is written as people read it."""
    outcome = run_lines(tmp_path / "export.jsonl", record(1, id=17, type=3.0), record(2, type=2.5))
    assert outcome.ids == ["17", "T2"]
    assert outcome.categories == ["3", "2.5"]


def test_rows_are_numbered_by_line_and_blank_lines_are_none(tmp_path: Path) -> None:
    """A row's number is its line in the file, whatever lies between."""
    assert run_lines(tmp_path / "export.ndjson", record(1), "", record(2), "").rows == [1, 3]
