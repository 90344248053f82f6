"""What became of a ticket, by the platform's own id."""

from __future__ import annotations

from sqlalchemy import Connection, select

from warning.domain.outcome import RowOutcome
from warning.domain.reject import Reject
from warning.service.ports import TicketStatus
from warning.store.sql.bodies import from_body
from warning.store.sql.database import Database
from warning.store.sql.dead_letters import ticket_key
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.tables import dead_letters, tickets


class SqlTickets:
    """Tickets that were counted, and those that were refused with an id one could read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def status(self, source: str, ticket_id: str) -> TicketStatus | None:
        """Return what is known of a ticket: counted, else refused; None where neither (yet)."""
        with self._database.read() as connection:
            return _counted(connection, source, ticket_id) or _refused(connection, source, ticket_id)


def _counted(connection: Connection, source: str, ticket_id: str) -> TicketStatus | None:
    wanted = select(tickets).where(tickets.c.source == source, tickets.c.ticket_id == ticket_id)
    row = connection.execute(wanted).one_or_none()
    if row is None:
        return None
    return TicketStatus(
        source=source,
        ticket_id=ticket_id,
        outcome=RowOutcome(row.outcome),
        last_outcome=RowOutcome(row.last_outcome),
        received_at=moment_of_ms(row.received_ms),
        created_at=moment_of_ms(row.created_ms),
        category=row.category,
        area=row.area,
        times_received=row.times_received,
    )


def _refused(connection: Connection, source: str, ticket_id: str) -> TicketStatus | None:
    wanted = (
        select(dead_letters)
        .where(dead_letters.c.ticket_key == ticket_key(source, ticket_id))
        .order_by(dead_letters.c.id.desc())
    )
    letters = connection.execute(wanted).all()
    if not letters:
        return None
    return TicketStatus(
        source=source,
        ticket_id=ticket_id,
        outcome=RowOutcome.REJECTED,
        last_outcome=RowOutcome.REJECTED,
        received_at=letters[-1].at,
        times_received=len(letters),
        reject=from_body(letters[0].body, Reject),
    )
