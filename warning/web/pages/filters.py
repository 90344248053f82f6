"""The feed's filters: a form whose state is the page's address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from warning.domain.alert import AlertStatus, ReviewFlag
from warning.domain.area import AreaPath
from warning.service.ports import SORTS, AlertQuery
from warning.service.times import is_sensible

PAGE = 25
"""Alerts a page: more than anyone reads before going on, few enough for a phone."""
LONGEST = 200
"""Characters that are read of a field."""

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What the form holds, as text; empty: no filter. What does not mean anything is dropped on reading."""

    status: str = ""
    severity: str = ""
    review: str = ""
    area: str = ""
    category: str = ""
    department: str = ""
    flag: str = ""
    since: str = ""
    until: str = ""
    sort: str = ""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Filters:
        """Read the parameters of an address; anything may stand in it."""
        given = {each.name: parameters.get(each.name, "")[:LONGEST].strip() for each in fields(cls)}
        checked = {
            "status": _member(AlertStatus, given["status"]),
            "flag": _member(ReviewFlag, given["flag"]),
            "severity": given["severity"] if given["severity"] in {"40", "70"} else "",
            "review": "1" if given["review"] else "",
            "since": given["since"] if _time(given["since"]) else "",
            "until": given["until"] if _time(given["until"]) else "",
            "area": given["area"] if _is_path(given["area"]) else "",
            "sort": given["sort"] if given["sort"] in SORTS[1:] else "",
        }
        return cls(**{**given, **checked})

    def query(self, zone: ZoneInfo, area: str, cursor: str | None = None) -> AlertQuery:
        """Return what to ask the desk for: times are on the zone's wall clock, ``area`` is the path that was meant."""
        since, until = _time(self.since), _time(self.until)
        return AlertQuery(
            status=frozenset({AlertStatus(self.status)}) if self.status else frozenset(),
            flag=frozenset({ReviewFlag(self.flag)}) if self.flag else frozenset(),
            needs_review=True if self.review else None,
            area=area,
            category=self.category,
            department=self.department,
            severity_min=int(self.severity or 0),
            raised_from=since.replace(tzinfo=zone) if since else None,
            raised_until=until.replace(tzinfo=zone) if until else None,
            sort=self.sort or SORTS[0],
            limit=PAGE,
            cursor=cursor,
        )

    def given(self) -> dict[str, str]:
        """Return the fields that are filled in."""
        return {each.name: value for each in fields(self) if (value := getattr(self, each.name))}

    def address(self, **changes: str) -> str:
        """Return the feed's path with these filters, some of them changed; an empty change takes one away."""
        values = {name: value for name, value in {**self.given(), **changes}.items() if value}
        return f"/?{urlencode(values)}" if values else "/"


def _member(kind: type[E], text: str) -> str:
    return text if text in {member.value for member in kind} else ""


def _is_path(text: str) -> bool:
    try:
        AreaPath.parse(text)
    except ValueError:
        return False
    return True


def _time(text: str) -> datetime | None:
    """Read what an ``<input type=datetime-local>`` sends: a wall clock without a zone, of a sensible year."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is None and is_sensible(moment.replace(tzinfo=UTC)) else None
