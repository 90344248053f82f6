"""What lists can be asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from warning.api.schemas.base import Given, In, Name
from warning.domain.alert import AlertStatus, Disposition, ReviewFlag
from warning.domain.reject import RejectReason
from warning.service.ports import AlertQuery

Limit = Annotated[int, Field(ge=1, le=200, description="Items a page. 每页条数")]
Cursor = Annotated[
    str | None, Field(max_length=500, description="next_cursor of the page before. 上一页的 next_cursor")
]


class AlertFilter(In):
    """Filters of the alert list: all must hold."""

    status: tuple[AlertStatus, ...] = ()
    disposition: tuple[Disposition, ...] = ()
    needs_review: bool | None = None
    flag: tuple[ReviewFlag, ...] = ()
    area: Annotated[Name, Field(description="The area, those in it and those it lies in. 区域及其上下级")] = ""
    category: Name = ""
    department: Name = ""
    channel: Name = ""
    assignee: Name = ""
    severity_min: Annotated[int, Field(ge=0, le=100)] = 0
    raised_from: Given | None = None
    raised_until: Given | None = None
    sort: Literal["-raised_at", "raised_at", "-updated_at", "-severity"] = "-raised_at"
    limit: Limit = 50
    cursor: Cursor = None

    def query(self) -> AlertQuery:
        """Return what the desk is asked."""
        wanted: dict[str, Any] = {name: getattr(self, name) for name in AlertFilter.model_fields}
        sets = {name: frozenset(wanted[name]) for name in ("status", "disposition", "flag")}
        return AlertQuery(**wanted | sets)


class RejectionFilter(In):
    """Filters of the list of refused items."""

    source: Name = ""
    reason: RejectReason | None = None
    limit: Limit = 50
    cursor: Cursor = None
