"""Sources and planned events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warning.domain.control import Control


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A platform that pushes tickets, and the mapping its items are read by."""

    name: str
    mapping: str
    title_zh: str = ""
    title_en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How fresh a source's data is: what the page's header shows."""

    source: str
    last_received_at: datetime | None
    last_event_at: datetime | None
    silent: bool
    """Nothing came for longer than its lateness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A planned event: what it explains raises no alert and is not learned."""

    id: str
    title: str
    start: datetime
    end: datetime
    areas: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    entered_by: str = ""
    entered_at: datetime | None = None
    cancelled_at: datetime | None = None


class PlanStore(Protocol):
    """Planned events."""

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        """Return plans by start."""

    def save(self, plan: Plan, control: Control) -> None:
        """Store a plan and append its control record, together or not at all."""
