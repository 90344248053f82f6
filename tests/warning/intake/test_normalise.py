"""The normaliser's columns: names, versions, keys, digests, and life that nothing knows before its time."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warning.intake.tables import city, csv_text, good, run
from warning.domain.reject import RejectReason
from warning.domain.ticket import LifeEvent
from warning.intake.areas import AreaReader, PlaceName
from warning.intake.files import read_files
from warning.intake.identity import key_of
from warning.intake.mapping import AreaLevel, Repair
from warning.intake.names import MAX_NAME, clean_name


def changed(**cells: str) -> tuple[str, ...]:
    names = ("id", "created", "closed", "type", "district", "note")
    return tuple((dict(zip(names, good(1), strict=True)) | cells).values())


def test_columns_are_of_one_length_and_of_their_types(tmp_path: Path) -> None:
    """Every column of tickets and of life has n rows and the type that the engine expects."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), good(2), changed(closed="")))
    part = next(read_files([path], city()))
    for events, rows in ((part.tickets, 3), (part.life, 2)):
        types = {name: getattr(events, name).dtype for name in ("row", "kind", "time", "version", "key", "digest")}
        assert types == {"row": "i8", "kind": "u1", "time": "i8", "version": "i8", "key": "u8", "digest": "u8"}
        for name in (*types, "ticket_id", "text"):
            assert len(getattr(events, name)) == rows
        for name in ("area", "category", "department", "channel"):
            column = getattr(events, name)
            assert (len(column.codes), column.codes.dtype) == (rows, "i4")
            assert len(set(column.values)) == len(column.values)
    assert set(part.tickets.kind.tolist()) == {LifeEvent.CREATED}


def test_a_ticket_carries_the_latest_time_its_row_tells_of(tmp_path: Path) -> None:
    """The version is the closing if there is a believable one, else the creation."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), changed(closed=""), changed(closed="2025-05-01 00:00:00")))
    tickets = next(read_files([path], city())).tickets
    assert (tickets.version - tickets.time).tolist() == [3_600_000, 0, 0]


def test_keys_are_of_source_and_id(tmp_path: Path) -> None:
    """A key is the XXH3 of source and id, and a life event has its ticket's."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)))
    part = next(read_files([path], city()))
    assert part.tickets.key.tolist() == part.life.key.tolist() == [key_of("hotline", "T1")]
    assert key_of("hotline", "T1") == 13_386_348_144_902_581_863


@pytest.mark.parametrize("column", ["id", "created", "closed", "type", "district", "note"])
def test_every_mapped_cell_is_in_the_digest(column: str, tmp_path: Path) -> None:
    """A row that differs in one mapped cell has another digest; the same row has the same."""
    other = {"created": "2025-06-01 08:00:01", "closed": "2025-06-01 09:00:01"}.get(column, "other")
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), good(1), changed(**{column: other})))
    digests = next(read_files([path], city())).tickets.digest.tolist()
    assert digests[0] == digests[1] != digests[2]


def test_digests_do_not_depend_on_the_rows_around(tmp_path: Path) -> None:
    """A row alone and the same row among others have one digest."""
    alone, among = tmp_path / "alone.csv", tmp_path / "among.csv"
    alone.write_text(csv_text(good(2)))
    among.write_text(csv_text(good(1), good(2), changed(type="Other", district="West")))
    first, second = (next(read_files([path], city())).tickets.digest.tolist() for path in (alone, among))
    assert first[0] == second[1]


def test_without_a_clock_the_future_is_accepted(tmp_path: Path) -> None:
    """With no clock given, a time beyond today is a time like others."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(changed(created="2030-01-01 00:00:00", closed="")))
    assert run(path, now_ms=None).ids == ["T1"]


@pytest.mark.parametrize(("minutes", "kept"), [(10, True), (11, False)])
def test_ten_minutes_ahead_of_the_clock_are_tolerated(minutes: int, kept: bool, tmp_path: Path) -> None:
    """A clock a little behind the platform's refuses nothing."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1)))
    created = run(path).times[0]
    assert bool(run(path, now_ms=created - minutes * 60_000).ids) is kept


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("  Noise ", "Noise"),
        ("Noise   -  Residential", "Noise - Residential"),
        ("Ｎｏｉｓｅ（夜间）", "Noise(夜间)"),
        ("a\tb\nc", "a b c"),
        ("a\u200bb\u3000c", "a b c"),
        ("café", "café"),
        ("🔊", "🔊"),
    ],
)
def test_a_name_has_one_spelling(cell: str, name: str) -> None:
    """NFKC, trimmed, white space collapsed, without control and format characters."""
    assert clean_name(cell) == name


@given(st.text())
def test_cleaning_a_name_twice_changes_nothing_more(text: str) -> None:
    """A clean name is clean."""
    assert clean_name(clean_name(text)) == clean_name(text)


LEVELS = [
    AreaLevel(fixed="City"),
    AreaLevel(
        column="district",
        vocabulary=("North", "South"),
        otherwise="unknown_district",
        repairs=(
            Repair(rule="number", pattern=r"District (1)", to="North"),
            Repair(rule="swapped", pattern=r"(\w+), District", to=r"\1"),
            Repair(rule="unspecified", pattern=r"Unspecified"),
        ),
    ),
    AreaLevel(column="street"),
]


@pytest.mark.parametrize(
    ("cells", "path", "rules"),
    [
        (("North", "Elm Street"), "City/North/Elm Street", ()),
        (("north", "Elm Street"), "City/North/Elm Street", ("area_spelling",)),
        (("District 1", "Elm"), "City/North/Elm", ("number",)),
        (("South, District", "Elm"), "City/South/Elm", ("swapped",)),
        (("Unspecified", "Elm"), "City", ("unspecified",)),
        (("Atlantis", "Elm"), "City", ("unknown_district",)),
        (("", "Elm"), "City", ("missing_area",)),
        (("North", ""), "City/North", ("missing_area",)),
        (("North", "Elm / Oak"), "City/North/Elm - Oak", ()),
        (("North", "=A1"), "City/North", ("unknown_area",)),
    ],
)
def test_an_area_is_repaired_by_named_rules(cells: tuple[str, ...], path: str, rules: tuple[str, ...]) -> None:
    """Repairs come first, then the vocabulary; what is unknown belongs to the level above."""
    assert AreaReader(LEVELS).read(cells) == PlaceName(path, rules)


def test_an_area_needs_a_first_level() -> None:
    """Without any name, or with one that is a text, the row is refused."""
    reader = AreaReader([AreaLevel(column="district")])
    assert reader.read(("",)).refused is RejectReason.BAD_AREA
    assert reader.read(("x" * (MAX_NAME + 1),)).refused is RejectReason.TOO_LONG_NAME


def test_life_events_follow_their_tickets_order(tmp_path: Path) -> None:
    """Life events are in the order of the rows they come from, at their own times, derived and without text."""
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(2), good(1), changed(id="T9", closed="")))
    life = next(read_files([path], city())).life
    assert life.ticket_id.tolist() == ["T2", "T1"]
    assert np.array_equal(life.version, life.time)
    assert not any(life.text)
