"""Calendars: holidays, make-up working days, and what happens beyond the years they know."""

from datetime import date

import pytest

from warning.domain.errors import InvalidInputError
from warning.simulator.calendars import Calendar, DayKind


@pytest.mark.parametrize(
    ("calendar", "day", "kind"),
    [
        ("china", date(2025, 1, 29), DayKind.HOLIDAY),
        ("china", date(2025, 1, 26), DayKind.WORKING),
        ("china", date(2025, 2, 9), DayKind.WEEKEND),
        ("china", date(2025, 2, 10), DayKind.WORKING),
        ("china", date(2030, 10, 1), DayKind.HOLIDAY),
        ("china", date(2030, 10, 12), DayKind.WEEKEND),
        ("US", date(2025, 7, 4), DayKind.HOLIDAY),
        ("US", date(2025, 7, 5), DayKind.WEEKEND),
        ("GB", date(2025, 12, 26), DayKind.HOLIDAY),
    ],
)
def test_kinds_of_days(calendar: str, day: date, kind: DayKind) -> None:
    """Holidays, weekends and make-up working days are known; beyond the arranged years the statutory days are."""
    assert Calendar(calendar).kind(day) is kind


def test_sources_are_named() -> None:
    """Each year says where its holidays come from: the arrangement, or the named fallback."""
    assert Calendar("china").sources([2026, 2040]) == {"2026": "china", "2040": "holidays:CN"}
    assert Calendar("US").sources([2026]) == {"2026": "holidays:US"}


@pytest.mark.parametrize("calendar", ["china", "US"])
def test_a_year_beyond_every_source_is_an_error(calendar: str) -> None:
    """A year that no package covers is refused with the years that are."""
    with pytest.raises(InvalidInputError, match="to 2100, not 2101"):
        Calendar(calendar).kind(date(2101, 1, 1))


def test_runs_are_whole() -> None:
    """A run of holidays is one, from its first day to the day after its last."""
    runs = Calendar("china").runs(date(2025, 1, 1), date(2025, 3, 1))
    assert runs == [(date(2025, 1, 1), date(2025, 1, 2)), (date(2025, 1, 28), date(2025, 2, 5))]
