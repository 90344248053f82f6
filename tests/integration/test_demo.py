"""The demonstration's story in a real browser: start, the first alert, why, a review, a restart."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest
from playwright.sync_api import Browser, expect

from tests.integration.browsers import PHONE, WIDE, Watched, chromium, shot

MINUTE_MS = 60_000
STARTS_WITHIN = 60.0
"""Seconds until the link is printed, on a machine that does other things too (make demo's aim is 20)."""


@dataclass
class Running:
    """A demonstration that runs: its address, the link it printed, and when it did."""

    address: str
    path: str
    announced: float


@contextmanager
def _demo(data: Path) -> Iterator[Running]:
    """Run the demonstration; at the end Ctrl-C must stop it cleanly."""
    command = [sys.executable, "-c", "from warning.cli import main; main()", "demo", "--data", str(data), "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with (
        (data.parent / "demo.log").open("ab") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment) as process,
    ):
        try:
            yield _announced(process)
            process.send_signal(signal.SIGINT)
            rest, _ = process.communicate(timeout=30)
            assert process.returncode == 0
            assert "stopped" in rest
        finally:
            process.kill()


def _announced(process: subprocess.Popen[str]) -> Running:
    assert process.stdout is not None
    began = monotonic()
    for line in process.stdout:
        found = re.search(r"(http://[^/]+)(/sign-in/once\?token=\S+)", line)
        if found:
            return Running(found[1], found[2], monotonic())
        assert monotonic() - began < STARTS_WITHIN
    raise AssertionError("the demonstration ended before it printed its link")


@pytest.fixture(name="browser", scope="module")
def _browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _window(browser: Browser, demo: Running, size: tuple[int, int] = WIDE, locale: str = "en-GB") -> Watched:
    width, height = size
    context = browser.new_context(viewport={"width": width, "height": height}, locale=locale)
    return Watched(context.new_page(), demo.address)


def test_the_story(browser: Browser, tmp_path: Path, root: Path) -> None:
    """Within a minute the first true alert arrives by itself; why, examples, a review; after a restart all stands."""
    pictures = root / "build" / "screenshots" / "demo"
    data = tmp_path / "demo"
    with _demo(data) as demo:
        window = _window(browser, demo)
        page = window.use_link(demo.path)
        expect(page.locator("#live")).to_have_text("live")
        page.mouse.move(5, 5)
        left = MINUTE_MS - 1000 * (monotonic() - demo.announced)
        expect(page.locator("article").first).to_be_visible(timeout=left)
        expect(page.locator("article").first).to_contain_text("供水 Water supply")
        shot(page, pictures, "first-alert")
        page.locator("article h2 a").first.click()
        expect(page.locator("figure.course .uplot canvas")).to_be_visible()
        expect(page.locator(".evidence")).to_contain_text("Donghu")
        examples = page.locator("section[aria-labelledby=examples-title]").inner_text()
        assert not re.search(r"1[3-9]\d{9}|\d{17}[\dXx]", examples)
        assert "20250617-" in examples
        shot(page, pictures, "alert")
        page.locator("input[value=confirmed]").check()
        page.get_by_label("Reason (optional)").fill("a main burst at the lake")
        page.get_by_role("button", name="Submit the review").click()
        expect(page.locator(".now")).to_contain_text("confirmed (admin)")
        alert = page.url.removeprefix(demo.address)
        page.reload()
        expect(page.locator(".history")).to_contain_text("a main burst at the lake")
        assert window.complaints == []
        page.context.close()
    with _demo(data) as demo:
        window = _window(browser, demo, PHONE, "zh-CN")
        window.use_link(demo.path)
        page = window.open(alert)
        expect(page.locator(".now")).to_contain_text("admin")
        expect(page.locator(".history")).to_contain_text("a main burst at the lake")
        expect(page.locator("#live")).to_have_text("实时")
        assert window.overflow() <= 0
        shot(page, pictures, "alert-phone-zh")
        page = window.open("/")
        expect(page.locator("article").first).to_contain_text("供水 Water supply")
        assert window.overflow() <= 0
        shot(page, pictures, "feed-phone-zh")
        assert window.complaints == []
        page.context.close()
