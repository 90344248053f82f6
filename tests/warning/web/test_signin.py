"""Coming in, going out, and the choice of language."""

from __future__ import annotations

import pytest

from tests.warning.web.city import PASSWORD, busy_city, city
from warning.web.pages.frame import local_path


def test_password_leads_to_where_one_wanted_to_go() -> None:
    """Whoever opens a page without being signed in comes to it after signing in."""
    browser = busy_city().visitor(None)
    asked = browser.get("/alerts/burst")
    assert asked.path == "/sign-in?next=/alerts/burst"
    answer = browser.post("/sign-in", name="viewer", password=PASSWORD, next="/alerts/burst")
    assert answer.path == "/alerts/burst"
    assert "viewer · viewer" in answer.text


def test_wrong_password_says_so_and_keeps_the_name() -> None:
    """A refusal is said in the page's language, the name stays in its field, the password does not."""
    answer = city().visitor(None, "zh").post("/sign-in", name="viewer", password="wrong")
    assert answer.status == 401
    assert "用户名或密码有误" in answer.text
    fields = {field.get("name"): field.get("value") for field in answer.page.named("input")}
    assert (fields["name"], fields["password"]) == ("viewer", None)


def test_too_many_attempts_have_to_wait() -> None:
    """Guessing is slowed down, and the page says for how long."""
    browser = city().visitor(None)
    answers = [browser.post("/sign-in", name="viewer", password="wrong") for _ in range(7)]
    assert answers[-1].status == 429
    assert int(answers[-1].response.headers["retry-after"]) > 0


def test_link_works_once() -> None:
    """A link signs in the first who presses its button; later it says that it was used, unless one is signed in."""
    made = city()
    token = made.services.accounts.one_time_token("viewer")
    first = made.visitor(None)
    assert first.post("/sign-in/once", token=token).path == "/"
    assert first.post("/sign-in/once", token=token).path == "/"
    late = made.visitor(None).post("/sign-in/once", token=token)
    assert (late.status, "has been used" in late.text) == (401, True)


def test_looking_at_a_link_does_not_use_it_up() -> None:
    """Whatever opens a link, a mail scanner too, sees a page with one button, and the link still works."""
    made = city()
    token = made.services.accounts.one_time_token("viewer")
    for _ in range(3):
        page = made.visitor(None).get("/sign-in/once", token=token)
        assert (page.status, len(page.page.named("form"))) == (200, 1)
    fields = {field.get("name"): field.get("value") for field in page.page.named("input")}
    assert fields["token"] == token
    assert made.visitor(None).post("/sign-in/once", token=token).path == "/"


def test_signing_out_ends_the_session() -> None:
    """After signing out the session's cookie opens nothing, even where it was kept."""
    browser = city().visitor()
    kept = browser.cookies
    assert browser.post("/sign-out").path == "/sign-in"
    browser.cookies = kept
    assert browser.get("/").path == "/sign-in"


def test_language_is_remembered() -> None:
    """The switch leads back to the same page, in the other language, and so does every page from then on."""
    browser = busy_city().visitor(language="en")
    page = browser.get("/?status=open")
    switch = next(link["href"] or "" for link in page.page.named("a") if link.get("hreflang") == "zh")
    there = browser.follow(switch)
    assert (there.path, there.lang) == ("/?status=open", "zh-Hans")
    assert browser.get("/queue").lang == "zh-Hans"


def test_a_script_hears_that_the_session_is_over() -> None:
    """A script that asks for a part of a page without a session gets 401, not a page to sign in."""
    assert city().visitor(None).part("/status").status == 401


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "https://evil.example", "evil", "", "/a\nb"])
def test_nobody_is_led_away(path: str) -> None:
    """What follows a sign-in is a page of ours, whatever an address says."""
    assert local_path(path) == "/"


def test_a_path_of_ours_is_kept() -> None:
    """A path with its query is where one is led back to."""
    assert local_path("/alerts/a?b=c") == "/alerts/a?b=c"
