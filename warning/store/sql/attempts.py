"""How often a record of a topic ended the process that applied it: what does so again and again is poison."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, select

from warning.store.sql.database import Database
from warning.store.sql.statements import insert
from warning.store.sql.tables import attempts


class Attempts:
    """Counts by topic, partition and position; ``now`` says when."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now

    def note(self, topic: str, partition: int, position: int, reason: str) -> int:
        """Count one more, with its reason; returns how many there are now."""
        row = {"topic": topic, "partition": partition, "position": position, "count": 1}
        said = {"reason": reason, "at": self._now()}
        with self._database.write(alone=False) as connection:
            statement = insert(connection, attempts).values(row | said)
            more = statement.on_conflict_do_update(
                index_elements=["topic", "partition", "position"], set_=said | {"count": attempts.c.count + 1}
            )
            return int(connection.execute(more.returning(attempts.c.count)).scalar_one())

    def count(self, topic: str, partition: int, position: int) -> int:
        """Return how many there were."""
        wanted = select(attempts.c.count).where(_is(topic, partition, position))
        with self._database.read() as connection:
            return connection.execute(wanted).scalar() or 0

    def counts(self, topic: str, partition: int) -> dict[int, int]:
        """Return how many there were of each record of a partition that ended a process."""
        wanted = select(attempts.c.position, attempts.c.count).where(
            attempts.c.topic == topic, attempts.c.partition == partition
        )
        with self._database.read() as connection:
            return {row.position: row[1] for row in connection.execute(wanted)}

    def clear(self, topic: str, partition: int, position: int) -> None:
        """Forget those of a record: it was applied, or left out."""
        with self._database.write(alone=False) as connection:
            connection.execute(delete(attempts).where(_is(topic, partition, position)))


def _is(topic: str, partition: int, position: int) -> ColumnElement[bool]:
    return and_(attempts.c.topic == topic, attempts.c.partition == partition, attempts.c.position == position)
