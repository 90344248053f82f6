"""What all pages share: rights, languages, the path they stand under, and that nothing foreign gets in."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace

import pytest

from tests.warning import samples
from tests.warning.web.city import NOW, City, busy_city, city, letters
from warning.domain.account import Role
from warning.domain.alert import Flag, Headline, ReviewFlag

HOSTILE = "<script>alert('x')</script>\"><img src=https://evil.example/x onerror=alert(1)>"
PAGES = ("/", "/alerts/burst", "/queue", "/plans", "/rejections", "/help")


@pytest.fixture(name="busy", scope="module")
def _busy() -> City:
    made = busy_city()
    made.letters.letters = letters()
    made.services.planning.add("Marathon", NOW, NOW.replace(hour=23), actor="admin")
    return made


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(("code", "tag", "other"), [("zh", "zh-Hans", "English"), ("en", "en", "中文")])
def test_each_page_in_one_language(busy: City, path: str, code: str, tag: str, other: str) -> None:
    """A page says its language, keeps to it, and offers the other."""
    page = busy.visitor(Role.ADMIN, code).get(path)
    assert (page.status, page.lang) == (200, tag)
    assert other in page.text
    if code == "en":
        assert re.findall(r"[一-鿿]+", page.text) == ["中文"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_are_sound(busy: City, path: str) -> None:
    """Headings go down by one level at a time, ids are unique, fields have labels, pictures have words."""
    page = busy.visitor(Role.ADMIN).get(path).page
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch(r"h\d", name)]
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") for svg in page.named("svg"))


@pytest.mark.parametrize("path", PAGES)
def test_nothing_inline_and_nothing_from_elsewhere(busy: City, path: str) -> None:
    """No script or style stands in a page or an attribute, and all that is loaded is our own."""
    page = busy.visitor(Role.ADMIN).get(path).page
    assert not page.named("style")
    assert all(script.get("src") for script in page.named("script"))
    assert not [name for _, given in page.tags for name in given if name == "style" or name.startswith("on")]
    links = [given[name] or "" for _, given in page.tags for name in ("href", "src", "action") if name in given]
    assert [link for link in links if not link.startswith(("/", "#"))] == []


@pytest.mark.parametrize("path", PAGES)
def test_under_a_prefix(path: str) -> None:
    """Behind a proxy that shows the service under a path, every link stays under it."""
    made = busy_city(prefix="/warning")
    answer = made.visitor(Role.ADMIN).get(path)
    assert answer.path == f"/warning{path}"
    page = answer.page
    links = [
        given[name] or ""
        for _, given in page.tags
        for name in ("href", "src", "action", "hx-get", "data-stream")
        if name in given
    ]
    assert [link for link in links if not link.startswith(("/warning/", "#"))] == []


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("/", Role.VIEWER),
        ("/alerts/burst", Role.VIEWER),
        ("/alerts/burst/card", Role.VIEWER),
        ("/status", Role.VIEWER),
        ("/queue", Role.VIEWER),
        ("/queue/next", Role.VIEWER),
        ("/plans", Role.VIEWER),
        ("/help", Role.VIEWER),
        ("/rejections", Role.OPERATOR),
    ],
)
def test_who_may_see_what(busy: City, path: str, least: Role) -> None:
    """Each page is for the roles from one on, refuses the others in words, and sends strangers to sign in."""
    roles = list(Role)
    for role in roles:
        answer = busy.visitor(role).get(path)
        assert answer.status == (200 if roles.index(role) >= roles.index(least) else 403)
        if answer.status == 403:
            assert "lacks the right" in answer.text
    assert busy.visitor(None).get(path).path.startswith("/sign-in")


@pytest.mark.parametrize(
    ("path", "fields", "least"),
    [
        ("/alerts/burst/act", {"act": "note", "version": "0", "reason": "seen"}, Role.OPERATOR),
        ("/alerts/burst/act", {"act": "review", "version": "0", "disposition": "confirmed"}, Role.REVIEWER),
        ("/plans", {"title": "Fair", "start": "2020-01-03T08:00", "end": "2020-01-03T20:00"}, Role.REVIEWER),
        ("/rejections/replay", {"ids": "1"}, Role.ADMIN),
    ],
)
def test_who_may_do_what(path: str, fields: dict[str, str], least: Role) -> None:
    """Each form is obeyed from a role on, and refused to the others and to strangers."""
    roles = list(Role)
    for role in roles:
        answer = busy_city().visitor(role).post(path, **fields)
        assert answer.status == (200 if roles.index(role) >= roles.index(least) else 403)
    assert busy_city().visitor(None).post(path, **fields).path == "/sign-in"


def test_a_form_without_the_csrf_text_is_refused() -> None:
    """A form that does not carry the session's own text does nothing."""
    made = busy_city()
    answer = made.visitor().post("/alerts/burst/act", act="note", version="0", reason="x", csrf="wrong")
    assert answer.status == 403
    assert "Back to the alerts" in answer.text
    assert "Send the session's token" in answer.text
    assert made.services.desk.detail("burst").entries == ()


def test_hostile_text_stays_text() -> None:
    """Whatever a ticket, an area, a flag or a plan is called, it is shown as text and makes no element."""
    made = city()
    made.raise_alert(
        "bad",
        headline=Headline(zh=HOSTILE, en=HOSTILE),
        areas=(HOSTILE, "New York City/QUEENS"),
        categories=(HOSTILE,),
        departments=(HOSTILE,),
        kind=HOSTILE,
        flags=(Flag(code=ReviewFlag.SPARSE_DATA, reason_zh=HOSTILE, reason_en=HOSTILE),),
        parts=((HOSTILE, 5, 1.0),),
        examples=(samples.example_ticket(HOSTILE),),
    )
    made.letters.letters = [
        replace(letters()[0], source=HOSTILE, reject=replace(samples.reject(), field=HOSTILE, value=HOSTILE))
    ]
    made.services.planning.add(HOSTILE, NOW, NOW.replace(hour=23), categories=[HOSTILE], actor="admin")
    browser = made.visitor(Role.ADMIN)
    browser.post("/alerts/bad/act", act="note", version="0", reason=HOSTILE)
    for path in ("/", "/alerts/bad", "/queue", "/plans", "/rejections", f"/?category={HOSTILE}"):
        page = browser.get(path).page
        assert all(script.get("src", "").startswith("/static/") for script in page.named("script"))  # type: ignore[union-attr]
        assert page.named("img") == []
        assert "<script>alert" in page.text


def test_header_tells_how_the_data_is() -> None:
    """The header has the clock with its zone, each source with its newest ticket, and the size of the queue."""
    text = busy_city().visitor().get("/").text
    assert "2020-01-02 Thu 13:00 UTC-05:00" in text
    assert "all 2 data sources are fresh" in text
    assert "hotline 2020-01-02 Thu 12:57 UTC-05:00" in text
    assert "To review 3" in text


def test_header_tells_what_is_wrong() -> None:
    """A silent source, a service that is still loading, that cannot write or does not move is said in words."""
    made = city()
    quiet = replace(made.runtime.state.freshness[1], silent=True)
    made.runtime.state = replace(
        made.runtime.state,
        ready=False,
        progress="history 43 %",
        problem="disk full",
        stuck=True,
        freshness=(made.runtime.state.freshness[0], quiet),
    )
    text = made.visitor().get("/").text
    for words in ("No new data from app", "history 43 %", "Cannot write: disk full", "Processing has stopped"):
        assert words in text


def test_errors_are_pages_for_people() -> None:
    """What does not exist, or cannot be read, is said on a page with a way back."""
    browser = city().visitor()
    for path, status in (("/alerts/none", 404), ("/nowhere", 404), ("/?cursor=broken", 422)):
        answer = browser.get(path)
        assert answer.status == status
        assert "Back to the alerts" in answer.text
