"""Tickets in: what each pushed item is answered, and what became of a ticket."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from warning.api.schemas.base import Count, Moment, Out
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason


class RejectOut(Out):
    """Why something was refused, as a line of rejected.jsonl says it."""

    source: str
    row: Annotated[int, Field(ge=0, description="Position in its request, from 1. 在请求中的位置,从 1 起")]
    field: str
    reason: RejectReason
    advice_zh: str
    advice_en: str
    value: Annotated[str, Field(description="Redacted and shortened. 已脱敏并截短")]


class ItemOut(Out):
    """What became of one item."""

    index: Annotated[int, Field(ge=0, description="Position in the request, from 0. 在请求中的位置,从 0 起")]
    ticket_id: str
    status: Annotated[
        Literal["accepted", "rejected"],
        Field(description="Accepted: it is on disk. Rejected: not taken. 已落盘或被拒绝"),
    ]
    reject: RejectOut | None = None


class PushOut(Out):
    """What became of a push, item by item."""

    accepted: Count
    rejected: Count
    items: list[ItemOut]


class TicketStatusOut(Out):
    """What the service knows of a ticket."""

    source: str
    ticket_id: str
    outcome: Annotated[RowOutcome | None, Field(description="None: on disk, counted in a moment. 已落盘,即将计数")]
    received_at: Moment
    created_at: Moment | None
    category: str
    area: str
    times_received: Annotated[int, Field(ge=1)]
    last_outcome: Annotated[RowOutcome | None, Field(description="Of the latest time it came. 最近一次的结果")]
    reject: RejectOut | None
