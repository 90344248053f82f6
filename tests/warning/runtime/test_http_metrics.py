"""HTTP metrics of a small application: by route template, with nothing that a visitor can make up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from prometheus_client import CollectorRegistry
from starlette.types import Message, Scope

from warning.runtime.http_metrics import MeasuredApp
from warning.runtime.metrics import Metrics


class Site:
    """An application that is measured, and what its metrics said while a live stream of it was open."""

    def __init__(self) -> None:
        self.metrics = Metrics(CollectorRegistry(), clock=lambda: 0, version="1")
        self.streams_open = -1.0
        app = FastAPI(openapi_url=None)

        @app.get("/alerts/{alert_id}")
        def alert(alert_id: str) -> str:
            if alert_id == "none":
                raise HTTPException(404)
            if alert_id == "broken":
                raise RuntimeError(alert_id)
            return alert_id

        @app.get("/stream")
        def stream() -> StreamingResponse:
            return StreamingResponse(self._events(), media_type="text/event-stream")

        self.app = MeasuredApp(app, self.metrics, app.routes)

    async def _events(self) -> AsyncIterator[str]:
        self.streams_open = self.value("sse_clients")
        yield "data: 1\n\n"

    def get(self, path: str, method: str = "GET") -> list[Message]:
        """Ask for a path; returns the messages of the answer."""
        sent: list[Message] = []
        scope: Scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": [],
                        "query_string": b"", "http_version": "1.1", "root_path": "", "scheme": "http"}  # fmt: skip

        asked: list[bool] = []

        async def receive() -> Message:
            if asked:
                await asyncio.Event().wait()
            asked.append(True)
            return {"type": "http.request", "body": b""}

        async def send(message: Message) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        return sent

    def value(self, name: str) -> float:
        return float(self.series()[name])

    def series(self) -> dict[str, str]:
        lines = [line for line in self.metrics.exposition()[0].decode().splitlines() if not line.startswith("#")]
        return dict(line.removeprefix("early_warning_").rsplit(" ", 1) for line in lines)

    def requests(self) -> dict[str, str]:
        """The series of requests that are not zero."""
        return {
            name.removeprefix("http_requests_total"): value
            for name, value in self.series().items()
            if name.startswith("http_requests_total") and value != "0.0"
        }


@pytest.fixture(name="site")
def _site() -> Site:
    return Site()


def test_requests_count_by_template(site: Site) -> None:
    """Requests for different alerts are one series, by the class of their status."""
    for path in ("/alerts/a", "/alerts/b", "/alerts/none"):
        site.get(path)
    assert site.requests() == {
        '{method="GET",route="/alerts/{alert_id}",status="2xx"}': "2.0",
        '{method="GET",route="/alerts/{alert_id}",status="4xx"}': "1.0",
    }
    assert site.value('http_request_seconds_count{route="/alerts/{alert_id}"}') == 3


def test_strangers_make_no_series(site: Site) -> None:
    """Paths and methods that the application does not have count together, whatever they are."""
    before = site.series().keys()
    for number in range(20):
        site.get(f"/wp-admin/{number}")
        site.get("/alerts/a", method=f"BREW{number}")
    assert site.series().keys() == before
    assert site.requests() == {'{method="other",route="other",status="4xx"}': "40.0"}


def test_an_application_that_fails_is_counted(site: Site) -> None:
    """A request whose handling raised counts as 5xx, once, and the error goes on."""
    with pytest.raises(RuntimeError):
        site.get("/alerts/broken")
    assert site.requests() == {'{method="GET",route="/alerts/{alert_id}",status="5xx"}': "1.0"}


def test_a_live_stream_is_open_until_it_ends(site: Site) -> None:
    """While a stream of events is sent it counts as an open client, and no longer."""
    answer = site.get("/stream")
    assert b"data: 1" in b"".join(message.get("body", b"") for message in answer)
    assert (site.streams_open, site.value("sse_clients")) == (1, 0)


def test_what_is_not_http_passes(site: Site) -> None:
    """Messages about the application's life pass through unmeasured."""
    seen: list[str] = []

    async def inner(scope: Scope, _: object, __: object) -> None:
        seen.append(scope["type"])

    asyncio.run(MeasuredApp(inner, site.metrics, [])({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
    assert site.requests() == {}
