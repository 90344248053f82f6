"""Many rows at once into PostgreSQL: by COPY, which is many times as fast as INSERT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from warning.store.sql.postgres_causes import first_line

_TYPES = ("text", "text", "text", "text", "int8", "int8", "text", "text", "int4")
_MAKE = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming_tickets ON COMMIT DELETE ROWS AS
SELECT source, ticket_id, outcome, last_outcome, received_ms, created_ms, category, area, times_received
FROM tickets WITH NO DATA
"""
_COPY = """
COPY incoming_tickets
(source, ticket_id, outcome, last_outcome, received_ms, created_ms, category, area, times_received) FROM STDIN
"""
_MERGE = """
INSERT INTO tickets
(source, ticket_id, outcome, last_outcome, received_ms, created_ms, category, area, times_received)
SELECT source, ticket_id, outcome, last_outcome, received_ms, created_ms, category, area, times_received
FROM incoming_tickets ORDER BY source, ticket_id
ON CONFLICT (source, ticket_id) DO UPDATE SET
last_outcome = excluded.last_outcome, times_received = tickets.times_received + excluded.times_received
"""


def merge_tickets(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Add rows of ``tickets``, each ticket once: an older row keeps its first outcome and counts the receipts."""
    connection.exec_driver_sql(_MAKE)
    _copy(connection, _COPY, rows, _TYPES)
    connection.exec_driver_sql(_MERGE)
    connection.exec_driver_sql("TRUNCATE incoming_tickets")


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]], types: Sequence[str]) -> None:
    """Send rows; errors are those of every other statement."""
    driver: Any = connection.connection.driver_connection
    dialect: Any = connection.dialect
    failure = dialect.loaded_dbapi.Error
    try:
        with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)
    except failure as error:
        error.args = (first_line(str(error)), *error.args[1:])  # the other lines quote a row
        raise DBAPIError.instance(statement, None, error, failure, hide_parameters=True, dialect=dialect) from error
