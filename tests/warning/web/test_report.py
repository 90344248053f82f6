"""The report as one page that needs nothing else, for an operator at night and a colleague who gets it by mail."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from tests.warning import samples
from warning.domain.alert import Flag, Headline, ReviewFlag
from warning.domain.signal import EvidenceState
from warning.service.result import BacktestResult
from warning.web.report import MOST_CARDS, MOST_PARTS, render_report

HOSTILE = "<script>alert('x')</script>\"><img src=https://evil.example/x onerror=alert(1)>"
VOID = {"meta", "input", "br", "img", "link"}


class _Page(HTMLParser):
    """Collects tags, ids, visible text and what is left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def _page(result: BacktestResult | None = None) -> _Page:
    page = _Page(render_report(result or samples.result()))
    assert page.open == []
    return page


def test_page_tells_the_whole_alert_in_both_languages() -> None:
    """Headline, figures, time with its zone, window, chance, flags, examples, course of events: zh and en."""
    text = " ".join(_page().text.split())
    for words in (
        "全市“停车计费器故障”激增",
        "Broken Parking Meter surges city-wide",
        "实际 120 件,预计约 3.2 件,是预计的 37 倍;达到 11 件即为异常",
        "120 came in; about 3.2 were expected (37 times as many)",
        "2020-01-02 周四 Thu 09:30 UTC-05:00",
        "30 minutes after the window began",
        "约每 11.5 年才有一次",
        "about once in 11.5 years",
        "1 in 810,000,000",
        "more than a hundred in an hour",
        "一小时内超过百件",
        "meter does not take cards",
        "RAISE-1",
        "warm-up",
        "时间有误 bad time",
        "17,418",
        "early-warning explain DIR alert-7f3a",
    ):
        assert words in text, words


def test_page_asks_nothing_of_any_network() -> None:
    """No tag loads anything, there is no script, and the policy in the page forbids both."""
    text = render_report(samples.result())
    page = _Page(text)
    assert not {name for name, _ in page.tags} & {"script", "link", "img", "iframe", "object", "embed", "form"}
    assert not [a for _, a in page.tags if {"src", "style", "onclick", "onload"} & set(a)]
    assert all((a["href"] or "").startswith("#") for a in page.named("a"))
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_hostile_names_stay_text() -> None:
    """Whatever a ticket, an area or a file is called, it is shown as text and makes no element."""
    alert = samples.alert(
        HOSTILE,
        headline=Headline(zh=HOSTILE, en=HOSTILE),
        areas=(HOSTILE,),
        kind=HOSTILE,
        categories=(HOSTILE,),
        departments=(HOSTILE,),
        detectors=(HOSTILE,),
        flags=(Flag(code=ReviewFlag.SPARSE_DATA, reason_zh=HOSTILE, reason_en=HOSTILE),),
        parts=((HOSTILE, 5, 1.0),),
        examples=(samples.example_ticket(HOSTILE),),
    )
    series = replace(samples.SERIES, name=HOSTILE)
    hostile = BacktestResult(
        summary=samples.summary(
            jurisdiction=HOSTILE, notices=(HOSTILE,), inputs=(HOSTILE,), reject_reasons={HOSTILE: 1}, mapping=HOSTILE
        ),
        alerts=[alert],
        signals=[samples.signal(series=series)],
        evidence=[replace(point, series=series) for point in samples.course()],
    )
    page = _page(hostile)
    assert not page.named("script")
    assert not page.named("img")
    assert not [a for _, a in page.tags if "onerror" in a or "src" in a]
    assert page.text.count("<script>alert") > 15


def test_chart_shows_what_the_numbers_say() -> None:
    """One bar a bucket that had tickets, red where the bound is reached, a path of the expected, the window, a flag."""
    page = _page()
    wide = render_report(samples.result()).split('class="chart wide"')[2].split("</svg>")[0]
    bars = re.findall(r'class="bar( unusual)?"', wide)
    assert len(bars) == sum(point.observed > 0 for point in samples.course())
    assert sum(bool(bar) for bar in bars) == sum(point.observed >= point.upper_bound for point in samples.course())
    assert wide.count('class="window"') == wide.count('class="raised"') == wide.count('class="expected"') == 1
    assert [svg["aria-label"] for svg in page.named("svg") if svg.get("role") == "img"]


def test_every_picture_has_words() -> None:
    """An SVG says in words what it shows, or is decoration beside text that does."""
    for svg in _page().named("svg"):
        assert svg.get("aria-hidden") == "true" or svg.get("aria-label")
    peak = next(svg["aria-label"] or "" for svg in _page().named("svg") if svg.get("role") == "img")
    assert "the highest is 01-02 09:00 with 120, 3.2 expected" in peak


def test_headings_and_links_are_in_order() -> None:
    """Headings go down by one level at a time, ids are unique, and every inner link leads somewhere."""
    page = _page()
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch(r"h\d", name)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {(a["href"] or "")[1:] for a in page.named("a")} <= set(ids)


def test_parts_sum_to_observed() -> None:
    """The parts on the page sum to the observed count, with a line for what they do not cover or have no room for."""
    many = tuple((f"New York City/{n}", 3, 0.1) for n in range(30))
    for parts in (samples.alert().parts, many):
        page = render_report(replace(samples.result(), alerts=[samples.alert(parts=parts)]))
        table = page.split('class="parts"')[1].split("</table>")[0]
        counts = [int(count) for count in re.findall(r'<td class="number">(\d+)</td><td', table)]
        assert sum(counts) == 120
        assert len(counts) <= MOST_PARTS


def test_nothing_happened() -> None:
    """A run without alerts says so instead of showing empty pictures."""
    text = _page(
        BacktestResult(
            summary=samples.summary(
                alerts=0, alerts_by_status={}, rows=0, outcomes={}, reject_reasons={}, first_event=None, last_event=None
            )
        )
    ).text
    assert "没有预警" in text
    assert "No alerts." in text
    assert "没有被拒绝的行" in text


def test_alert_without_a_course_has_no_chart() -> None:
    """An alert whose leading signal left no evidence is shown with its figures and no chart."""
    page = _page(replace(samples.result(), evidence=[]))
    assert not [svg for svg in page.named("svg") if svg.get("role") == "img"]
    assert "实际 120 件" in page.text


@pytest.mark.parametrize(("state", "words"), [("provisional", "may change"), ("withdrawn", "does not bear out")])
def test_evidence_that_is_not_final_says_so(state: str, words: str) -> None:
    """An alert on an open window, or one that was withdrawn, tells the reader before the figures are believed."""
    assert words in _page(replace(samples.result(), alerts=[samples.alert(state=EvidenceState(state))])).text
    assert words not in _page().text


def test_many_alerts_stay_readable() -> None:
    """Beyond the page's room the most severe are shown and the page says where the others are."""
    alerts = [samples.alert(f"a{n:04}", severity=n % 100) for n in range(MOST_CARDS + 100)]
    page = _page(replace(samples.result(), alerts=alerts, summary=samples.summary(alerts=len(alerts)), evidence=[]))
    assert len(page.named("article")) == MOST_CARDS
    assert "200 / 300" in page.text


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "Asia/Shanghai"])
def test_zone_of_the_run(zone: str) -> None:
    """Times stand on the run's own wall clock; a zone that is unknown leaves each time as it was written."""
    text = _page(replace(samples.result(), summary=samples.summary(zone=zone))).text
    assert ("22:30 UTC+08:00" if zone == "Asia/Shanghai" else "09:30 UTC-05:00") in text


def test_window_before_the_course_and_long_delays() -> None:
    """An alert raised days after, or before, its window says how long in days or hours."""
    late = samples.alert(raised_at=samples.NINE + timedelta(days=3))
    early = samples.alert(raised_at=samples.NINE - timedelta(hours=5))
    text = _page(replace(samples.result(), alerts=[late, replace(early, id="other")])).text
    assert "3 days after the window began" in text
    assert "5 hours before its strongest window" in text


def test_same_result_gives_the_same_page() -> None:
    """Nothing of the machine, the day or the run is in the page."""
    assert render_report(samples.result()) == render_report(samples.result())
