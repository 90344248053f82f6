"""Area paths and the register."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warning.domain.area import MAX_LEVELS, Area, AreaPath, AreaRegister, AreaRow
from warning.domain.errors import InvalidInputError

NAMES = st.text(min_size=1, max_size=8).map(str.strip).filter(lambda name: name and "/" not in name)
PATHS = st.lists(NAMES, min_size=1, max_size=MAX_LEVELS).map(lambda parts: AreaPath(tuple(parts)))
CITY, NORTH, SOUTH = AreaPath(("City",)), AreaPath(("City", "North")), AreaPath(("City", "South"))


@given(PATHS)
def test_a_path_is_read_back_from_its_text(path: AreaPath) -> None:
    """Text and path are two spellings of one thing."""
    assert AreaPath.parse(str(path)) == path


@given(PATHS)
def test_a_lineage_runs_from_the_root_to_the_area(path: AreaPath) -> None:
    """Each area of a lineage contains the next, the last is the area itself, and levels count from 0."""
    lineage = list(path.lineage())
    assert lineage[-1] == path
    assert [area.level for area in lineage] == list(range(len(path.parts)))
    assert all(area.contains(path) for area in lineage)
    assert [area.parent for area in lineage] == [None, *lineage[:-1]]


@pytest.mark.parametrize("parts", [(), ("",), ("a", ""), (" a",), ("a/b",), ("a", "b", "c", "d", "e")])
def test_a_path_needs_one_to_four_plain_names(parts: tuple[str, ...]) -> None:
    """Empty, padded and separated names and a fifth level are refused."""
    with pytest.raises(ValueError, match="area"):
        AreaPath(parts)


@pytest.mark.parametrize(
    ("outer", "inner", "contained"),
    [(CITY, NORTH, True), (NORTH, NORTH, True), (NORTH, CITY, False), (NORTH, SOUTH, False)],
)
def test_containment_is_by_whole_names(outer: AreaPath, inner: AreaPath, contained: bool) -> None:
    """An area contains itself and what lies inside it, not what only begins alike."""
    assert outer.contains(inner) is contained
    assert not AreaPath(("City", "Nor")).contains(NORTH)


def test_a_register_knows_names_parents_and_mutual_neighbours() -> None:
    """To touch is mutual although a row says it once; names default to the id."""
    rows = [
        AreaRow("City", name_zh="城", population=3),
        AreaRow("North", parent="City", neighbours=("South",)),
        AreaRow("South", parent="City"),
    ]
    register = AreaRegister.from_rows(rows)
    assert {str(area.path) for area in register} == {"City", "City/North", "City/South"}
    assert (register.get(CITY).name_zh, register.get(CITY).name_en, register.get(CITY).population) == ("城", "City", 3)
    assert register.are_neighbours(NORTH, SOUTH)
    assert register.are_neighbours(SOUTH, NORTH)
    assert not register.are_neighbours(NORTH, CITY)


def test_an_area_is_not_its_own_neighbour() -> None:
    """A register that says so is read as if it did not."""
    register = AreaRegister.from_rows([AreaRow("City", neighbours=("City",))])
    assert not register.are_neighbours(CITY, CITY)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ([AreaRow("A"), AreaRow("A")], "stands twice"),
        ([AreaRow("A", parent="B")], "unknown parent"),
        ([AreaRow("A", parent="B"), AreaRow("B", parent="A")], "its own ancestor"),
        ([AreaRow("A", neighbours=("B",))], "unknown neighbours"),
        ([AreaRow("a/b")], "contains '/'"),
        ([AreaRow(str(n), parent=str(n - 1) if n else "") for n in range(5)], "1 to 4 levels"),
    ],
)
def test_a_wrong_register_names_the_area(rows: list[AreaRow], problem: str) -> None:
    """Each contradiction in a register raises with the place it stands in."""
    with pytest.raises(InvalidInputError, match=problem) as caught:
        AreaRegister.from_rows(rows, "areas.csv")
    assert caught.value.where == "areas.csv"


def test_an_unknown_area_belongs_to_its_nearest_known_ancestor() -> None:
    """The deepest registered area that contains it; the root where none is known; itself without a register."""
    register = AreaRegister([Area(CITY), Area(NORTH)])
    assert register.nearest_known(AreaPath(("City", "North", "Elm"))) == NORTH
    assert register.nearest_known(SOUTH) == CITY
    assert register.nearest_known(AreaPath(("Other", "West"))) == AreaPath(("Other",))
    assert AreaRegister().nearest_known(SOUTH) == SOUTH


def test_an_unregistered_area_is_described_by_its_own_name() -> None:
    """Reports can name any area."""
    area = AreaRegister().get(SOUTH)
    assert (area.name_zh, area.name_en, area.population, len(AreaRegister())) == ("South", "South", None, 0)
    assert SOUTH not in AreaRegister()
