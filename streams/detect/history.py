"""What comes before the log, from the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.generations import log_topic
from warning.bootstrap.folder import jurisdiction_of
from warning.domain.bucket import MINUTE_MS
from warning.runtime.history import history_log
from warning.store.sql import meta
from warning.store.sql.history import SqlHistory
from warning.store.sql.ticket_outcomes import TicketOutcomes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from warning.engine.records import Record
    from warning.settings import Settings
    from warning.store.sql.database import Database


class SqlPast:
    """Eras of loaded history: see :class:`streams.detect.ports.Past`."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._jurisdiction = jurisdiction_of(settings)
        self._step_ms = settings.service.tick_minutes * MINUTE_MS
        self._history = SqlHistory(database)
        self._outcomes = TicketOutcomes(database)

    def log_topic(self) -> str:
        """Return the topic that is the log now."""
        return log_topic(self._database, self._settings)

    def era(self) -> int:
        """Return the number of the present era."""
        with self._database.read() as connection:
            return meta.get_number(connection, meta.ERA)

    def records(self, live_since: int | None) -> Iterator[Record]:
        """Yield history's records; nothing where none was loaded."""
        until = max((load.until_ms for load in self._history.loads()), default=0)
        if not until:
            return iter(())
        return history_log(
            self._history.history_records(),
            jurisdiction=self._jurisdiction,
            step_ms=self._step_ms,
            cut=min(until, live_since or until),
            muted_until=until,
        )

    def may_lack_beginning(self, era: int) -> bool:
        """Whether a person forced the load that began this era."""
        with self._database.read() as connection:
            return meta.get_number(connection, meta.FORCED, -1) == era

    def agreed_begin(self, era: int, clock: int) -> int:
        """Return what the first process proposed: all partitions must begin with the same tick."""
        key = f"begin:{era}"
        with self._database.write() as connection:
            known = meta.get(connection, key)
            if known is None:
                meta.put(connection, key, clock)
            return clock if known is None else int(known)

    def outcomes_stored(self, topic: str, partition: int) -> int:
        """Return the offset after the last batch whose outcomes are stored."""
        applied = self._outcomes.applied(topic, partition)
        return 0 if applied is None else applied + 1
