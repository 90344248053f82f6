"""Invented people: names, numbers and addresses that texts mention, made once per city.

Nobody's: Faker composes them. Chinese cities have mobile numbers and resident identity numbers with a right check
digit; English ones have ten-digit numbers and payment cards with a right Luhn digit. Both have e-mail and addresses.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from zlib import crc32

from faker import Faker

from warning.simulator.catalogue import Language

PEOPLE = 600
STREETS = 120
_BUILDINGS = 60
_FLATS = 30


@dataclass(frozen=True, slots=True)
class Person:
    """One invented person; the fields' names are the kinds of identities.jsonl."""

    name: str
    phone: str
    identity: str
    card: str
    email: str
    address: str


@dataclass(frozen=True, slots=True)
class Population:
    """The people who write in a city, and its streets."""

    people: tuple[Person, ...]
    streets: tuple[str, ...]


@lru_cache(maxsize=16)
def population(city: str, language: Language) -> Population:
    """Return a city's people: always the same."""
    faker = Faker("zh_CN" if language == "zh" else "en_US")
    faker.seed_instance(crc32(city.encode()))
    streets = tuple(dict.fromkeys(faker.street_name() for _ in range(STREETS)))
    make = _chinese if language == "zh" else _english
    return Population(tuple(make(faker, streets) for _ in range(PEOPLE)), streets)


def _chinese(faker: Faker, streets: tuple[str, ...]) -> Person:
    number = faker.random_int(1, 399)
    flat = f"{faker.random_int(1, _BUILDINGS)}栋{faker.random_int(1, _FLATS)}0{faker.random_int(1, 4)}室"
    return Person(
        name=faker.name(),
        phone=faker.phone_number(),
        identity=faker.ssn(),
        card="",
        email=faker.ascii_safe_email(),
        address=f"{streets[faker.random_int(0, len(streets) - 1)]}{number}号{flat}",
    )


def _english(faker: Faker, streets: tuple[str, ...]) -> Person:
    flat = f"Apt. {faker.random_int(1, _FLATS)}{faker.random_element('ABCDEF')}"
    return Person(
        name=f"{faker.first_name()} {faker.last_name()}",
        phone=f"({faker.random_int(201, 989)}) {faker.random_int(201, 989)}-{faker.random_int(0, 9999):04d}",
        identity="",
        card=faker.credit_card_number(card_type="visa16"),
        email=faker.ascii_safe_email(),
        address=f"{faker.random_int(1, 999)} {streets[faker.random_int(0, len(streets) - 1)]}, {flat}",
    )
