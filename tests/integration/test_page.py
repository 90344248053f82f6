"""The page in a real Chromium: alive, in both languages, on a phone, in the dark, by keyboard, and without script."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browsers import PHONE, WIDE, Watched, chromium, served, shot
from tests.warning import samples
from tests.warning.web.city import NOW, City, busy_city, letters
from warning.domain.account import Role
from warning.domain.alert import Disposition
from warning.domain.handling import Act, Command

PAGES = ("/", "/alerts/burst", "/queue", "/rejections", "/plans", "/help")

Opened = Callable[..., Watched]


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(name="made")
def _made() -> City:
    made = busy_city()
    made.letters.letters = letters()
    made.services.planning.add("Marathon", NOW, NOW + timedelta(hours=9), areas=["New York City"], actor="admin")
    return made


@pytest.fixture(name="opened")
def _opened(browser: Browser, made: City) -> Iterator[Opened]:
    """Give a function that signs a role in, in a new window; at the end no window may have complained."""
    windows: list[Watched] = []
    with served(made.app()) as address:

        def sign_in(role: Role = Role.ADMIN, size: tuple[int, int] = WIDE, **settings: object) -> Watched:
            width, height = size
            context = browser.new_context(
                viewport={"width": width, "height": height},
                **({"locale": "en-GB"} | settings),  # type: ignore[arg-type]
            )
            windows.append(Watched(context.new_page(), address))
            windows[-1].use_link(f"/sign-in/once?token={made.services.accounts.one_time_token(role.value)}")
            return windows[-1]

        yield sign_in
        for window in windows:
            window.page.context.close()
    assert [complaint for window in windows for complaint in window.complaints] == []


@pytest.fixture(name="pictures")
def _pictures(root: Path) -> Path:
    return root / "build" / "screenshots"


def test_a_new_alert_arrives_by_itself(made: City, opened: Opened, pictures: Path) -> None:
    """On an untouched feed a new alert comes in at the top without reloading, and a screen reader is told."""
    page = opened().page
    expect(page.locator("#live")).to_have_text("live")
    page.mouse.move(5, 5)
    made.raise_alert("fresh", severity=77, raised_at=NOW)
    expect(page.locator("article").first).to_have_attribute("data-id", "fresh")
    expect(page.locator("#said")).to_contain_text("New alert: Broken Parking Meter")
    shot(page, pictures, "feed-live")


def test_a_reader_is_not_disturbed(made: City, opened: Opened, pictures: Path) -> None:
    """While the list is being read a new alert waits behind a bar; what is under the pointer stays where it is."""
    page = opened().page
    expect(page.locator("#live")).to_have_text("live")
    first = page.locator("#card-burst")
    first.hover()
    before = first.bounding_box()
    made.raise_alert("one", raised_at=NOW)
    expect(page.locator("#new")).to_have_text("Show 1 new alert")
    made.raise_alert("two", raised_at=NOW)
    expect(page.locator("#new")).to_have_text("Show 2 new alerts")
    expect(page).to_have_title("(2) Alerts · New York City")
    after = first.bounding_box()
    assert before is not None
    assert after is not None
    assert before["y"] == after["y"]
    shot(page, pictures, "feed-new")
    page.keyboard.press("n")
    expect(page.locator("article")).to_have_count(5)
    expect(page.locator("#new")).to_be_hidden()


def test_a_card_changes_where_it_stands(made: City, opened: Opened) -> None:
    """What others do is seen on the card without reloading, on a filtered feed too."""
    window = opened()
    page = window.open("/?status=open")
    expect(page.locator("#live")).to_have_text("live")
    made.services.desk.act("burst", 0, Command(act=Act.ASSIGN, actor="wang", at=NOW, assignee="wang"))
    expect(page.locator("#card-burst")).to_contain_text("assigned to wang")


def test_a_merged_alert_leaves_the_list(made: City, opened: Opened) -> None:
    """The card of an alert that was merged into another goes by itself, shown or waiting; its page offers a reload."""
    window = opened()
    page = window.page
    expect(page.locator("#live")).to_have_text("live")
    page.locator("#card-burst").hover()
    made.raise_alert("waiting", raised_at=NOW)
    expect(page.locator("#new")).to_have_text("Show 1 new alert")
    beside = window.page.context.new_page()
    beside.goto(f"{window.address}/alerts/slow")
    expect(beside.locator("#live")).to_have_text("live")
    made.raise_alert("burst", updated_at=NOW, aliases=("slow", "waiting"))
    expect(page.locator("#card-slow")).to_have_count(0)
    expect(page.locator("#new")).to_be_hidden()
    expect(page.locator("#card-burst")).to_be_visible()
    expect(beside.locator("#changed")).to_be_visible()
    beside.locator("#changed a").click()
    expect(beside.locator("article.alert")).to_have_attribute("data-id", "burst")


def test_nothing_is_missed_while_the_service_is_away(made: City, browser: Browser, pictures: Path) -> None:
    """When the service goes away the page says so; when it is back, what came meanwhile comes without reloading."""
    with served(made.app()) as address:
        window = Watched(browser.new_context(locale="en-GB").new_page(), address)
        page = window.use_link(f"/sign-in/once?token={made.services.accounts.one_time_token('viewer')}")
        expect(page.locator("#live")).to_have_text("live")
    expect(page.locator("#live")).to_have_text("reconnecting…")
    shot(page, pictures, "feed-reconnecting")
    page.mouse.move(5, 5)
    made.raise_alert("meanwhile", raised_at=NOW)
    with served(made.app(), urlsplit(address).port or 0):
        expect(page.locator("#card-meanwhile")).to_be_visible(timeout=20_000)
        expect(page.locator("#live")).to_have_text("live")
        page.context.close()


def test_filters_stand_in_the_address(opened: Opened, pictures: Path) -> None:
    """A filter acts at once, stands in the address, survives the way back, and is taken away by its chip."""
    window = opened()
    page = window.page
    page.select_option("select[name=severity]", "70")
    expect(page.locator("article")).to_have_count(1)
    assert page.url.endswith("/?severity=70")
    page.keyboard.press("/")
    page.locator("#first-filter").fill("Queens")
    page.keyboard.press("Tab")
    expect(page.locator("#chips li")).to_have_count(3)
    shot(page, pictures, "feed-filtered")
    page.go_back()
    expect(page.locator("#chips li")).to_have_count(1)
    expect(page.get_by_role("navigation")).to_be_visible()
    page.locator("#chips a").first.click()
    expect(page.locator("article")).to_have_count(3)


def test_review_from_the_alert_page(made: City, opened: Opened, pictures: Path) -> None:
    """An alert is opened, its chart is alive, it is reviewed, and the effect on the models is told."""
    page = opened(Role.REVIEWER).page
    page.get_by_role("link", name="Broken Parking Meter surges city-wide").first.click()
    expect(page.locator("figure.course .uplot canvas")).to_be_visible()
    shot(page, pictures, "alert")
    page.get_by_text("false alarm").first.click()
    page.get_by_label("Reason (optional)").fill("street fair")
    page.get_by_role("button", name="Submit the review").click()
    expect(page.locator(".latest")).to_contain_text("now needs evidence 4 times as strong")
    expect(page.locator(".history")).to_contain_text("street fair")
    page.reload()
    expect(page.locator(".now")).to_contain_text("false alarm (reviewer)")
    shot(page, pictures, "alert-reviewed")


def test_alert_page_says_when_the_alert_changes(made: City, opened: Opened, pictures: Path) -> None:
    """Someone else's act is announced; acting on what one saw is refused, and what one typed is still there."""
    window = opened()
    page = window.open("/alerts/burst")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_label("Reason (optional)").fill("my long reason")
    made.services.desk.act("burst", 0, Command(act=Act.ACKNOWLEDGE, actor="wang", at=NOW))
    expect(page.locator("#changed")).to_be_visible()
    page.get_by_text("confirmed").first.click()
    page.get_by_role("button", name="Submit the review").click()
    expect(page.locator("#refusal")).to_be_focused()
    expect(page.get_by_label("Reason (optional)")).to_have_value("my long reason")
    shot(page, pictures, "alert-conflict")
    assert window.complaints == [
        "console: Failed to load resource: the server responded with a status of 409 (Conflict)"
    ]
    window.complaints.clear()


def test_new_evidence_comes_by_itself(made: City, opened: Opened) -> None:
    """An alert that grows is shown as it is now, chart and all, while what one is typing stays."""
    page = opened().open("/alerts/burst")
    expect(page.locator("#live")).to_have_text("live")
    page.get_by_label("Reason (optional)").fill("half a sen")
    history = samples.alert().history
    grown = replace(history[-1], at=NOW, rule="UPDATE-1", severity=91)
    made.raise_alert("burst", severity=91, updated_at=NOW, history=(*history, grown))
    expect(page.locator(".headline .grade")).to_contain_text("91")
    expect(page.locator("figure.course .uplot canvas")).to_be_visible()
    expect(page.get_by_label("Reason (optional)")).to_have_value("half a sen")
    expect(page.locator("#changed")).to_be_hidden()


def test_the_queue_is_counted_live(made: City, opened: Opened) -> None:
    """The number in the header follows what others review."""
    page = opened().page
    expect(page.locator("#queue-count")).to_have_text("3")
    review = Command(act=Act.REVIEW, actor="wang", at=NOW, disposition=Disposition.CONFIRMED)
    made.services.desk.act("burst", 0, review)
    expect(page.locator("#queue-count")).to_have_text("2")


def test_keyboard(opened: Opened) -> None:
    """J and k move through the list, Enter opens, r goes to the review, u back, ? explains, and all can be off."""
    page = opened().page
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator("#card-burst h2 a")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/alerts/burst")
    page.keyboard.press("r")
    expect(page.locator("#review input[type=radio]").first).to_be_focused()
    page.keyboard.press("u")
    page.wait_for_url("**/")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Single-key shortcuts").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator("#card-burst h2 a")).not_to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_every_page_fits(opened: Opened, pictures: Path, size: tuple[int, int], language: str, scheme: str) -> None:
    """No page scrolls sideways, at either width, in either language, in the light and in the dark."""
    window = opened(size=size, locale=language, color_scheme=scheme)
    for path in PAGES:
        page = window.open(path)
        assert window.overflow() <= 0, path
        expect(page.locator("#live")).to_have_text("实时" if language == "zh-CN" else "live")
        name = path.strip("/").replace("/", "-") or "feed"
        shot(page, pictures, f"{name}-{'phone' if size == PHONE else 'wide'}-{language[:2]}-{scheme}")


def test_language_switch(opened: Opened) -> None:
    """The other language is one click away, on the same page, and stays."""
    page = opened().open("/queue")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1")).to_have_text("待复核")
    page.get_by_role("link", name="预警", exact=True).click()
    expect(page.locator("h1")).to_have_text("预警")


def test_without_script(made: City, opened: Opened, pictures: Path) -> None:
    """With script switched off one can filter, see the chart, and review."""
    window = opened(Role.REVIEWER, java_script_enabled=False)
    page = window.page
    page.select_option("select[name=severity]", "70")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("article")).to_have_count(1)
    page.locator("article a").click()
    expect(page.locator("figure.course svg.chart.wide")).to_be_visible()
    page.locator("input[value=confirmed]").check()
    page.get_by_role("button", name="Submit the review").click()
    expect(page.locator(".now")).to_contain_text("confirmed (reviewer)")
    shot(page, pictures, "alert-without-script")


def test_trouble_is_seen(made: City, opened: Opened, pictures: Path) -> None:
    """A silent source, loading and a full disk stand above every page, in words."""
    state = made.runtime.state
    silent = (replace(state.freshness[0], silent=True), state.freshness[1])
    made.runtime.state = replace(
        state, ready=False, progress="history 43 % (52 of 120 days)", problem="the disk is full", freshness=silent
    )
    page = opened(size=PHONE).page
    expect(page.get_by_role("alert")).to_contain_text("the disk is full")
    expect(page.locator(".strip.busy")).to_contain_text("43 %")
    expect(page.locator(".sources summary")).to_contain_text("No new data from hotline")
    shot(page, pictures, "trouble-phone")


def test_hostile_text_does_nothing(made: City, opened: Opened) -> None:
    """Text that looks like a program is text in the browser too: nothing runs, nothing is loaded."""
    hostile = "<img src=x onerror=\"document.title='hacked'\"><script>document.title='hacked'</script>"
    made.raise_alert(
        "bad", categories=(hostile,), examples=(samples.example_ticket(hostile),), parts=((hostile, 9, 1.0),)
    )
    window = opened()
    page = window.open("/alerts/bad")
    expect(page.get_by_text(hostile).first).to_be_visible()
    assert "hacked" not in page.title()
