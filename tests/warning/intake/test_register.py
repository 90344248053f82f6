"""The area register's file, and areas that it does not know."""

from pathlib import Path

import pytest

from tests.warning.intake.tables import csv_text, good, run
from warning.domain.area import AreaPath
from warning.domain.errors import InvalidInputError
from warning.intake.register import load_register

CSV = """\
id,name_zh,name_en,parent,neighbours,population
City,某市,City,,,"1,000,000"
North,北区,North,City,South;East,400000
South,南区,South,City,,
East,东区,East,City,,
"""
YAML = """\
areas:
  - {id: City, name_zh: 某市, population: 1000000}
  - {id: North, name_zh: 北区, parent: City, neighbours: [South, East], population: 400000}
  - {id: South, parent: City}
  - {id: East, parent: City}
"""
NORTH, SOUTH, EAST = (AreaPath(("City", name)) for name in ("North", "South", "East"))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("name", "text"), [("areas.csv", CSV), ("areas.yaml", YAML)])
def test_a_register_is_read_from_csv_and_yaml(name: str, text: str, tmp_path: Path) -> None:
    """Both formats give the same tree, names, neighbours (said once, mutual) and populations."""
    register = load_register(write(tmp_path, name, text))
    assert len(register) == 4
    assert register.get(NORTH).name_zh == "北区"
    assert register.get(NORTH).population == 400_000
    assert register.get(AreaPath(("City",))).population == 1_000_000
    assert register.are_neighbours(SOUTH, NORTH)
    assert not register.are_neighbours(SOUTH, EAST)


def test_a_register_in_gb18030_is_read(tmp_path: Path) -> None:
    """A register saved by a Chinese spreadsheet program is detected as such."""
    path = tmp_path / "areas.csv"
    path.write_bytes(CSV.encode("gb18030"))
    assert load_register(path).get(NORTH).name_zh == "北区"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("areas.csv", "id,parent\nNorth,City\n", "unknown parent 'City'"),
        ("areas.csv", "id\nNorth\nNorth\n", "stands twice"),
        ("areas.csv", "id,parent\nA,B\nB,A\n", "its own ancestor"),
        ("areas.csv", "id,neighbours\nA,B\n", "unknown neighbours ['B']"),
        ("areas.csv", "id,population\nA,many\n", "line 2: population"),
        ("areas.csv", "id,population\nA,-1\n", "line 2: population"),
        ("areas.csv", "id,colour\nA,red\n", "line 2: colour"),
        ("areas.csv", "id,parent\n,City\n", "line 2: id"),
        ("areas.csv", 'id,parent\n"A,B\n', "not valid CSV"),
        ("areas.csv", "", "lists no areas"),
        ("areas.csv", "id,parent\nA,\nB,A\nC,B\nD,C\nE,D\n", "1 to 4 levels"),
        ("areas.yaml", "areas: 3\n", "no list of areas"),
        ("areas.yaml", "- [1, 2]\n", "area 1"),
        ("areas.yaml", "- {id: A, neighbours: {a: 1}}\n", "area 1: neighbours"),
        ("areas.yaml", "a: [", "not valid YAML"),
        ("areas.yaml", "", "no list of areas"),
    ],
)
def test_a_wrong_register_names_the_row_and_the_problem(name: str, text: str, words: str, tmp_path: Path) -> None:
    """Each mistake is answered with its place and what to do."""
    with pytest.raises(InvalidInputError) as caught:
        load_register(write(tmp_path, name, text))
    assert words in str(caught.value)
    assert name in caught.value.where


def test_a_missing_register_is_named(tmp_path: Path) -> None:
    """A path without a file is refused by name."""
    with pytest.raises(InvalidInputError, match="cannot be read"):
        load_register(tmp_path / "absent.csv")


def test_an_unknown_area_becomes_its_nearest_known_ancestor(tmp_path: Path) -> None:
    """With a register, a district it does not know counts for the city, and the repair is counted."""
    register = load_register(write(tmp_path, "areas.csv", CSV))
    path = write(tmp_path, "export.csv", csv_text(good(1), (*good(2)[:4], "Atlantis", "")))
    outcome = run(path, register=register)
    assert outcome.areas == ["City/North", "City"]
    assert outcome.repairs == {("area", "unregistered_area"): 1}
