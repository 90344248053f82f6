"""A ticket (one complaint or service request) and what happens to it in its life."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from warning.domain.area import AreaPath


class LifeEvent(IntEnum):
    """What happened to a ticket at an event's time. The numbers are stored and never reused."""

    CREATED = 0
    ASSIGNED = 1
    TRANSFERRED = 2
    RESPONDED = 3
    RESOLVED = 4
    REOPENED = 5
    RATED = 6
    WITHDRAWN = 7
    MERGED = 8

    @property
    def ends_work(self) -> bool:
        """Whether the department has nothing left to do on the ticket after this."""
        return self in _ENDS

    @property
    def starts_work(self) -> bool:
        """Whether the ticket is (again) in a department's backlog after this."""
        return self in _STARTS


_ENDS = frozenset({LifeEvent.RESOLVED, LifeEvent.WITHDRAWN, LifeEvent.MERGED})
_STARTS = frozenset({LifeEvent.CREATED, LifeEvent.REOPENED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """One ticket as people see it: validated, redacted, with a time that carries a zone.

    The engine itself works on columns (:class:`warning.intake.columns.TicketColumns`).
    """

    source: str
    ticket_id: str
    created_at: datetime
    area: AreaPath
    category: str
    department: str = ""
    channel: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if self.created_at.utcoffset() is None:
            msg = f"ticket {self.ticket_id!r}: created_at carries no zone; give it the source's zone"
            raise ValueError(msg)
