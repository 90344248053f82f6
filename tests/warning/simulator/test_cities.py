"""Cities: those that ship are whole and marked, and a file that is wrong is told where and what to do."""

from pathlib import Path

import pytest
import yaml

from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.domain.truth import NOT_INCIDENTS, Shape
from warning.simulator import City, Purpose, list_cities, load_city
from warning.simulator.catalogue import topics, wording
from warning.simulator.parameters import parameters
from warning.simulator.reading import package_file

CITIES = {city.name: city for city in list_cities()}


def test_three_cities_are_untouched() -> None:
    """There is a demo city, two to tune on, and three of different sizes, languages and zones that only measure."""
    purposes = {name: city.purpose for name, city in CITIES.items()}
    untouched = [CITIES[name] for name, purpose in purposes.items() if purpose is Purpose.UNTOUCHED]
    assert purposes["demo"] is Purpose.DEMO
    assert sum(purpose is Purpose.DEVELOPMENT for purpose in purposes.values()) == 2
    assert len(untouched) == len({city.zone for city in untouched}) == 3
    assert {city.language for city in untouched} == {"zh", "en"}


@pytest.mark.parametrize("name", sorted(CITIES))
def test_an_untouched_city_says_so_in_its_first_line(name: str) -> None:
    """Exactly the untouched cities' files begin with UNTOUCHED."""
    text = package_file("cities", f"{name}.yaml").read_text("utf-8")
    assert text.startswith("# UNTOUCHED") == (CITIES[name].purpose is Purpose.UNTOUCHED)


@pytest.mark.parametrize("name", sorted(CITIES))
def test_a_city_is_whole(name: str) -> None:
    """Every city has 20 categories or more that people can write about in its language, and connected districts."""
    city = CITIES[name]
    assert len(city.categories) >= 20
    assert {category.topic for category in city.categories} <= wording(city.language).bodies.keys()
    assert {category.department for category in city.categories} == city.departments.keys()
    assert {one for one, _ in city.touching()} == {path.parts[-1] for path in city.districts()}
    assert load_city(name) == city


def test_the_demo_city_has_the_size_it_states() -> None:
    """2.5 million inhabitants, 13 districts, 24 categories, 350 tickets a day."""
    city = CITIES["demo"]
    assert sum(district.population for district in city.districts().values()) == 2_500_000
    assert (len(city.districts()), len(city.categories), city.tickets_per_day) == (13, 24, 350)


def test_both_languages_speak_of_every_topic() -> None:
    """Each topic has texts in Chinese and in English."""
    assert wording("zh").bodies.keys() == wording("en").bodies.keys() == topics().keys()


def test_parameters_have_every_shape() -> None:
    """The parameter file has each incident's and each hard negative's share; a holiday is the calendar's."""
    shapes = parameters()
    assert set(shapes.shapes) == set(Shape) - NOT_INCIDENTS
    assert set(shapes.hard_negatives) == NOT_INCIDENTS - {Shape.HOLIDAY}
    assert (shapes.incidents_per_week, shapes.size.least, shapes.size.most) == (3, 2, 10)


def test_an_unknown_city_is_answered_with_those_there_are() -> None:
    """A mistyped name, or one that leads elsewhere, lists the names."""
    for name in ("demmo", "../cities/demo"):
        with pytest.raises(UnknownNameError, match="kingsmoor"):
            load_city(name)


def _changed(path: str, value: object) -> City:
    document = yaml.safe_load(package_file("cities", "fairmont.yaml").read_text("utf-8"))
    *parents, last = path.split(".")
    place = document
    for key in parents:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    file = Path("mine.yaml")
    file.write_text(yaml.safe_dump(document), "utf-8")
    return load_city(file)


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("categories.0.topic", "nois", "there is no topic 'nois'"),
        ("categories.0.department", "fire", "there is no department 'fire'"),
        ("categories.1.name", "Noise", "category 'Noise' stands twice"),
        ("categories.0.rhythm", "lazy", "there is no rhythm 'lazy'"),
        ("neighbours.0.0", "Uptown", "there is no district 'Uptown'"),
        ("channels.0.delay.most_hours", 100, "channels.0.delay.most_hours"),
        ("zone", "America/Springfield", "there is no time zone"),
        ("calendar", "moon", "there is no calendar 'moon'"),
        ("area.parts.0.name", "A/B", "contains '/'"),
        ("tickets_per_day", 0, "tickets_per_day"),
        ("colour", "blue", "colour"),
    ],
)
def test_a_wrong_city_is_told_where(
    path: str, value: object, named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's own file that is wrong is refused with the file, the key and the problem."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInputError, match=r"mine\.yaml") as refused:
        _changed(path, value)
    assert named in str(refused.value)


def test_a_users_own_city_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path to a city of one's own is read; a missing file, and one that is no YAML, are told."""
    monkeypatch.chdir(tmp_path)
    assert _changed("name", "mine").name == "mine"
    Path("bad.yaml").write_text("a: [", "utf-8")
    for file, problem in (("none.yaml", "cannot be read"), ("bad.yaml", "not valid YAML")):
        with pytest.raises(InvalidInputError, match=problem):
            load_city(file)
