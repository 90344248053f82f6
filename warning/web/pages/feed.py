"""The live feed: alerts as they come, narrowed by filters."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from warning.domain.alert import AlertStatus, ReviewFlag
from warning.service.ports import SORTS
from warning.web.pages.cards import card
from warning.web.pages.filters import Filters
from warning.web.pages.frame import Frame


def add_routes(router: APIRouter, frame: Frame) -> None:
    """Add the feed, and the single card that the script fetches when an alert has changed."""
    desk = frame.services.desk

    @router.get("/")
    def feed(request: Request) -> Response:
        """Show the feed; a script gets the list alone, without the frame."""
        visitor = frame.visitor(request)
        filters = Filters.read(request.query_params)
        cursor = request.query_params.get("cursor") or None
        page = desk.list(filters.query(frame.zone, frame.area_path(filters.area), cursor))
        return frame.page(
            visitor,
            "feed_list" if visitor.fragment else "feed",
            filters=filters,
            cards=[card(view) for view in page.items],
            next_cursor=page.next_cursor,
            paged=cursor is not None,
            statuses=list(AlertStatus),
            flags=list(ReviewFlag),
            sorts=SORTS,
        )

    @router.get("/alerts/{alert_id}/card")
    def one_card(request: Request, alert_id: str) -> Response:
        """Show one alert's card."""
        return frame.page(frame.visitor(request), "card", card=card(desk.detail(alert_id).view))
