"""A data folder: its database, and the state that services and commands share over it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from warning.bootstrap.accounts import DATABASE
from warning.domain.bucket import MINUTE_MS
from warning.engine.grid import Grid
from warning.runtime.state import LiveState
from warning.store.sql.database import Database

if TYPE_CHECKING:
    from warning.settings import Settings

JURISDICTION = "city"
"""The name of the jurisdiction where settings give none."""
ZONE = "UTC"


def open_database(data: Path) -> Database:
    """Open a data folder's database, made or migrated as needed."""
    data.mkdir(parents=True, exist_ok=True)
    database = Database(data / DATABASE)
    database.migrate()
    return database


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
