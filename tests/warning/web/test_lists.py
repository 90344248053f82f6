"""Dead letters, planned events and help."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.warning.web.city import NOW, City, city, letters
from warning.domain.account import Role

FAIR = {"title": "Street fair", "start": "2020-01-03T08:00", "end": "2020-01-03T20:00"}


@pytest.fixture(name="made")
def _made() -> City:
    made = city()
    made.letters.letters = letters()
    return made


def test_letters_say_why_and_what_to_do(made: City) -> None:
    """Each refused item has its reason, field, advice, redacted value, source, row and time."""
    text = made.visitor(Role.OPERATOR).get("/rejections").text
    for words in (
        "3 items : hotline bad time 2 · app bad area 1",
        "bad time · created_at",
        "Write times as MM/DD/YYYY hh:mm:ss AM.",
        "Content (redacted): 13/45/2020",
        "#3 · hotline · row 19 · 2020-01-02 Thu 10:00 UTC-05:00",
        "sent in again 2020-01-02 Thu 12:00",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("parameters", "rows"),
    [
        ({}, ["19", "18", "17"]),
        ({"source": "app"}, ["18"]),
        ({"reason": "bad_time"}, ["19", "17"]),
        ({"reason": "nonsense"}, ["19", "18", "17"]),
    ],
)
def test_letters_by_source_and_reason(made: City, parameters: dict[str, str], rows: list[str]) -> None:
    """Dead letters are narrowed by source and by reason."""
    text = made.visitor(Role.OPERATOR).get("/rejections", **parameters).text
    assert [word.partition(" ")[0] for word in text.split(" · row ")[1:]] == rows


def test_only_admins_send_letters_in_again(made: City) -> None:
    """The choice of letters and its button are there for admins alone."""
    for role, offered in ((Role.OPERATOR, False), (Role.ADMIN, True)):
        fields = made.visitor(role).get("/rejections").page.named("input")
        assert any(field.get("name") == "ids" for field in fields) is offered


def test_what_has_no_original_cannot_be_chosen(made: City) -> None:
    """A letter whose original is gone stays in the list, but cannot be chosen to be sent in again."""
    made.letters.letters[0] = replace(made.letters.letters[0], original_until=None)
    fields = made.visitor(Role.ADMIN).get("/rejections").page.named("input")
    choices = [(field["value"], "disabled" in field) for field in fields if field.get("name") == "ids"]
    assert choices == [("3", False), ("2", False), ("1", True)]


def test_replay_tells_what_became_of_each(made: City) -> None:
    """What was accepted is counted, and what still does not fit is told with its reason and advice."""
    browser = made.visitor(Role.ADMIN)
    answer = browser.post("/rejections/replay", ids="2")
    assert "1 item sent in again, 0 accepted" in answer.text
    assert "t2: bad time. Write times as" in answer.text
    assert "None was chosen" in browser.post("/rejections/replay").text
    assert made.letters.replayed == [2]


def test_no_letters() -> None:
    """A service that could read everything says so."""
    assert "No data was rejected" in city().visitor(Role.OPERATOR).get("/rejections").text


def test_a_plan_is_entered_on_the_citys_clock(made: City) -> None:
    """A plan's times are on the city's wall clock, its areas may be given by name, in either script's commas."""
    browser = made.visitor()
    answer = browser.post("/plans", **FAIR, areas="皇后区,Brooklyn", categories="Noise")
    assert answer.path == "/plans"
    (plan,) = made.services.planning.plans()
    assert plan.start.isoformat() == "2020-01-03T08:00:00-05:00"
    assert plan.areas == ("New York City/BROOKLYN", "New York City/QUEENS")
    for words in ("Street fair", "Areas: Brooklyn, Queens · Categories: Noise", "entered by reviewer"):
        assert words in answer.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"end": "2020-01-03T07:00"}, "end: is not after start"),
        ({"start": "soon"}, "start: is no date and time"),
        ({"title": " "}, "title: is empty"),
    ],
)
def test_a_plan_that_does_not_fit_keeps_what_was_typed(made: City, changes: dict[str, str], words: str) -> None:
    """A refused plan says which field is wrong and shows the form as it was filled in."""
    answer = made.visitor().post("/plans", **FAIR | changes, categories="Noise, Parking")
    assert answer.status == 422
    assert words in answer.text
    fields = {field.get("name"): field.get("value") for field in answer.page.named("input")}
    assert fields["categories"] == "Noise, Parking"


def test_a_plan_is_called_off(made: City) -> None:
    """A plan that is called off stays in the list as such and cannot be called off again."""
    plan = made.services.planning.add("Drill", NOW, NOW + timedelta(hours=3), actor="admin")
    answer = made.visitor().post(f"/plans/{plan.id}/cancel")
    assert "called off" in answer.text
    assert "Call it off" not in answer.text


def test_plans_that_are_over_are_shown_when_asked_for(made: City) -> None:
    """The list is of what is to come; the past is one link away."""
    plan = made.services.planning.add("Drill", NOW, NOW + timedelta(hours=3), actor="admin")
    made.plans._plans[plan.id] = type(plan)(
        id=plan.id, title="Drill", start=NOW - timedelta(days=2), end=NOW - timedelta(days=1), entered_by="admin"
    )
    browser = made.visitor(Role.VIEWER)
    assert "Nothing is planned" in browser.get("/plans").text
    assert "Drill" in browser.get("/plans", past="1").text


def test_help_explains_what_the_page_says(made: City) -> None:
    """Help tells what severity and reviews mean, the keys, the program's version and whose scripts it uses."""
    text = made.visitor(Role.VIEWER).get("/help").text
    for words in ("70 and above", "false alarm Nothing there.", "j k next / previous", "early-warning 0.1.0", "htmx"):
        assert words in text
