"""Planned events as the engine and policy know them: what they explain, for as long as it can matter."""

from __future__ import annotations

from collections.abc import Iterable

from warning.domain.bucket import DAY_MS
from warning.domain.control import Control
from warning.domain.series import SeriesKey

_LONGEST_WINDOW_MS = 8 * DAY_MS
"""A week in which clocks go back, and a good margin."""


class PlannedEvents:
    """The PLANNED records in force, one a plan."""

    def __init__(self) -> None:
        self._plans: dict[str, Control] = {}

    def tell(self, control: Control) -> None:
        """Take a plan in: it replaces what was said of it, or calls it off."""
        self._plans.pop(control.plan, None)
        if control.until is None or control.until > control.effective_from:
            self._plans[control.plan] = control

    def covers(self, series: SeriesKey, moment: int) -> bool:
        """Whether a plan explains what happens in a series at a moment (milliseconds of the epoch)."""
        return any(plan.covers(series) for plan in self.during(moment, moment + 1))

    def during(self, start: int, end: int) -> list[Control]:
        """Return the plans that share a moment with [start, end)."""
        return [
            plan
            for plan in self._plans.values()
            if plan.effective_from < end and (plan.until is None or start < plan.until)
        ]

    def about(self, series: SeriesKey) -> list[Control]:
        """Return the plans that explain a series, whenever they are."""
        return [plan for plan in self._plans.values() if plan.covers(series)]

    def forget(self, watermark: int) -> list[str]:
        """Forget what lies behind the watermark by more than the longest window; returns the names of those plans."""
        over = [
            name
            for name, plan in self._plans.items()
            if plan.until is not None and plan.until + _LONGEST_WINDOW_MS <= watermark
        ]
        for name in over:
            del self._plans[name]
        return over

    def state(self) -> list[Control]:
        """Return the records in force."""
        return list(self._plans.values())

    def load(self, state: Iterable[Control]) -> None:
        """Take over the records of a state."""
        for control in state:
            self.tell(control)
