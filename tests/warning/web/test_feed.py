"""The feed and the queue: alerts as cards, narrowed by filters that stand in the address."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.warning import samples
from tests.warning.web.browser import Answer
from tests.warning.web.city import NOW, busy_city, city
from warning.domain.account import Role
from warning.domain.alert import Disposition
from warning.domain.handling import Act, Command
from warning.web.pages.filters import PAGE, Filters


def _shown(answer: Answer) -> list[str | None]:
    return [card["data-id"] for card in answer.page.named("article")]


def test_newest_first_with_what_an_operator_needs() -> None:
    """Each card has severity in number and word, headline, figures, state of handling, flags, time with zone, area."""
    answer = busy_city().visitor().get("/")
    assert _shown(answer) == ["burst", "slow", "small"]
    for words in (
        "83 severe",
        "Broken Parking Meter surges city-wide: 120 in an hour, 3 expected",
        "120 tickets · 3.2 expected",
        "open to review surge high impact",
        "Raised 2020-01-02 Thu 09:30 UTC-05:00",
        "UTC-05:00 · Queens",
    ):
        assert words in answer.text


def test_a_merged_alerts_card_is_the_one_that_goes_on() -> None:
    """Asked for by the id of an alert that was merged, the card is that of the alert that goes on, by its own id."""
    made = busy_city()
    made.raise_alert("burst", aliases=("slow",))
    assert _shown(made.visitor().get("/alerts/slow/card")) == ["burst"]
    assert _shown(made.visitor().get("/")) == ["burst", "small"]


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        ({"severity": "70"}, ["burst"]),
        ({"severity": "40"}, ["burst", "slow"]),
        ({"flag": "high_impact"}, ["burst", "slow"]),
        ({"category": "Noise"}, ["slow"]),
        ({"department": "NYPD"}, ["slow"]),
        ({"area": "New York City/BROOKLYN"}, ["burst", "small"]),
        ({"area": "皇后区"}, ["burst", "slow", "small"]),
        ({"status": "closed"}, []),
        ({"review": "1"}, ["burst", "slow", "small"]),
        ({"since": "2020-01-02T01:00", "until": "2020-01-02T09:00"}, ["slow"]),
        ({"sort": "raised_at"}, ["small", "slow", "burst"]),
        ({"sort": "-severity", "severity": "40"}, ["burst", "slow"]),
        ({"since": "0001-01-01T00:00", "until": "9999-12-31T23:59"}, None),
        ({"severity": "x", "flag": "x", "status": "x", "since": "x", "sort": "x", "area": "a//b"}, None),
    ],
)
def test_filters(parameters: dict[str, str], found: list[str] | None) -> None:
    """Each filter narrows the feed; what means nothing is no filter."""
    answer = busy_city().visitor().get("/", **parameters)
    assert _shown(answer) == (["burst", "slow", "small"] if found is None else found)


def test_filters_in_force_can_be_seen_and_taken_away() -> None:
    """Each filter in force stands above the list in words, with a link that takes just this one away."""
    browser = busy_city().visitor()
    answer = browser.get("/", severity="40", category="Noise")
    assert "Severity: ≥ 40" in answer.text
    links = [link["href"] or "" for link in answer.page.named("a")]
    assert "/?severity=40" in links
    assert "/?category=Noise" in links
    assert _shown(browser.follow("/?severity=40")) == ["burst", "slow"]


def test_a_script_gets_the_list_alone() -> None:
    """Asked by a script, the feed is the cards and the filters in force, without the frame around them."""
    answer = busy_city().visitor().part("/", severity="70")
    assert _shown(answer) == ["burst"]
    assert answer.page.named("html") == []
    assert [chips.get("hx-swap-oob") for chips in answer.page.named("ul") if chips.get("id") == "chips"] == ["true"]


def test_one_card() -> None:
    """One card can be had alone, and its version changes when a person or the engine changes the alert."""
    made = busy_city()
    browser = made.visitor()

    def version() -> str | None:
        return browser.part("/alerts/burst/card").page.named("article")[0]["data-version"]

    first = version()
    made.services.desk.act("burst", 0, Command(act=Act.ACKNOWLEDGE, actor="a", at=NOW))
    second = version()
    made.raise_alert("burst", severity=90, updated_at=NOW)
    assert len({first, second, version()}) == 3


def test_pages_of_the_feed() -> None:
    """A long feed is given in pages, each alert on exactly one of them, with and without a script."""
    made = city()
    for number in range(2 * PAGE + 3):
        made.raise_alert(f"a{number:03}")
    browser = made.visitor()
    for ask in (browser.get, browser.part):
        seen, answer = [], ask("/")
        while True:
            seen += _shown(answer)
            more = [link["href"] or "" for link in answer.page.named("a") if link.get("class") == "more"]
            if not more:
                break
            answer = ask(more[0])
        assert len(seen) == len(set(seen)) == 2 * PAGE + 3


def test_nothing_to_show() -> None:
    """An empty feed says that all is well; an empty search says that nothing matches."""
    browser = city().visitor()
    assert "No alerts at present" in browser.get("/").text
    assert "No alert matches the filters" in browser.get("/", severity="70").text


def test_nothing_to_show_yet() -> None:
    """While the service is loading an empty feed does not say that all is well."""
    made = city()
    made.runtime.state = replace(made.runtime.state, ready=False)
    text = made.visitor().get("/").text
    assert "No alerts at present" not in text
    assert text.count("alerts are not complete yet") == 2


def test_page_knows_where_the_live_stream_begins() -> None:
    """The page carries the number of the newest change it was made with, so that the stream misses none."""
    made = busy_city()
    body = made.visitor().get("/").page.named("body")[0]
    assert body["data-stream"] == "/api/v1/alerts/stream"
    assert body["data-since"] == str(made.alerts.feed[-1].sequence)


def test_address_of_filters_leaves_out_what_is_empty() -> None:
    """An address holds the filters that are in force and no others."""
    filters = Filters.read({"severity": "40", "category": "a b&c", "status": "", "unknown": "x"})
    assert filters.address() == "/?severity=40&category=a+b%26c"
    assert filters.address(severity="", category="") == "/"


def test_queue_is_what_waits() -> None:
    """The queue has the oldest first, or the most severe; what was reviewed is not in it."""
    made = busy_city()
    browser = made.visitor()
    assert _shown(browser.get("/queue")) == ["small", "slow", "burst"]
    assert _shown(browser.get("/queue", order="-severity")) == ["burst", "slow", "small"]
    browser.post("/alerts/slow/act", act="review", version="0", disposition="false_alarm")
    assert _shown(browser.part("/queue")) == ["small", "burst"]
    assert "2 alerts wait" in browser.get("/queue").text


def test_from_one_review_to_the_next() -> None:
    """After a review the page leads to what has waited longest, and to the empty queue in the end."""
    made = busy_city()
    browser = made.visitor()
    for alert in ("small", "slow", "burst"):
        assert browser.get("/queue/next").path == f"/alerts/{alert}"
        browser.post(f"/alerts/{alert}/act", act="review", version="0", disposition=Disposition.CONFIRMED.value)
    assert "Nothing waits for review" in browser.get("/queue/next").text


def test_next_is_another_one() -> None:
    """What stays to be reviewed for want of data does not come again at once."""
    made = busy_city()
    browser = made.visitor(Role.REVIEWER)
    browser.post("/alerts/small/act", act="review", version="0", disposition="needs_more_data")
    assert browser.get("/queue/next", after="small").path == "/alerts/slow"


def test_snoozed_and_assigned_are_seen_on_the_card() -> None:
    """A card says who has the alert and that it is snoozed."""
    made = busy_city()
    browser = made.visitor()
    browser.post("/alerts/burst/act", act="assign", version="0", assignee="Li Na")
    browser.post("/alerts/burst/act", act="snooze", version="1", hours="4")
    text = browser.get("/alerts/burst/card").text
    assert "snoozed" in text
    assert "assigned to Li Na" in text


def test_a_place_without_a_register_keeps_its_name() -> None:
    """An area that the register does not know is shown by its own name."""
    made = city()
    made.raise_alert(areas=("Elsewhere/North", "not//a path"), parts=samples.alert().parts)
    assert "North, not//a path" in made.visitor().get("/").text
