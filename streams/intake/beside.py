"""What an intake worker does with the database: beside its work, which never waits for it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from streams.generations import LogMovedError, log_name
from streams.process import end_process
from warning.bootstrap.folder import remember
from warning.runtime.clock import steady_seconds
from warning.service.ports import StoreBusyError
from warning.store.sql.log import note_sources

if TYPE_CHECKING:
    from streams.intake.sources import RememberedSources
    from warning.runtime.clock import Clock
    from warning.settings import Settings
    from warning.store.sql.database import Database

SOURCES_SECONDS = 2.0
"""How soon a new source, or another mapping, holds."""
HEARD_SECONDS = 5.0
_JOIN_SECONDS = 1.0
_LOOK_SECONDS = 3.0
"""For the database to say whether the log has moved, while partitions wait."""

_LOG = logging.getLogger(__name__)


class DatabaseSide:
    """A thread that learns which sources there are and notes when each was heard; a process may end while it waits."""

    def __init__(self, settings: Settings, database: Database, sources: RememberedSources, clock: Clock) -> None:
        self._settings = settings
        self._database = database
        self._sources = sources
        self._clock = clock
        self._heard: dict[str, tuple[int, int]] = {}
        self._lock = threading.Lock()
        self._usable = False
        self._log = ""
        """The name of the log when this process began: it writes nowhere else as long as it lives."""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="database-side", daemon=True)

    @property
    def usable(self) -> bool:
        """Whether the database has answered yet, and has the tables of this program."""
        return self._usable

    async def start(self) -> None:
        """Begin."""
        self._thread.start()

    async def stop(self) -> None:
        """End, without waiting for a database that does not answer."""
        self._ended.set()
        self._thread.join(_JOIN_SECONDS)
        if not self._thread.is_alive():
            self._database.close()

    def heard(self, latest: Mapping[str, int]) -> None:
        """Note that tickets of sources came just now, with event times up to these."""
        now = self._clock()
        with self._lock:
            for source, event in latest.items():
                self._heard[source] = (now, max(event, self._heard.get(source, (0, event))[1]))

    async def see_that_the_log_stands(self) -> None:
        """End the process if the log has moved; a database that does not answer soon is asked again later.

        A worker that was paused while the log got another number of partitions would write into the old topic, and
        note as done what nobody reads there. What it had in hand does no harm: the group lets it commit none of that.
        """
        if not self._usable:
            return
        try:
            await asyncio.wait_for(asyncio.to_thread(self._look_at_log), _LOOK_SECONDS)
        except (TimeoutError, StoreBusyError) as error:
            _LOG.warning("whether the log has moved is not known", extra={"reason": repr(error)})
        except LogMovedError as error:
            end_process(error)

    def _look_at_log(self) -> None:
        with self._database.read() as connection:
            name = log_name(connection)
        if name != self._log:
            raise LogMovedError(self._log, name)

    def _run(self) -> None:
        try:
            self._go_on()
        except BaseException as error:  # noqa: BLE001  a thread's loop: without it the worker would wait for ever
            end_process(error)

    def _go_on(self) -> None:
        due = 0.0
        while not self._ended.is_set():
            if not self._usable:
                self._usable = self._begin()
            if self._usable:
                self._sources.refresh()
                with suppress(StoreBusyError):  # the sources have said so
                    self._look_at_log()
            if steady_seconds() >= due:
                self._note()
                due = steady_seconds() + HEARD_SECONDS
            self._ended.wait(SOURCES_SECONDS)
        self._note()

    def _begin(self) -> bool:
        try:
            self._database.migrate()
            remember(self._settings, self._database)  # before a tick is written whose number means something else
            with self._database.read() as connection:
                self._log = log_name(connection)
        except StoreBusyError as error:
            _LOG.warning("the database cannot be used yet", extra={"reason": str(error)})
            return False
        return True

    def _note(self) -> None:
        with self._lock:
            heard, self._heard = self._heard, {}
        if not heard:
            return
        try:
            with self._database.write() as connection:
                note_sources(connection, heard)
        except StoreBusyError as error:
            _LOG.warning("when sources were heard could not be noted", extra={"reason": str(error)})
            with self._lock:
                self._heard = heard | self._heard
