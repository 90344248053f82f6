"""Planned events on the database of a data folder, for commands beside the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from warning.bootstrap.accounts import require_database, wall_now
from warning.bootstrap.folder import jurisdiction_of, open_store, remembered, zone_of
from warning.service.planning import Planning
from warning.store.sql import meta
from warning.store.sql.moments import moment_of_ms
from warning.store.sql.plans import SqlPlans

if TYPE_CHECKING:
    from warning.settings import Settings
    from warning.store.sql.database import Database


@contextmanager
def open_planning(settings: Settings) -> Iterator[tuple[Planning, ZoneInfo]]:
    """Give the planned events of the database that settings name, and the service's zone; it may be running.

    A running service finds what was planned in its log, within a second. Raises BadInputError for a folder without a
    database.
    """
    if not settings.store.url:
        require_database(Path(settings.service.data))
    database = open_store(settings)
    try:
        settings = remembered(settings, database)
        zone = ZoneInfo(zone_of(settings))

        def now() -> datetime:
            return _now(database).astimezone(zone)

        yield Planning(SqlPlans(database, now), jurisdiction=jurisdiction_of(settings), now=now), zone
    finally:
        database.close()


def _now(database: Database) -> datetime:
    """Return the time of the folder's own clock (a demonstration's), else of the wall clock."""
    with database.read() as connection:
        own = meta.get_number(connection, meta.CLOCK)
    return moment_of_ms(own) if own else wall_now()
