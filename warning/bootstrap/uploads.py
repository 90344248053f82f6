"""History that is sent to the running service over HTTP."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from warning.bootstrap.folder import zone_of
from warning.bootstrap.history import HistoryLoad, LogTrimmedError, load_files
from warning.domain.errors import InvalidInputError
from warning.engine.grid import Grid
from warning.service.ports import Loaded, PastLoad
from warning.store.sql.history import Load, SqlHistory

if TYPE_CHECKING:
    from warning.bootstrap.history import Extent
    from warning.runtime.clock import Clock
    from warning.settings import Settings
    from warning.store.sql.database import Database

FOLDER = "uploads"
"""In the data folder: files while they are received and read. They may hold personal data."""


class UploadedHistory:
    """Implements :class:`warning.service.ports.HistoryLoader`; one load at a time, as each reads as fast as it can.

    What a process that was killed left of an upload is removed when the next one starts.
    """

    def __init__(self, settings: Settings, database: Database, clock: Clock, *, extent: Extent | None = None) -> None:
        self._settings = settings
        self._database = database
        self._clock = clock
        self._extent = extent
        self._history = SqlHistory(database)
        self._grid = Grid(zone_of(settings))
        self._folder = Path(settings.service.data) / FOLDER
        self._loading = threading.Lock()
        for left in self._folder.glob("history-*"):
            left.unlink(missing_ok=True)

    @contextmanager
    def place(self, suffix: str) -> Iterator[Path]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"history-{secrets.token_hex(4)}{suffix}"
        path.touch(mode=0o600, exist_ok=False)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def load(self, file: Path, *, mapping: str, source: str, force: bool) -> Loaded:
        with self._loading:
            try:
                load = HistoryLoad(self._settings, self._database, self._clock, force=force, extent=self._extent)
                return load_files([file], mapping=mapping, settings=self._settings, source=source, load=load)
            except LogTrimmedError:
                raise
            except InvalidInputError as error:
                raise InvalidInputError("body", error.problem, error.advice) from error

    def loads(self) -> list[PastLoad]:
        return [self._past(load) for load in self._history.loads()]

    def _past(self, load: Load) -> PastLoad:
        return PastLoad(
            id=load.id,
            files=load.files,
            mapping=load.mapping,
            loaded_at=load.loaded_at,
            rows=load.rows,
            rejected=load.rejected,
            until=self._grid.moment(load.until_ms) if load.until_ms else None,
        )
