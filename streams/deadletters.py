"""The dead letters of a cluster for a command beside it: looked at, and sent through intake again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streams.api import build_api
from warning.bootstrap.folder import open_store, remembered

if TYPE_CHECKING:
    from warning.service.services import Services
    from warning.settings import Settings


@contextmanager
def open_letters(settings: Settings) -> Iterator[Services]:
    """Give the services of a cluster, of which letters, replay and the clock can be used."""
    database = open_store(settings)
    try:
        api = build_api(remembered(settings, database), database)
        api.sources.refresh()
        api.worker.start()
        try:
            yield api.services
        finally:
            api.worker.stop()
            api.sink.close()
    finally:
        database.close()
