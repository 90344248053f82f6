"""Tickets and their life."""

from datetime import UTC, datetime

import pytest

from warning.domain.area import AreaPath
from warning.domain.ticket import LifeEvent, Ticket


def test_the_numbers_of_life_events_never_change() -> None:
    """They are stored in logs and snapshots."""
    assert {event.name: event.value for event in LifeEvent} == {
        "CREATED": 0,
        "ASSIGNED": 1,
        "TRANSFERRED": 2,
        "RESPONDED": 3,
        "RESOLVED": 4,
        "REOPENED": 5,
        "RATED": 6,
        "WITHDRAWN": 7,
        "MERGED": 8,
    }


def test_work_starts_and_ends_with_certain_events() -> None:
    """A backlog grows with creation and reopening, and shrinks with resolution, withdrawal and merging."""
    assert {event.name for event in LifeEvent if event.starts_work} == {"CREATED", "REOPENED"}
    assert {event.name for event in LifeEvent if event.ends_work} == {"RESOLVED", "WITHDRAWN", "MERGED"}


def test_a_ticket_needs_a_zone() -> None:
    """A creation time without a zone is refused, and the message names the ticket."""
    created = datetime(2025, 6, 1, tzinfo=UTC)
    area = AreaPath(("City",))
    assert Ticket(source="s", ticket_id="T1", created_at=created, area=area, category="Noise").text == ""
    with pytest.raises(ValueError, match="'T1'"):
        Ticket(source="s", ticket_id="T1", created_at=created.replace(tzinfo=None), area=area, category="Noise")
