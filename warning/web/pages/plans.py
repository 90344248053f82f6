"""Planned events: what is known beforehand raises no alert and is not learned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from warning.domain.account import Right
from warning.service.errors import BadInputError
from warning.web.pages.frame import Frame, Visitor, said


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form as a person filled it in: shown again when it is refused."""

    title: str = ""
    start: str = ""
    end: str = ""
    areas: str = ""
    categories: str = ""


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the list of plans, the form for a new one, and calling one off."""
    planning = frame.services.planning

    @router.get("/plans")
    def plans(request: Request, past: str = "") -> Response:
        """Show what is planned, with ``past`` also what is over."""
        return _page(frame, frame.visitor(request), past=bool(past))

    @router.post("/plans")
    def add(
        request: Request,
        title: Annotated[str, Form()] = "",
        start: Annotated[str, Form()] = "",
        end: Annotated[str, Form()] = "",
        areas: Annotated[str, Form()] = "",
        categories: Annotated[str, Form()] = "",
    ) -> Response:
        """Enter a plan; refused, say why and keep what was typed."""
        visitor = frame.visitor(request, Right.REVIEW)
        typed = Typed(title=title, start=start, end=end, areas=areas, categories=categories)
        try:
            planning.add(
                title,
                _moment(frame, start, "start"),
                _moment(frame, end, "end"),
                areas=[frame.area_path(name) for name in _names(areas)],
                categories=_names(categories),
                actor=visitor.name,
            )
        except BadInputError as error:
            return _page(frame, visitor, 422, typed, said(visitor.language, error))
        return frame.redirect("/plans")

    @router.post("/plans/{plan_id}/cancel")
    def cancel(request: Request, plan_id: str) -> Response:
        """Call a plan off."""
        planning.cancel(plan_id, frame.visitor(request, Right.REVIEW).name)
        return frame.redirect("/plans")


def _page(
    frame: Frame,
    visitor: Visitor,
    status: int = 200,
    typed: Typed | None = None,
    refusal: str = "",
    *,
    past: bool = False,
) -> Response:
    plans = frame.services.planning.plans(include_past=past)
    return frame.page(visitor, "plans", status, plans=plans, past=past, typed=typed or Typed(), refusal=refusal)


def _moment(frame: Frame, text: str, field: str) -> datetime:
    """Read a wall-clock time of the form in the service's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadInputError(
            field, "is no date and time", "Choose one.", f"{field}: 不是日期时间。请重新选择。"
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=frame.zone)


def _names(text: str) -> list[str]:
    """Read names separated by commas, in either script, or lines."""
    return [name.strip() for name in re.split(r"[,,、;;\n]", text) if name.strip()]
