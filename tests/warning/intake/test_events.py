"""Events from HTTP or Kafka: the same normaliser, keyed by columns or by field names."""

from typing import Any

import pytest

from tests.warning.intake.tables import HEADER, city, csv_text, good
from warning.intake.events import normalise_events
from warning.intake.files import read_files
from warning.intake.normalise import Normalised, Normaliser

CANONICAL = {
    "ticket_id": "T1",
    "created_at": "2025-06-01T08:00:00-04:00",
    "closed_at": "2025-06-01T09:00:00-04:00",
    "category": "Noise",
    "area": "City/North",
    "text": "loud",
}


def normalise(*events: Any) -> Normalised:
    return normalise_events(events, Normaliser(city()), "push")


def test_an_event_by_columns_by_fields_and_a_row_of_a_file_are_one_ticket(tmp_path: Any) -> None:
    """The same content gives the same key and digest, however it came in."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)))
    file = next(read_files([path], city())).tickets
    by_column, by_field = (normalise(event).tickets for event in (dict(zip(HEADER, good(1), strict=True)), CANONICAL))
    for tickets in (by_column, by_field):
        assert tickets.key.tolist() == file.key.tolist()
        assert tickets.digest.tolist() == file.digest.tolist()
        assert tickets.version.tolist() == file.version.tolist()


@pytest.mark.parametrize("area", ["City/North", "North", ["North"]])
def test_an_area_may_be_a_path_or_the_levels_that_are_read(area: Any) -> None:
    """The fixed first level may be said or left out."""
    assert normalise(CANONICAL | {"area": area}).tickets.area.decoded() == ["City/North"]


@pytest.mark.parametrize(
    ("event", "field", "reason"),
    [
        (5, "", "bad_type"),
        (None, "", "bad_type"),
        ([], "", "bad_type"),
        ({}, "created_at", "missing_required"),
        (CANONICAL | {"created_at": 5}, "created_at", "bad_time"),
        (CANONICAL | {"created_at": {"a": 1}}, "created_at", "bad_type"),
        (CANONICAL | {"category": ""}, "category", "missing_required"),
        (CANONICAL | {"ticket_id": ["a"]}, "ticket_id", "bad_type"),
    ],
)
def test_a_bad_event_is_refused_by_its_position(event: Any, field: str, reason: str) -> None:
    """Events around a bad one are kept; its row is its position, from 1."""
    found = normalise(CANONICAL, event, CANONICAL)
    assert [(r.source, r.row, r.field, r.reason.value) for r in found.rejects] == [("push", 2, field, reason)]
    assert found.tickets.row.tolist() == [1, 3]


def test_no_events_are_no_tickets() -> None:
    """An empty batch is a batch."""
    assert normalise().rows == 0


def test_an_event_without_an_id_is_named_after_its_content() -> None:
    """The same event twice is one ticket, another event another."""
    event = {key: value for key, value in CANONICAL.items() if key != "ticket_id"}
    ids = normalise(event, event, event | {"text": "louder"}).tickets.ticket_id.tolist()
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("row-")


def test_no_half_of_a_number_is_left_where_a_text_is_cut() -> None:
    """A number at the place where a text, or the value of a refused field, is cut is redacted like any other."""
    number = "13812345678"
    long = ("x" * 9_993 + " " + number, "y" * 9_989 + " " + number + " and more")
    for text in normalise(*(CANONICAL | {"text": text} for text in long)).tickets.text.tolist():
        assert "138" not in text
        assert len(text) <= 10_000
    shrinking = f"{'a' * 143}@example.com " * 2 + number
    (reject,) = normalise(CANONICAL | {"created_at": shrinking}).rejects
    assert "138" not in reject.value
