"""The review queue: what waits for a person's finding, and the way from one to the next."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from warning.service.ports import AlertQuery
from warning.web.pages.cards import card
from warning.web.pages.filters import PAGE
from warning.web.pages.frame import Frame

ORDERS = ("raised_at", "-severity")
"""The oldest first, so that none is forgotten; or the most severe first."""


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the queue, and the link that leads to what is next in it."""
    desk = frame.services.desk

    @router.get("/queue")
    def queue(request: Request, order: str = ORDERS[0], cursor: str | None = None) -> Response:
        """Show what waits; a script gets the list alone."""
        visitor = frame.visitor(request)
        order = order if order in ORDERS else ORDERS[0]
        page = desk.list(AlertQuery(needs_review=True, sort=order, limit=PAGE, cursor=cursor or None))
        return frame.page(
            visitor,
            "queue_cards" if visitor.fragment else "queue",
            cards=[card(view) for view in page.items],
            next_cursor=page.next_cursor,
            order=order,
            orders=ORDERS,
        )

    @router.get("/queue/next")
    def following(request: Request, after: str = "") -> Response:
        """Lead to the oldest that waits, other than the one that was just looked at; to the queue when none does."""
        frame.visitor(request)
        waiting = desk.list(AlertQuery(needs_review=True, sort=ORDERS[0], limit=2)).items
        ids = [view.alert.id for view in waiting if view.alert.id != after]
        return frame.redirect(f"/alerts/{ids[0]}#review" if ids else "/queue")
