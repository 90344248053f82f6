"""Writing tickets' texts, and noting every invented name, number and address in them."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from warning.simulator.catalogue import Language, wording
from warning.simulator.city import City
from warning.simulator.columns import NO_TOPIC, Columns
from warning.simulator.people import population

_SLOT = re.compile(r"\{(\w+)\}")
_WHENS = {"zh": ("今天", "昨天", "这两天", "上午"), "en": ("today", "yesterday", "since Monday", "this morning")}
_JOINTS = {"zh": "。", "en": ". "}


class Identity(NamedTuple):
    """Something personal that was planted in a text."""

    ticket_id: str
    kind: str
    value: str


class Writer:
    """Writes the texts of one city."""

    def __init__(self, city: City) -> None:
        self.city = city
        self.words = wording(city.language)
        self.population = population(city.name, city.language)
        self.bodies = [self.words.bodies[category.topic] for category in city.categories]

    def texts(self, tickets: Columns) -> list[str]:
        """Write the text of each ticket."""
        whens, joint = _WHENS[self.city.language], _JOINTS[self.city.language]
        streets, people = self.population.streets, self.population.people
        openings, closings = self.words.openings, self.words.closings
        columns = (tickets.opening, tickets.category, tickets.topic, tickets.body, tickets.street, tickets.when)
        written = []
        for opening, category, topic, body, street, when, closing, person in zip(
            *(column.tolist() for column in (*columns, tickets.closing, tickets.person)), strict=True
        ):
            said = self.bodies[category] if topic == NO_TOPIC else self.words.new_topics[topic]
            text = openings[opening] + said[body % len(said)].format(place=streets[street], day=whens[when])
            slots = _slots(self.city.language)[closing]
            end = closings[closing].format(**{slot: getattr(people[person], slot) for slot in slots})
            written.append(text + joint + end if end else text)
        return written

    def identities(self, tickets: Columns, ids: list[str]) -> list[Identity]:
        """List what was planted in the texts."""
        slots, people = _slots(self.city.language), self.population.people
        return [
            Identity(identity, slot, getattr(people[person], slot))
            for identity, closing, person in zip(ids, tickets.closing.tolist(), tickets.person.tolist(), strict=True)
            for slot in slots[closing]
        ]


@cache
def _slots(language: Language) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_SLOT.findall(closing)) for closing in wording(language).closings)
