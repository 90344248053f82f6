"""The live stream: what changes, as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import anyio
import msgspec
from fastapi import Header, Query, Request, Response
from sse_starlette import EventSourceResponse, ServerSentEvent

from warning.api.access import guarded_router
from warning.api.feed import Feed
from warning.api.security import COOKIE

router = guarded_router("alerts")

HEARTBEAT_SECONDS = 15
SEND_SECONDS = 30
"""A client that takes nothing for so long is dropped; it comes back with the last id it saw."""
LONGEST_SECONDS = 900.0
"""A stream ends after so long, and the client comes back."""
BELIEVED_SECONDS = 1.0
"""So long a session is believed in a burst of changes; else it is looked up at each of the stream's turns."""
RETRY_MILLISECONDS = 2_000
LARGEST = 2**63 - 1

Sequence = Annotated[int | None, Query(ge=0, le=LARGEST, description="Send what came after it. 从此序号之后开始")]
LastEventId = Annotated[int | None, Header(ge=0, le=LARGEST, description="As browsers send it. 浏览器自动发送")]

_EVENT = '{"sequence":3041,"at":"2026-05-01T08:20:00+08:00","kind":"alert","subject":"7f3a","change":"OPEN-1"}'
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Events: ready, change, reset. 事件流",
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"id: 3041\r\nevent: change\r\ndata: {_EVENT}\r\n\r\n",
            }
        },
    }
}


@router.get("/alerts/stream", response_class=Response, responses=_STREAM)
async def stream(request: Request, after: Sequence = None, last_event_id: LastEventId = None) -> EventSourceResponse:
    """Send what changes as it changes: raised and updated alerts, what people did, plans.

    The first event is `ready`, whose id is where the stream begins. A `change` tells what changed; its id is its
    sequence number. A client that comes back with `Last-Event-ID` (browsers do) or `after` gets everything it missed;
    when that is no longer kept it gets `reset` and should load the list anew. Comments come as heartbeats.
    """
    feed: Feed = request.app.state.feed
    start = last_event_id if last_event_id is not None else after
    return EventSourceResponse(
        _events(feed, start, request.cookies.get(COOKIE, "")),
        ping=HEARTBEAT_SECONDS,
        ping_message_factory=_heartbeat,
        send_timeout=SEND_SECONDS,
    )


def _heartbeat() -> ServerSentEvent:
    return ServerSentEvent(comment="heartbeat")


async def _events(feed: Feed, start: int | None, token: str) -> AsyncIterator[ServerSentEvent]:
    """Send what comes for as long as the session of the token goes on."""
    looked = anyio.current_time()
    ends = looked + LONGEST_SECONDS
    oldest, newest = await feed.bounds()
    lost = start is not None and not oldest - 1 <= start <= newest
    begin = newest if start is None or lost else start
    yield ServerSentEvent(
        id=str(begin), event="reset" if lost else "ready", data=f'{{"sequence":{begin}}}', retry=RETRY_MILLISECONDS
    )
    async for events in feed.after(begin):
        if anyio.current_time() > looked + BELIEVED_SECONDS:
            if not await feed.may_listen(token):
                return
            looked = anyio.current_time()
        for event in events:
            yield ServerSentEvent(id=str(event.sequence), event="change", data=msgspec.json.encode(event).decode())
        if anyio.current_time() > ends:
            return
