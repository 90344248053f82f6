"""A data folder: its database, and the state that services and commands share over it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from warning.bootstrap.accounts import DATABASE
from warning.domain.bucket import MINUTE_MS
from warning.engine.grid import Grid
from warning.runtime.state import LiveState
from warning.service.errors import BadInputError
from warning.store.sql import meta
from warning.store.sql.database import Database

if TYPE_CHECKING:
    from warning.settings import Settings

JURISDICTION = "city"
"""The name of the jurisdiction where settings give none."""
ZONE = "UTC"
_JURISDICTION, _ZONE = "jurisdiction", "zone"


def open_database(data: Path) -> Database:
    """Open a data folder's database, made or migrated as needed."""
    data.mkdir(parents=True, exist_ok=True)
    database = Database(data / DATABASE)
    database.migrate()
    return database


def remember(settings: Settings, database: Database) -> None:
    """Note whose folder it is, for commands beside the service that are not given its settings.

    Raises BadInputError when it is another jurisdiction's, or its days were counted in another zone.
    """
    wanted = {_JURISDICTION: jurisdiction_of(settings), _ZONE: zone_of(settings)}
    with database.write() as connection:
        for name, value in wanted.items():
            known = meta.get(connection, name)
            if known not in {None, value}:
                raise _others(name, known or "", value)
            meta.put(connection, name, value)


def _others(name: str, known: str, wanted: str) -> BadInputError:
    return BadInputError(
        f"setting {name}",
        f"is {wanted!r}, but the data folder was begun with {known!r}",
        f"Set {name}: {known}, or begin another data folder and load the old tickets into it as history.",
        f"设置 {name} 为 {wanted!r},而数据目录是以 {known!r} 建立的。请改回,或另建数据目录并把旧工单作为历史载入。",
    )


def remembered(settings: Settings, database: Database) -> Settings:
    """Return the settings with the jurisdiction and zone of the service whose folder it is, if one ran on it."""
    with database.read() as connection:
        known = {"jurisdiction": meta.get(connection, _JURISDICTION), "zone": meta.get(connection, _ZONE)}
    return settings.model_copy(update={name: value for name, value in known.items() if value})


def build_state(settings: Settings, database: Database) -> LiveState:
    """Build the durable side."""
    return LiveState(
        database,
        jurisdiction=jurisdiction_of(settings),
        grid=Grid(zone_of(settings)),
        tick_ms=settings.service.tick_minutes * MINUTE_MS,
        original_hours=settings.retention.original_hours,
        silent_after=timedelta(minutes=max(settings.engine.lateness_minutes, 60)),
    )


def jurisdiction_of(settings: Settings) -> str:
    """Return the service's jurisdiction."""
    return settings.jurisdiction or JURISDICTION


def zone_of(settings: Settings) -> str:
    """Return the service's time zone."""
    return settings.zone or ZONE
