"""Backups of whichever database settings name, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from warning.bootstrap.folder import store_of
from warning.store.sql import backup, postgres_backup

if TYPE_CHECKING:
    from warning.settings import Settings


def back_up(settings: Settings, out: Path) -> str:
    """Write the database into one file while others go on writing; returns what was copied."""
    database = store_of(settings)
    try:
        if settings.store.url:
            postgres_backup.back_up(database, out)
        else:
            backup.back_up(database.path, out)
    finally:
        database.close()
    return database.where


def restore(settings: Settings, file: Path, *, force: bool) -> tuple[str, Path | None]:
    """Put a backup where the database is to be; returns where, and where an older one was put aside."""
    database = store_of(settings)
    aside = None
    try:
        if settings.store.url:
            postgres_backup.restore(file, database)
        else:
            aside = backup.restore(file, database.path, force=force)
    finally:
        database.close()
    return database.where, aside
