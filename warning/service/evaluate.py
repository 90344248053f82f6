"""How well alerts found the incidents of a simulated city. The matching rule:

An alert matches an incident (or hard negative) when all three hold.

1. **Time**: it was raised at or after the incident's start and no later than GRACE (24 hours) after its end.
2. **Area**: one of its areas is one of the incident's, contains one or lies inside one; for a spatial spread an area
   next to the incident's counts too.
3. **Subject**, by the shape of the incident:

   - burst, slow rise, spatial spread, new topic, planned change, one writer: a category in common; or the alert names
     no category and has a department in common;
   - department slow, transfers: a department in common;
   - channel silent: a channel in common;
   - city-wide: the alert names no category (it is about totals), or at least MANY (3) categories;
   - holiday, late batch: any subject.

   An alert of kind ``surge`` matches no new topic, department slow, transfers or channel silent: it says that more
   tickets came, and that is not what happened.

The first alert (by the time it was raised) that matches an incident is its warning. An alert that matches an incident
and is the warning of none is a duplicate. An alert that matches no incident is false, whether a hard negative explains
it or nothing does. Withdrawn alerts count: somebody was shown them. Alerts raised in the quiet history or after the
end are left out, and so are incidents that the end of the data cuts off; alerts on these are neither true nor false.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from warning.domain.truth import Period, Shape, Truth

if TYPE_CHECKING:
    from warning.domain.alert import Alert

GRACE = timedelta(hours=24)
"""A day's bucket closes at the day's end: what began and ended within it is still worth knowing then."""

MANY = 3
"""Categories that an alert on the whole city names at least, if it names any."""

BANDS = ((2.0, 4.0), (4.0, 6.0), (6.0, 8.0), (8.0, 10.0))
"""Sizes in baseline standard deviations; the last includes its end."""

NOTHING = "nothing"
"""Stands for the hard negative of a false alert that nothing explains."""

_SURGE = "surge"
_ANY_SUBJECT = frozenset({Shape.HOLIDAY, Shape.LATE_BATCH})
_OF_DEPARTMENTS = frozenset({Shape.DEPARTMENT_SLOW, Shape.TRANSFERS})
_NO_SURGE = frozenset({Shape.NEW_TOPIC, Shape.DEPARTMENT_SLOW, Shape.TRANSFERS, Shape.CHANNEL_SILENT})
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An incident, and the alert that warned of it first (None: nobody was warned)."""

    truth: Truth
    warning: Alert | None

    @property
    def lead_hours(self) -> float | None:
        """Hours from the incident's start to its warning."""
        return None if self.warning is None else (self.warning.raised_at - self.truth.start) / _HOUR

    @property
    def lead_share(self) -> float | None:
        """The same as a share of the incident's length; above 1 it was over by then."""
        lead = self.lead_hours
        return None if lead is None else lead * _HOUR / (self.truth.end - self.truth.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What came of an evaluation; alerts = true (warnings and duplicates) + false + cut off."""

    period: Period
    outcomes: tuple[Outcome, ...]
    alerts: int
    warnings: int
    duplicates: int
    false_alerts: Counter[str]
    """Hard negative (or ``nothing``) -> false alerts that it explains."""
    cut_off_alerts: int
    cut_off_incidents: int
    left_out: int
    """Alerts raised in the quiet history, or outside the data."""

    @property
    def weeks(self) -> float:
        """Weeks that were measured."""
        return (self.period.end - self.period.measured_from) / timedelta(weeks=1)

    @property
    def precision(self) -> float | None:
        """Share of alerts that match an incident, duplicates among them; None without alerts."""
        true = self.warnings + self.duplicates
        false = self.false_alerts.total()
        return true / (true + false) if true + false else None

    @property
    def false_per_week(self) -> float:
        """False alerts a week."""
        return self.false_alerts.total() / self.weeks

    def of(self, shape: Shape | None = None, band: tuple[float, float] | None = None) -> list[Outcome]:
        """Return the outcomes of a shape and a size band (None: of all)."""
        return [
            outcome
            for outcome in self.outcomes
            if shape in (None, outcome.truth.shape) and (band is None or band_of(outcome.truth.size_sd) == band)
        ]


def matches(alert: Alert, truth: Truth) -> bool:
    """Whether an alert matches an incident or hard negative by the rule above."""
    return _in_time(alert, truth) and _in_place(alert, truth) and _on_subject(alert, truth)


def evaluate(period: Period, truths: Iterable[Truth], alerts: Iterable[Alert]) -> Evaluation:
    """Match alerts against the truth of a simulated city."""
    known = sorted(truths, key=lambda truth: (truth.start, truth.id))
    everything = sorted(alerts, key=lambda alert: (alert.raised_at, alert.id))
    measured = [alert for alert in everything if period.measured_from <= alert.raised_at <= period.end]
    incidents = [truth for truth in known if truth.incident and truth.end <= period.end]
    cut_off = [truth for truth in known if truth.incident and truth.end > period.end]
    outcomes = tuple(Outcome(truth, _first(measured, truth)) for truth in incidents)
    warnings = {outcome.warning.id for outcome in outcomes if outcome.warning is not None}
    others = [alert for alert in measured if alert.id not in warnings]
    rest = [alert for alert in others if not _any(alert, incidents)]
    false = [alert for alert in rest if not _any(alert, cut_off)]
    negatives = [truth for truth in known if not truth.incident]
    return Evaluation(
        period=period,
        outcomes=outcomes,
        alerts=len(measured),
        warnings=len(warnings),
        duplicates=len(others) - len(rest),
        false_alerts=Counter(_explained(alert, negatives) for alert in false),
        cut_off_alerts=len(rest) - len(false),
        cut_off_incidents=len(cut_off),
        left_out=len(everything) - len(measured),
    )


def band_of(size_sd: float) -> tuple[float, float]:
    """Return the size band of an incident; sizes beyond the bands belong to the nearest."""
    return next((band for band in BANDS if size_sd < band[1]), BANDS[-1])


def median_lead(outcomes: Sequence[Outcome]) -> tuple[float, float] | None:
    """Return the medians of lead in hours and as a share of the incident; None when none was warned of."""
    hours = [lead for outcome in outcomes if (lead := outcome.lead_hours) is not None]
    shares = [lead for outcome in outcomes if (lead := outcome.lead_share) is not None]
    return (median(hours), median(shares)) if hours else None


def _first(alerts: Sequence[Alert], truth: Truth) -> Alert | None:
    return next((alert for alert in alerts if matches(alert, truth)), None)


def _any(alert: Alert, truths: Iterable[Truth]) -> bool:
    return any(matches(alert, truth) for truth in truths)


def _explained(alert: Alert, negatives: Iterable[Truth]) -> str:
    return next((truth.shape.value for truth in negatives if matches(alert, truth)), NOTHING)


def _in_time(alert: Alert, truth: Truth) -> bool:
    return truth.start <= alert.raised_at <= truth.end + GRACE


def _in_place(alert: Alert, truth: Truth) -> bool:
    places = (*truth.areas, *(truth.neighbours if truth.shape is Shape.SPATIAL_SPREAD else ()))
    return any(_overlap(mine, theirs) for mine in alert.areas for theirs in places)


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _on_subject(alert: Alert, truth: Truth) -> bool:
    if truth.shape in _ANY_SUBJECT:
        return True
    if truth.shape in _NO_SURGE and alert.kind == _SURGE:
        return False
    if truth.shape is Shape.CITY_WIDE:
        return not alert.categories or len(alert.categories) >= MANY
    if truth.shape is Shape.CHANNEL_SILENT:
        return _common(alert.channels, truth.channels)
    if truth.shape in _OF_DEPARTMENTS or not alert.categories:
        return _common(alert.departments, truth.departments)
    return _common(alert.categories, truth.categories)


def _common(mine: Iterable[str], theirs: Iterable[str]) -> bool:
    return not set(mine).isdisjoint(theirs)
