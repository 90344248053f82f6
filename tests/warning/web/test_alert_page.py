"""The alert page: what, why, on what it rests, what was done, and what one may do."""

from __future__ import annotations

import json
import re

import pytest

from tests.warning import samples
from tests.warning.web.browser import Answer
from tests.warning.web.city import NOW, City, busy_city, city
from warning.domain.account import Role
from warning.domain.handling import Act, Command
from warning.domain.signal import EvidenceState
from warning.web.pages.alert import MOST_PARTS


@pytest.fixture(name="made")
def _made() -> City:
    return busy_city()


def _buttons(answer: Answer) -> set[str | None]:
    return {button.get("value") for button in answer.page.named("button") if button.get("name") == "act"}


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "120 came in; about 3.2 were expected (37 times as many). From 11 on it counts as unusual.",
                "by chance about once in 11.5 years",
                "1 in 810,000,000",
                "high impact : more than a hundred in an hour",
                "Queens 60 1.5",
                "meter does not take cards",
                "severity 83, observed 120, expected 3.2",
                "4 of 60 buckets reach the bound",
            ),
        ),
        (
            "zh",
            (
                "实际 120 件,预计约 3.2 件,是预计的 37 倍;达到 11 件即为异常。",
                "约每 11.5 年",
                "影响较大 :一小时内超过百件",
                "皇后区 60 1.5",
                "60 格中 4 格达到异常界限",
            ),
        ),
    ],
)
def test_the_whole_alert(made: City, language: str, words: tuple[str, ...]) -> None:
    """Figures, chance, flags and why, parts by area, redacted examples and history are told in plain words."""
    text = made.visitor(language=language).get("/alerts/burst").text
    for each in words:
        assert each in text


def test_chart_for_both_kinds_of_browser(made: City) -> None:
    """The chart is drawn in the page, and its numbers are there for the script: the same ones, in the city's zone."""
    page = made.visitor().get("/alerts/burst").page
    pictures = [svg for svg in page.named("svg") if svg.get("role") == "img"]
    assert [svg["class"] for svg in pictures] == ["chart wide", "chart narrow"]
    numbers = json.loads(page.named("figure")[0]["data-course"] or "")
    course = samples.course()
    assert numbers["observed"] == [point.observed for point in course]
    assert numbers["start"] == [point.start.timestamp() for point in course]
    assert numbers["window"] == [samples.NINE.timestamp(), samples.NINE.timestamp() + 3600]
    assert numbers["zone"] == "America/New_York"


def test_no_course_no_chart() -> None:
    """An alert of which no course is kept says so."""
    made = city()
    made.alerts.put(samples.alert("bare", parts=()))
    answer = made.visitor().get("/alerts/bare")
    assert "There is no course to draw" in answer.text
    assert answer.page.named("figure") == []


@pytest.mark.parametrize(
    ("role", "acts"),
    [
        (Role.VIEWER, set()),
        (Role.OPERATOR, {"acknowledge", "close", "assign", "snooze", "note"}),
        (Role.REVIEWER, {"acknowledge", "close", "assign", "snooze", "note", "review"}),
    ],
)
def test_rights_decide_what_is_offered(made: City, role: Role, acts: set[str]) -> None:
    """What one may not do is not offered."""
    answer = made.visitor(role).get("/alerts/burst")
    assert _buttons(answer) == acts
    assert ("can look, not act" in answer.text) is (not acts)


def test_only_what_fits_the_status_is_offered(made: City) -> None:
    """A closed alert can be reopened, reviewed and noted on, and nothing else."""
    answer = made.visitor().post("/alerts/burst/act", act="close", version="0")
    assert _buttons(answer) == {"reopen", "review", "note"}


def test_review_teaches_and_says_so(made: City) -> None:
    """A review is in the record at once, with the reviewer, the reason and what it taught the models."""
    answer = made.visitor().post(
        "/alerts/burst/act", act="review", version="0", disposition="false_alarm", reason="street fair"
    )
    assert (answer.status, answer.path) == (200, "/alerts/burst")
    for words in ("false alarm (reviewer)", "street fair", "now needs evidence 4 times as strong", "REVIEW-1"):
        assert words in answer.text
    entry = made.services.desk.detail("burst").entries[-1]
    assert (entry.actor, entry.at, entry.reason) == ("reviewer", NOW, "street fair")


def test_every_act(made: City) -> None:
    """Acknowledge, assign, snooze, note, close and reopen each leave their line, in their order."""
    browser = made.visitor(Role.OPERATOR)
    steps: list[dict[str, str]] = [
        {"act": "acknowledge"},
        {"act": "assign", "assignee": "Li Na"},
        {"act": "note", "reason": "called the depot"},
        {"act": "snooze", "hours": "12"},
        {"act": "close"},
        {"act": "reopen"},
    ]
    for version, fields in enumerate(steps):
        answer = browser.post("/alerts/burst/act", version=str(version), **fields)
        assert answer.status == 200
    rules = list(dict.fromkeys(re.findall(r"\b[A-Z]+-\d\b", answer.text.partition("History")[2])))
    assert rules == ["REOPEN-1", "CLOSE-4", "SNOOZE-2", "NOTE-2", "ASSIGN-2", "ACK-1", "UPDATE-1", "RAISE-1"]
    assert "2020-01-03 Fri 01:00" in answer.text


def test_conflict_shows_what_is_and_keeps_what_was_typed(made: City) -> None:
    """When someone was faster, the page shows the state as it is now and the words one had typed."""
    made.services.desk.act("burst", 0, Command(act=Act.ASSIGN, actor="wang", at=NOW, assignee="wang"))
    answer = made.visitor().post(
        "/alerts/burst/act", act="review", version="0", disposition="confirmed", reason="my long reason"
    )
    assert answer.status == 409
    assert "Someone changed this alert while you were looking" in answer.text
    assert "Assigned to wang" in answer.text
    assert "my long reason" in answer.text
    checked = [field["value"] for field in answer.page.named("input") if "checked" in field and "value" in field]
    assert checked == ["confirmed"]
    assert {field["value"] for field in answer.page.named("input") if field.get("name") == "version"} == {"1"}


@pytest.mark.parametrize(
    "fields", [{"act": "reopen"}, {"act": "review"}, {"act": "note", "reason": " "}, {"act": "assign"}]
)
def test_an_act_that_does_not_fit_is_refused_in_words(made: City, fields: dict[str, str]) -> None:
    """An act that the status does not allow, or that lacks something, is refused on the page."""
    answer = made.visitor(language="zh").post("/alerts/burst/act", version="0", **fields)
    assert answer.status == 422
    assert "你填写的内容已保留" in answer.text


@pytest.mark.parametrize("fields", [{"act": "explode"}, {"act": "review", "disposition": "boring"}, {}])
def test_a_form_that_is_not_ours_is_refused(made: City, fields: dict[str, str]) -> None:
    """A form that no page of ours sends is a mistake, not a failure."""
    assert made.visitor().post("/alerts/burst/act", version="0", **fields).status == 422


def test_next_after_a_review(made: City) -> None:
    """Once reviewed, the page offers the next that waits."""
    answer = made.visitor().post("/alerts/burst/act", act="review", version="0", disposition="duplicate")
    assert "Next to review (2 wait)" in answer.text


def test_merged_alert_leads_to_the_one_that_took_it_in(made: City) -> None:
    """A link to an alert that was merged leads to the alert that goes on."""
    made.raise_alert("burst", aliases=("old",))
    assert made.visitor().get("/alerts/old").path == "/alerts/burst"


def test_what_is_not_final_says_so_first(made: City) -> None:
    """Provisional and withdrawn evidence is named before its figures are believed."""
    made.raise_alert("early", state=EvidenceState.PROVISIONAL)
    made.raise_alert("gone", state=EvidenceState.WITHDRAWN)
    assert "Provisional: the window had not ended" in made.visitor().get("/alerts/early").text
    assert "does not bear out" in made.visitor().get("/alerts/gone").text


def test_many_parts_stay_readable(made: City) -> None:
    """Of many areas the largest are shown, the others in one line, and all sum to the observed count."""
    made.raise_alert("wide", parts=tuple((f"New York City/A{n}", 4, 0.1) for n in range(30)))
    table = made.visitor().get("/alerts/wide").html.split('class="parts"')[1].split("</table>")[0]
    counts = [int(count) for count in re.findall(r'<td class="number">([\d,]+)</td><td', table)]
    assert len(counts) == MOST_PARTS
    assert sum(counts) == 120
