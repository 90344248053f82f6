"""A browser without script: it follows redirects, keeps cookies and reads pages."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser

import httpx
from starlette.types import ASGIApp

VOID = {"meta", "input", "br", "img", "link"}
HERE = "http://test"


@dataclass(frozen=True)
class Answer:
    """A page as it came, with where it came from at last."""

    response: httpx.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def path(self) -> str:
        return self.response.url.raw_path.decode()

    @property
    def html(self) -> str:
        return self.response.text

    @cached_property
    def page(self) -> ReadPage:
        return ReadPage(self.html)

    @property
    def text(self) -> str:
        """What can be read, white space as one blank."""
        return " ".join(self.page.text.split())

    @property
    def csrf(self) -> str:
        return next((field["value"] or "" for field in self.page.named("input") if field.get("name") == "csrf"), "")

    @property
    def lang(self) -> str | None:
        return self.page.named("html")[0]["lang"]


class ReadPage(HTMLParser):
    """Collects tags and visible text; asserts that every tag is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


class Browser:
    """Sends requests to an application under a prefix, as a person's browser would."""

    def __init__(self, app: ASGIApp, prefix: str, language: str) -> None:
        self._app = app
        self._prefix = prefix
        self._headers = {"accept": "text/html", "accept-language": language}
        self.cookies = httpx.Cookies()

    def get(self, path: str, **parameters: str) -> Answer:
        """Open a page."""
        return self._send("GET", path, params=parameters or None)

    def part(self, path: str, **parameters: str) -> Answer:
        """Ask for a part of a page, as a script does."""
        return self._send("GET", path, params=parameters or None, headers={"hx-request": "true"})

    def post(self, path: str, **fields: str) -> Answer:
        """Send a form, with the CSRF text that this browser's pages carry."""
        return self._send("POST", path, data={"csrf": self.get("/help").csrf} | fields)

    def follow(self, link: str) -> Answer:
        """Open a link as it stands in a page, the prefix in it."""
        return self.get(re.sub(f"^{re.escape(self._prefix)}", "", link))

    def _send(self, method: str, path: str, **rest: object) -> Answer:
        return asyncio.run(self._sent(method, HERE + self._prefix + path, rest))

    async def _sent(self, method: str, url: str, rest: dict[str, object]) -> Answer:
        headers = self._headers | rest.pop("headers", {})  # type: ignore[operator]
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(transport=transport, cookies=self.cookies, follow_redirects=True) as client:
            response = await client.request(method, url, headers=headers, **rest)  # type: ignore[arg-type]
            self.cookies = client.cookies
        return Answer(response)
