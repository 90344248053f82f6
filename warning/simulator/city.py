"""A city as its YAML file describes it."""

from __future__ import annotations

from enum import StrEnum
from itertools import permutations
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from warning.domain.area import SEPARATOR, AreaPath
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.simulator.calendars import known_calendar
from warning.simulator.catalogue import (
    Language,
    Name,
    NotNegative,
    Positive,
    Topic,
    WeatherEffect,
    Year,
    rhythms,
    topics,
)
from warning.simulator.reading import Model, package_file, parsed, text_of

SUFFIXES = (".yaml", ".yml")


class Purpose(StrEnum):
    """What a city may be used for."""

    DEMO = "demo"
    DEVELOPMENT = "development"
    """Detectors may be tuned on it."""
    UNTOUCHED = "untouched"
    """It only measures."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name!r}; write an IANA name such as Asia/Shanghai") from error
    return name


def _area_name(name: str) -> str:
    if SEPARATOR in name or name != name.strip():
        raise ValueError(f"{name!r} is padded or contains {SEPARATOR!r}; write the plain name")
    return name


AreaName = Annotated[Name, AfterValidator(_area_name)]


class Title(Model):
    """The city's name for people, in both languages."""

    zh: Name
    en: Name


class District(Model):
    """A leaf of the area tree, where tickets happen."""

    name: AreaName
    en: str = ""
    population: int = Field(gt=0)


class Part(Model):
    """A part of the city, made of districts."""

    name: AreaName
    en: str = ""
    districts: tuple[District, ...] = Field(min_length=1)


class Root(Model):
    """The whole city."""

    name: AreaName
    en: str = ""
    parts: tuple[Part, ...] = Field(min_length=1)


class Department(Model):
    """Who does the work: handling time (lognormal) and how often a ticket is passed on."""

    name: Name
    median_hours: Positive
    log_sd: Positive
    transfer: float = Field(ge=0, lt=1)


class Category(Model):
    """A category of tickets; what is left out is the topic's."""

    topic: Name
    name: str = ""
    department: Name
    share: Positive
    rhythm: str = ""
    week: str = ""
    year: Year | None = None
    weather: WeatherEffect | None = None
    holiday: NotNegative | None = None
    spread: Positive | None = None

    def as_topic(self) -> Topic:
        """Return the topic with what this category says otherwise."""
        fields = ("rhythm", "week", "year", "weather", "holiday", "spread")
        own = {name: value for name in fields if (value := getattr(self, name)) not in (None, "")}
        return topics()[self.topic].model_copy(update=own)


class Delay(Model):
    """How long a ticket takes from its creation to being received (lognormal, cut off)."""

    median_minutes: Positive
    log_sd: Positive
    most_hours: float = Field(gt=0, le=72)


class Channel(Model):
    """A way in: its share of tickets, when it is open, how busy at weekends, and its delay."""

    name: Name
    share: Positive
    hours: Name
    weekend: NotNegative
    delay: Delay


class City(Model):
    """A city. Category and area names are in its language, or in both."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    purpose: Purpose
    title: Title
    language: Language
    zone: Annotated[str, AfterValidator(_zone)]
    calendar: Annotated[str, AfterValidator(known_calendar)]
    tickets_per_day: Positive
    area: Root
    neighbours: tuple[Annotated[tuple[Name, ...], Field(min_length=2)], ...] = ()
    """Groups of districts that touch one another."""
    departments: dict[str, Department] = Field(min_length=1)
    categories: tuple[Category, ...] = Field(min_length=1)
    channels: tuple[Channel, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        for category in self.categories:
            _known("topic", category.topic, topics())
            _known("department", category.department, self.departments)
            _known("rhythm", category.as_topic().rhythm, rhythms().hours)
            _known("week", category.as_topic().week, rhythms().weeks)
        for channel in self.channels:
            _known("hours", channel.hours, rhythms().hours)
        places = {district.name for part in self.area.parts for district in part.districts}
        for name in (name for group in self.neighbours for name in group):
            _known("district", name, places)
        return self

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        kinds = {
            "district": [district.name for part in self.area.parts for district in part.districts],
            "part": [part.name for part in self.area.parts],
            "category": list(self.category_names()),
            "department": [department.name for department in self.departments.values()],
            "channel": [channel.name for channel in self.channels],
        }
        for kind, names in kinds.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{kind} {twice[0]!r} stands twice; give every one its own name")
        return self

    def category_names(self) -> tuple[str, ...]:
        """Return the categories' names, in their order."""
        return tuple(category.name or topics()[category.topic].name(self.language) for category in self.categories)

    def districts(self) -> dict[AreaPath, District]:
        """Return the districts by path, in their order."""
        return {
            AreaPath((self.area.name, part.name, district.name)): district
            for part in self.area.parts
            for district in part.districts
        }

    def touching(self) -> frozenset[tuple[str, str]]:
        """Return every pair of districts that touch, both ways round."""
        return frozenset(pair for group in self.neighbours for pair in permutations(group, 2))


def list_cities() -> list[City]:
    """Return the cities that ship, by name."""
    files = (file for file in package_file("cities").iterdir() if file.name.endswith(SUFFIXES))
    return sorted((parsed(file.read_text("utf-8"), file.name, City) for file in files), key=lambda city: city.name)


def load_city(name_or_path: str | Path) -> City:
    """Load a city that ships by its name, or any city by its path (``.yaml`` or ``.yml``).

    Raises UnknownNameError for a name that does not ship, InvalidInputError for a file that is no city.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(SUFFIXES):
        return parsed(text_of(Path(text)), text, City)
    file = package_file("cities").joinpath(f"{text}.yaml")
    if "/" in text or "\\" in text or not file.is_file():
        raise UnknownNameError("city", text, [city.name for city in list_cities()])
    return parsed(file.read_text("utf-8"), file.name, City)


def _known(kind: str, name: str, there: object) -> None:
    names = sorted(there)  # type: ignore[call-overload]
    if name not in names:
        raise ValueError(f"there is no {kind} {name!r}; there are: {', '.join(names)}")


__all__ = ["City", "InvalidInputError", "Purpose", "list_cities", "load_city"]
