"""The dead letters of a data folder for commands beside the service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from warning.bootstrap.accounts import require_database, wall_now
from warning.bootstrap.folder import open_database, remembered, zone_of
from warning.store.sql.dead_letters import SqlDeadLetters

if TYPE_CHECKING:
    from warning.settings import Settings


@contextmanager
def open_letters(settings: Settings) -> Iterator[tuple[SqlDeadLetters, datetime]]:
    """Give the letters and the time in the service's zone; raises BadInputError for a folder without a database."""
    data = Path(settings.service.data)
    require_database(data)
    database = open_database(data)
    try:
        zone = ZoneInfo(zone_of(remembered(settings, database)))
        yield SqlDeadLetters(database), wall_now().astimezone(zone)
    finally:
        database.close()
