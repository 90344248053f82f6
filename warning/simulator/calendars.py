"""Public holidays and make-up working days, within the years that the calendars' packages cover.

``china`` is the State Council's own arrangement (package chinesecalendar, 2004 to the year it was released for), with
make-up working days. Beyond those years no arrangement is published yet: the fallback ``holidays:CN`` (package
holidays) has the statutory days and no make-up working days; :meth:`Calendar.sources` says which year used which. Any
other calendar is a country code of the package holidays. A year that package does not cover is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from enum import IntEnum

import chinese_calendar  # type: ignore[import-untyped]
import holidays
from chinese_calendar import constants

from warning.domain.errors import InvalidInputError

CHINA = "china"
SATURDAY = 5
_YEARS = range(min(constants.holidays).year, max(constants.holidays).year + 1)


class DayKind(IntEnum):
    """What kind of day it is for a city."""

    WORKING = 0
    WEEKEND = 1
    HOLIDAY = 2


class Calendar:
    """The kinds of days of one country; raises InvalidInputError for a year it does not know."""

    def __init__(self, name: str) -> None:
        self.name = known_calendar(name)
        self.country = "CN" if name == CHINA else name
        self._days = holidays.country_holidays(self.country, language="en_US")

    def kind(self, day: date) -> DayKind:
        """Return what kind of day it is."""
        if self.holiday(day):
            return DayKind.HOLIDAY
        if self._arranged(day.year):
            return DayKind.WORKING if chinese_calendar.is_workday(day) else DayKind.WEEKEND
        return DayKind.WEEKEND if day.weekday() >= SATURDAY else DayKind.WORKING

    def holiday(self, day: date) -> str:
        """Return the holiday's name in English; empty on any other day."""
        if self._arranged(day.year):
            return str(constants.holidays.get(day, ""))
        if not self._days.start_year <= day.year <= self._days.end_year:
            raise InvalidInputError(
                f"calendar {self.name}",
                f"knows the years {self._days.start_year} to {self._days.end_year}, not {day.year}",
                "Simulate days within them.",
            )
        return str(self._days.get(day) or "")

    def runs(self, first: date, last: date) -> list[tuple[date, date]]:
        """Return the holidays from one day to another, each run of days as (first day, day after)."""
        found: list[tuple[date, date]] = []
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            if not self.holiday(day):
                continue
            if found and found[-1][1] == day:
                found[-1] = (found[-1][0], day + timedelta(days=1))
            else:
                found.append((day, day + timedelta(days=1)))
        return found

    def sources(self, years: Iterable[int]) -> dict[str, str]:
        """Say for each year where its holidays come from."""
        return {str(year): CHINA if self._arranged(year) else f"holidays:{self.country}" for year in sorted(set(years))}

    def _arranged(self, year: int) -> bool:
        return self.name == CHINA and year in _YEARS


def known_calendar(name: str) -> str:
    """Check a calendar's name; raises ValueError."""
    if name != CHINA and name not in holidays.list_supported_countries():
        raise ValueError(f"there is no calendar {name!r}; write {CHINA}, or a country code such as US or GB")
    return name
