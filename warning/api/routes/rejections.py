"""Refused items: looked at, and sent through intake again once a mapping was fixed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Response

from warning.api.access import guarded_router
from warning.api.parts import TheServices, Whoever
from warning.api.problems import NOT_FOUND, ProblemError
from warning.api.schemas.others import LARGEST, RejectionOut, RejectionPage, ReplayIn
from warning.api.schemas.queries import RejectionFilter
from warning.api.schemas.tickets import ItemOut, PushOut, RejectOut
from warning.service.ports import ItemAnswer
from warning.service.words import Words

router = guarded_router("rejections")

LetterId = Annotated[int, Path(ge=0, le=LARGEST)]


@router.get("/rejections")
def find(services: TheServices, wanted: Annotated[RejectionFilter, Query()]) -> RejectionPage:
    """List refused items, newest first, a page at a time."""
    page = services.letters.find(source=wanted.source, reason=wanted.reason, limit=wanted.limit, cursor=wanted.cursor)
    items = [RejectionOut.model_validate(letter) for letter in page.items]
    return RejectionPage(items=items, next_cursor=page.next_cursor)


@router.get(
    "/rejections/{letter_id}/original",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}},
)
def original(letter_id: LetterId, services: TheServices, whoever: Whoever) -> Response:
    """Give an item as it was sent. It may hold personal data: who read it is written down."""
    found = services.letters.original(letter_id, reader=whoever.name, at=services.runtime.now())
    if found is None:
        detail = Words("原文不存在或已过保留期。", "There is no such original, or it is no longer kept.")
        raise ProblemError(NOT_FOUND, detail)
    name = f"attachment; filename=rejection-{letter_id}.txt"
    return Response(found, headers={"Content-Disposition": name}, media_type="application/octet-stream")


@router.post("/rejections/replay")
def replay(body: ReplayIn, services: TheServices, whoever: Whoever) -> PushOut:
    """Send refused items through intake again; the answers are in the order of the ids."""
    return _pushed(services.replay.replay(body.ids, actor=whoever.name))


def _pushed(answers: Sequence[ItemAnswer]) -> PushOut:
    items = [
        ItemOut(
            index=answer.index,
            ticket_id=answer.ticket_id,
            status="accepted" if answer.accepted else "rejected",
            reject=RejectOut.model_validate(answer.reject) if answer.reject else None,
        )
        for answer in answers
    ]
    accepted = sum(answer.accepted for answer in answers)
    return PushOut(accepted=accepted, rejected=len(items) - accepted, items=items)
