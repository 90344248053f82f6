"""Mappings: what ships loads, what is wrong is named with what to do, and classes decide what is read."""

from pathlib import Path

import pytest

from tests.warning.intake.tables import CITY_YAML, city, csv_text, good, run
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.intake.mapping import DataClass
from warning.intake.mapping_files import list_mappings, load_mapping, parse_mapping


def test_the_shipped_mappings_load_by_name() -> None:
    """Mappings ship, each under its own name with a title in both languages."""
    names = [mapping.name for mapping in list_mappings()]
    assert set(names) >= {"canonical", "chicago311", "china-12345", "nyc311", "nyc311-headerless"}
    assert all(load_mapping(name).title.zh and load_mapping(name).title.en for name in names)


def test_a_name_that_does_not_ship_is_answered_with_those_that_do() -> None:
    """A mistyped name lists the names there are."""
    with pytest.raises(UnknownNameError, match="nyc311-headerless"):
        load_mapping("nyc")


@pytest.mark.parametrize("kind", [str, Path])
def test_a_mapping_is_loaded_by_its_path(kind: type, tmp_path: Path) -> None:
    """A path, as text or as Path, names the user's own mapping."""
    path = tmp_path / "mine.yaml"
    path.write_text(CITY_YAML, "utf-8")
    assert load_mapping(kind(path)) == city()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: city", "name: My City", ("name", "pattern")),
        ("zone: America/New_York", "zone: Mars/Olympus", ("zone", "no time zone 'Mars/Olympus'", "Asia/Shanghai")),
        ("source: hotline", "source: hotline\nsauce: x", ("sauce", "Extra inputs are not permitted")),
        ("category: type", "category: kind_of", ("fields.category reads 'kind_of'", "`columns` does not name")),
        ("text: note", "text: caller", ("fields.text reads 'caller'", "class never")),
        ("category: type", "category: note", ("fields.category reads 'note'", "class sensitive")),
        ("column: district", "column: caller", ("area.1 reads 'caller'", "class never")),
        ("  category: type", "", ("fields.category", "Field required")),
        ('"%Y-%m-%d %H:%M:%S"', '"YYYY-MM-DD"', ("formats", "no time format", "%Y-%m-%d")),
        ("note: sensitive", "note: secret", ("columns.note", "'public', 'internal', 'sensitive' or 'never'")),
        ("- fixed: City", "- fixed: A/B", ("area.0", "may not contain '/'")),
        ("- fixed: City", "- {fixed: City, column: type}", ("area.0", "exactly one of column and fixed")),
        ("category: type", "category: {}", ("fields.category", "exactly one of column, columns and fixed")),
        ("- column: district", "- {column: district, repairs: [{rule: a, pattern: '('}]}", ("pattern", "regular")),
        ("source: hotline", "source: hotline\nformat: {delimiter: ab}", ("format.delimiter", "at most 1")),
        ("source: hotline", "source: hotline\nformat: {encoding: klingon}", ("format.encoding", "klingon")),
        ("source: hotline", "source: hotline\nrows: [{column: x, values: [a]}]", ("rows.0 reads 'x'",)),
        ("source: hotline", "source: hotline\nrequired_columns: [x]", ("required_columns", "'x'")),
        ("ticket_id: id", "ticket_id: {fixed: A}", ("ticket_id", "fixed")),
    ],
)
def test_a_wrong_mapping_names_the_key_the_problem_and_what_to_do(old: str, new: str, words: tuple[str, ...]) -> None:
    """Each kind of mistake is answered with its key and a sentence that helps."""
    assert old in CITY_YAML
    with pytest.raises(InvalidInputError) as caught:
        parse_mapping(CITY_YAML.replace(old, new), "city.yaml")
    for word in ("city.yaml", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words", "a: [1,"])
def test_what_is_no_mapping_at_all_is_refused(text: str) -> None:
    """An empty file, a list, words and broken YAML are refused with advice."""
    with pytest.raises(InvalidInputError) as caught:
        parse_mapping(text, "city.yaml")
    assert caught.value.advice


def test_a_mapping_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """A missing file and one that is not UTF-8 are refused by name."""
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_mapping(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("é".encode("latin-1"))
    with pytest.raises(InvalidInputError, match="not UTF-8"):
        load_mapping(tmp_path / "latin.yaml")


def test_no_shipped_mapping_reads_a_column_of_class_never() -> None:
    """What is never to be read is not asked of a reader, in any shipped mapping."""
    for mapping in list_mappings():
        classes = {mapping.columns[name].data_class for name in mapping.layout().wanted}
        assert DataClass.NEVER not in classes


def test_columns_of_class_never_leave_no_trace(tmp_path: Path) -> None:
    """A caller's name is in no ticket, no rejection and no repair, not even of a row that cannot be split."""
    path = tmp_path / "export.csv"
    header, first = csv_text(good(1)).splitlines()
    rows = [header + ",caller", first + ",Zhang San", "T2,Zhang San", "T3,x,,Noise,North,,Zhang San", '"Zhang San']
    path.write_text("\n".join(rows))
    assert "Zhang" not in repr(run(path))


def test_a_row_rule_leaves_calls_out_and_a_fixed_category_needs_no_column(tmp_path: Path) -> None:
    """Rows of a type that is no request are refused as such, without regard to case."""
    text = CITY_YAML.replace("source: hotline", "source: hotline\nrows: [{column: type, values: [information call]}]")
    path = tmp_path / "export.csv"
    path.write_text(csv_text(good(1), ("T2", "2025-06-02 08:00:00", "", "INFORMATION CALL", "North", "")))
    assert run(path, mapping=parse_mapping(text, "city.yaml")).refused == [(3, "type", "not_a_request")]
    fixed = parse_mapping(CITY_YAML.replace("category: type", "category: {fixed: Complaint}"), "city.yaml")
    assert set(run(path, mapping=fixed).categories) == {"Complaint"}
