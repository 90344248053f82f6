"""Texts: in the city's language, with everything personal noted, and nothing personal that the redactor promises."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date

import pytest

from warning.intake.personal import is_card, is_identity_18
from warning.intake.redact import redact_text
from warning.simulator import Simulation, load_city, simulate
from warning.simulator.catalogue import Language, wording
from warning.simulator.people import population

NUMBERS = {"phone", "identity", "card", "email"}


@pytest.fixture(name="simulation", scope="module", params=["demo", "fairmont"])
def _simulation(request: pytest.FixtureRequest) -> Simulation:
    return simulate(load_city(request.param), 1, date(2025, 1, 6), 30)


def test_planted_identities_stand_in_their_texts(simulation: Simulation) -> None:
    """Every noted name, number and address stands in the text of its ticket, and all kinds of a language occur."""
    texts = {one.ticket_id: one.text for one in simulation.tickets}
    assert all(value in texts[ticket] for ticket, _, value in simulation.identities)
    kinds = Counter(kind for _, kind, _ in simulation.identities)
    number = "identity" if simulation.city.language == "zh" else "card"
    assert kinds.keys() == {"name", "phone", "address", "email", number}
    assert min(kinds.values()) > 300


def test_the_redactor_takes_every_planted_number(simulation: Simulation) -> None:
    """No phone, identity or card number and no e-mail address survives the first redactor."""
    planted = defaultdict(list)
    for ticket, kind, value in simulation.identities:
        planted[ticket].append((kind, value))
    for one in simulation.tickets:
        text = redact_text(one.text)
        assert [value for kind, value in planted[one.ticket_id] if kind in NUMBERS and value in text] == []


def test_no_number_is_there_unnoted(simulation: Simulation) -> None:
    """Take the planted values away, and no digits and no unfilled slot remain."""
    planted = defaultdict(list)
    for ticket, _, value in simulation.identities:
        planted[ticket].append(value)
    for one in simulation.tickets:
        text = one.text
        for value in planted[one.ticket_id]:
            text = text.replace(value, "")
        assert not re.search(r"\d|[{}]", text), one.text


def test_texts_are_in_the_citys_language(simulation: Simulation) -> None:
    """A Chinese city writes Chinese, an English one ASCII letters."""
    chinese = [bool(re.search(r"[\u4e00-\u9fff]", one.text)) for one in simulation.tickets]
    assert all(chinese) if simulation.city.language == "zh" else not any(chinese)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_wordings_use_known_slots(language: Language) -> None:
    """Bodies have the slots of a place and a time, closings those of a person."""
    words = wording(language)
    bodies = [body for of in (*words.bodies.values(), *words.new_topics) for body in of]
    assert {slot for body in bodies for slot in re.findall(r"\{(\w+)\}", body)} <= {"place", "day"}
    closing = {slot for one in words.closings for slot in re.findall(r"\{(\w+)\}", one)}
    number = "identity" if language == "zh" else "card"
    assert closing == {"name", "phone", "email", "address", number}


def test_invented_numbers_are_well_formed() -> None:
    """Identity numbers have a right check digit, cards a right Luhn digit; people are the same every time."""
    chinese, english = population("demo", "zh"), population("fairmont", "en")
    assert all(is_identity_18(one.identity) for one in chinese.people)
    assert all(is_card(one.card) for one in english.people)
    assert population.__wrapped__("demo", "zh") == chinese
    assert population("beihe", "zh").people[0] != chinese.people[0]
