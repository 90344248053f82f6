"""Tickets in: pushed by platforms, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import anyio
import msgspec
from anyio import to_thread
from fastapi import Query, Request, Response

from warning.api.access import guarded_router
from warning.api.examples import CLOUDEVENT_EXAMPLE, TICKET
from warning.api.parts import TheServices, Whoever
from warning.api.phrases import missing
from warning.api.problems import FORBIDDEN, NOT_FOUND, WRONG_MEDIA_TYPE, ProblemError
from warning.api.reading import CLOUDEVENT, CLOUDEVENTS, JSON, NDJSON, Items, read_items
from warning.api.schemas.base import Name
from warning.api.schemas.tickets import PushOut, TicketStatusOut
from warning.domain.account import Principal, Right
from warning.service.ports import ItemAnswer
from warning.service.words import Words

router = guarded_router("tickets")

PUSHES_AT_ONCE = 64
"""Pushes that wait for the disk together share a write; more would only hold threads."""

READ_AT_ONCE = 64 << 10
"""Bytes that are read into items in less time than it takes to ask a thread to."""

_OBJECT = {"type": "object", "additionalProperties": True}
_ITEMS = {"type": "array", "items": {"description": "An object; anything else is refused by itself. 非对象则单独拒绝"}}
_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        JSON: {
            "schema": {"oneOf": [_ITEMS, _OBJECT]},
            "examples": {"array": {"value": [TICKET]}, "one": {"value": TICKET}},
        },
        NDJSON: {"schema": {"type": "string"}, "example": msgspec.json.encode(TICKET).decode() + "\n"},
        CLOUDEVENT: {"schema": _OBJECT, "example": CLOUDEVENT_EXAMPLE},
        CLOUDEVENTS: {"schema": _ITEMS, "example": [CLOUDEVENT_EXAMPLE]},
    },
}


@router.post(
    "/tickets",
    status_code=202,
    responses={
        200: {"model": PushOut, "description": "Only validated. 仅校验"},
        202: {"model": PushOut, "description": "Every item was judged. 每条均已判定"},
    },
    openapi_extra={"requestBody": _BODY},
)
async def push(
    request: Request, services: TheServices, whoever: Whoever, *, validate_only: Annotated[bool, Query()] = False
) -> Response:
    """Take tickets: those accepted are on disk when this answers; each refused one says why.

    An item is an object with the fields of the source's mapping, or with the service's own names: `ticket_id`,
    `created_at`, `category`, `area`, `department`, `channel`, `text`, `status`, `closed_at`, `updated_at`. An id that
    came before is an update, or the same again: sending twice does no harm. Whether a ticket was new, an update, a
    duplicate or late is seen at `GET /tickets/{ticket_id}`.
    """
    source = whoever.source or ""
    quotas, limits = request.app.state.quotas, request.app.state.limits
    quotas.admit(whoever.name, anyio.current_time())
    body = await _body_of(request)
    try:
        items = await _read(request, body, source)
    except ProblemError:
        # A request that is refused whole costs as many items as it could have held, by its size.
        quotas.charge(whoever.name, 1 + len(body) * limits.items // limits.body_bytes, anyio.current_time())
        raise
    quotas.charge(whoever.name, len(items), anyio.current_time())
    if validate_only:
        take = partial(services.intake.validate, source, items.events)
    else:
        take = partial(services.intake.push, source, items.events, items.originals, items.unread)
    answers = await to_thread.run_sync(take, limiter=request.app.state.pushes) if len(items) else []
    return _answered(items, answers, 200 if validate_only else 202)


async def _read(request: Request, body: bytes, source: str) -> Items:
    """Read the items: many of them in a thread, so that other requests go on meanwhile."""
    read = partial(read_items, request.headers.get("content-type", ""), body, source, request.app.state.limits)
    if len(body) <= READ_AT_ONCE:
        return read()
    return await to_thread.run_sync(read, limiter=request.app.state.pushes)


async def _body_of(request: Request) -> bytes:
    """Read the body; the gate stops it at the limit."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(WRONG_MEDIA_TYPE, Words("请不要压缩请求体。", "Send the body without compression."))
    return await request.body()


def _answered(items: Items, answers: Sequence[ItemAnswer], status: int) -> Response:
    merged = [_item(answer) for answer in items.merged(answers)]
    accepted = sum(item["status"] == "accepted" for item in merged)
    body = {"accepted": accepted, "rejected": len(merged) - accepted, "items": merged}
    return Response(msgspec.json.encode(body), status, media_type=JSON)


def _item(answer: ItemAnswer) -> dict[str, object]:
    status = "accepted" if answer.accepted else "rejected"
    item: dict[str, object] = {"index": answer.index, "ticket_id": answer.ticket_id, "status": status}
    return item if answer.reject is None else item | {"reject": answer.reject}


@router.get("/tickets/{ticket_id:path}")
def status_of(
    ticket_id: str, services: TheServices, whoever: Whoever, *, source: Annotated[Name, Query()] = ""
) -> TicketStatusOut:
    """Say what became of a ticket, by its platform's own id. A key sees its own source, an admin names one."""
    found = services.intake.status(_source(whoever, source), ticket_id)
    if found is None:
        detail = Words(
            "没有收到过此编号的工单。请核对编号与来源。", "No ticket of this id came in. Check the id and the source."
        )
        raise ProblemError(NOT_FOUND, detail)
    return TicketStatusOut.model_validate(found)


def _source(whoever: Principal, wanted: str) -> str:
    if whoever.source is not None:
        if wanted not in {"", whoever.source}:
            detail = Words("密钥只能查看自己的来源。", "A key sees its own source only.")
            raise ProblemError(FORBIDDEN, detail)
        return whoever.source
    if not wanted or not whoever.may(Right.ADMINISTER):
        raise missing("source")
    return wanted
