"""The registered sources as the database last knew them: a database that is away stops nobody who is known."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from warning.bootstrap.live import KnownSources, SourceMappings
from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.intake.mapping_files import load_mapping
from warning.runtime.clock import steady_seconds
from warning.service.ports import Source, StoreBusyError

if TYPE_CHECKING:
    from warning.intake.mapping import Mapping

CANONICAL = "canonical"
AGAIN_SECONDS = 10.0
NEWS_SECONDS = 2.5
"""Somewhat longer than it takes until the database is asked again."""

_LOG = logging.getLogger(__name__)


class RememberedSources:
    """Gives the last answer of another, who is asked beside: whoever waits for tickets never waits for the database."""

    def __init__(self, asked: KnownSources, elapsed: Callable[[], float] = steady_seconds) -> None:
        self._asked = asked
        self._elapsed = elapsed
        self._known: Sequence[Source] | None = None
        self._waited_at = -AGAIN_SECONDS
        self._refreshed = threading.Condition()
        self._refreshes = 0

    def refresh(self) -> None:
        """Ask; the last answer holds where there is none."""
        try:
            self._known = self._asked.sources()
        except StoreBusyError:
            _LOG.warning("the database does not say which sources there are; those known before hold")
        with self._refreshed:
            self._refreshes += 1
            self._refreshed.notify_all()

    def wait_for_news(self) -> None:
        """Wait a moment for the next answer: a source that is not known may be new.

        Not often, as anyone may name any source, and never long, as the database may be away.
        """
        if self._elapsed() - self._waited_at < AGAIN_SECONDS:
            return
        with self._refreshed:
            seen = self._refreshes
            self._refreshed.wait_for(lambda: self._refreshes > seen, NEWS_SECONDS)
        self._waited_at = self._elapsed()

    def sources(self) -> Sequence[Source]:
        """Return the sources; raises StoreBusyError where they were never known."""
        if self._known is None:
            raise StoreBusyError("the database has not said yet which sources there are", 1, "数据库尚未给出来源列表。")
        return self._known

    def names(self) -> frozenset[str]:
        """Return the names of the sources."""
        return frozenset(source.name for source in self.sources())


class Mappings:
    """Gives the mapping of each source; one without registration is read by the service's own fields.

    Parameters
    ----------
    unregistered : that source
    zone : of times that have none; empty: the mapping's
    """

    def __init__(self, sources: RememberedSources, zone: str, unregistered: str) -> None:
        self.sources = sources
        self._registered = SourceMappings(sources, zone)
        self._unregistered = unregistered
        own = load_mapping(CANONICAL)
        self._own = own.model_copy(update={"source": unregistered, "zone": zone or own.zone})

    def __call__(self, source: str) -> Mapping | str:
        """Return a mapping, or why there is none that could be used; raises StoreBusyError where nobody knows."""
        if source != self._unregistered and source not in self.sources.names():
            self.sources.wait_for_news()
        try:
            return self._registered(source)
        except UnknownNameError as error:
            if error.kind == "source":
                return self._own if source == self._unregistered else f"no source is named {source!r}"
            return str(error)
        except InvalidInputError as error:
            return str(error)
