"""What every city shares: topics with their rhythms and weather, shapes of days and weeks, and the texts."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field

from warning.simulator.reading import Model, package_file, parsed

Language = Literal["zh", "en"]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Hours24 = Annotated[tuple[NotNegative, ...], Field(min_length=24, max_length=24)]
Days7 = Annotated[tuple[NotNegative, ...], Field(min_length=7, max_length=7)]
Year = tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[int, Field(ge=1, le=366)]]
"""Amplitude, and the day of the year of the peak."""


class WeatherEffect(Model):
    """Effect on the logarithm of the rate of one unit of heat and of rain."""

    heat: float
    rain: float


class Topic(Model):
    """A topic as every city knows it; a city's category may say otherwise."""

    zh: Name
    en: Name
    rhythm: Name
    week: Name
    year: Year
    weather: WeatherEffect
    holiday: NotNegative
    spread: Positive = 0.06

    def name(self, language: Language) -> str:
        """Return its name in a language."""
        return self.zh if language == "zh" else self.en


class Rhythms(Model):
    """Shapes of days and weeks by name."""

    hours: dict[str, Hours24]
    weeks: dict[str, Days7]


class Wording(Model):
    """What people write in one language: openings, bodies by topic, closings with who they are, and new topics."""

    openings: tuple[str, ...] = Field(min_length=1)
    closings: tuple[str, ...] = Field(min_length=1)
    """With slots {name}, {phone}, {identity}, {card}, {email} and {address}."""
    bodies: dict[str, Annotated[tuple[str, ...], Field(min_length=2)]]
    new_topics: tuple[Annotated[tuple[str, ...], Field(min_length=2)], ...] = Field(min_length=1)


class _Topics(Model):
    topics: dict[str, Topic]


@cache
def topics() -> dict[str, Topic]:
    """Return the topics by key."""
    return parsed(package_file("topics.yaml").read_text("utf-8"), "topics.yaml", _Topics).topics


@cache
def rhythms() -> Rhythms:
    """Return the shapes of days and weeks."""
    return parsed(package_file("rhythms.yaml").read_text("utf-8"), "rhythms.yaml", Rhythms)


@cache
def wording(language: Language) -> Wording:
    """Return what people write in a language."""
    name = f"{language}.yaml"
    return parsed(package_file("texts", name).read_text("utf-8"), name, Wording)
