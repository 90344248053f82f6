"""Dead letters: what could not be read, why, what to do, and the way back in after a mapping was fixed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from warning.domain.account import Right
from warning.domain.reject import RejectReason
from warning.service.ports import ItemAnswer
from warning.web.pages.frame import Frame, Visitor

PAGE = 50


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the list of dead letters and their replay."""

    @router.get("/rejections")
    def rejections(request: Request, source: str = "", reason: str = "", cursor: str | None = None) -> Response:
        """Show what was refused, newest first."""
        return _page(frame, frame.visitor(request, Right.HANDLE), source, reason, cursor)

    @router.post("/rejections/replay")
    def replay(
        request: Request,
        ids: Annotated[list[int] | None, Form()] = None,
        source: Annotated[str, Form()] = "",
        reason: Annotated[str, Form()] = "",
    ) -> Response:
        """Send the chosen ones through intake again and say what became of them."""
        visitor = frame.visitor(request, Right.ADMINISTER)
        answers = frame.services.replay.replay(ids, actor=visitor.name) if ids else []
        return _page(frame, visitor, source, reason, None, answers)


def _page(
    frame: Frame,
    visitor: Visitor,
    source: str,
    reason: str,
    cursor: str | None,
    answers: Sequence[ItemAnswer] | None = None,
) -> Response:
    letters = frame.services.letters
    wanted = RejectReason(reason) if reason in set(RejectReason) else None
    page = letters.find(source=source, reason=wanted, limit=PAGE, cursor=cursor or None)
    counts = letters.counts()
    return frame.page(
        visitor,
        "letters",
        letters=page.items,
        next_cursor=page.next_cursor,
        source=source,
        reason=wanted.value if wanted else "",
        sources=sorted({name for name, _ in counts}),
        reasons=sorted({why.value for _, why in counts}),
        worst=Counter(counts).most_common(5),
        total=sum(counts.values()),
        answers=answers,
    )
