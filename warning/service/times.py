"""Which times people may give: far ones would leave the calendar in some zone, and nobody could read them again."""

from __future__ import annotations

from datetime import UTC, datetime

from warning.service.errors import BadInputError

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

PROBLEM = f"is not between the years {EARLIEST.year} and {LATEST.year}"
PROBLEM_ZH = f"须在 {EARLIEST.year} 年至 {LATEST.year} 年之间"


def is_sensible(moment: datetime) -> bool:
    """Whether an aware time is one that people may give."""
    return EARLIEST <= moment <= LATEST


def check_sensible(field: str, moment: datetime) -> None:
    """Raise BadInputError, naming the field, for a time that nobody means."""
    if not is_sensible(moment):
        raise BadInputError(field, PROBLEM, "Check the year.", f"{field}: {PROBLEM_ZH},请核对年份。")
