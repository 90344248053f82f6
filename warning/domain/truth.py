"""What really happened in a simulated city: incidents, and what looks like one and is none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Shape(StrEnum):
    """What an incident, or a hard negative, does to the tickets."""

    BURST = "burst"
    """More tickets of a category in a district, for hours."""
    SLOW_RISE = "slow_rise"
    """More and more tickets of a category in a district, over one to two weeks."""
    SPATIAL_SPREAD = "spatial_spread"
    """More tickets of a category in a district, then in its neighbours one after the other."""
    NEW_TOPIC = "new_topic"
    """As many tickets of a category as ever, but some of their texts speak of something new."""
    DEPARTMENT_SLOW = "department_slow"
    """A department takes longer for the tickets created in the window."""
    CHANNEL_SILENT = "channel_silent"
    """Nothing comes through a channel; its tickets are lost."""
    TRANSFERS = "transfers"
    """More of a department's tickets created in the window are transferred."""
    CITY_WIDE = "city_wide"
    """More tickets of every category everywhere."""
    HOLIDAY = "holiday"
    """No incident: a public holiday changes what comes, as the calendar says."""
    PLANNED_CHANGE = "planned_change"
    """No incident: more tickets of a category in the whole city, announced beforehand."""
    LATE_BATCH = "late_batch"
    """No incident: a channel's tickets of some hours are all received at the end."""
    ONE_WRITER = "one_writer"
    """No incident: one person writes fifty times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One incident or hard negative as it was; times carry the city's zone, areas are path texts.

    ``size_sd`` is the size in baseline standard deviations of ``statistic`` (parameters.yaml says how each is
    measured), ``extra_tickets`` what it added to the tickets (negative: lost), ``ticket_ids`` those that belong to it:
    added, or changed. ``neighbours`` are the areas beside those that a spread reached.
    """

    id: str
    shape: Shape
    incident: bool
    start: datetime
    end: datetime
    areas: tuple[str, ...]
    neighbours: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    extra_tickets: int = 0
    size_sd: float = 0.0
    statistic: str = "none"
    ticket_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """What a truth file covers: tickets from ``start`` to ``end``; the quiet history before ``measured_from`` holds
    no incident.
    """

    city: str
    seed: int
    start: datetime
    measured_from: datetime
    end: datetime


NOT_INCIDENTS = frozenset({Shape.HOLIDAY, Shape.PLANNED_CHANGE, Shape.LATE_BATCH, Shape.ONE_WRITER})
"""Hard negatives."""
