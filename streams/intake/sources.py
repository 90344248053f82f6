"""The registered sources as the database last knew them: a database that is away stops nobody who is known."""

from __future__ import annotations

import logging
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
AGAIN_SECONDS = 2.0

_LOG = logging.getLogger(__name__)


class RememberedSources:
    """Gives the last answer of another, who is asked beside: whoever waits for tickets never waits for the database."""

    def __init__(self, asked: KnownSources, elapsed: Callable[[], float] = steady_seconds) -> None:
        self._asked = asked
        self._elapsed = elapsed
        self._known: Sequence[Source] | None = None
        self._asked_again = -AGAIN_SECONDS

    def refresh(self) -> None:
        """Ask; the last answer holds where there is none."""
        try:
            self._known = self._asked.sources()
        except StoreBusyError:
            _LOG.warning("the database does not say which sources there are; those known before hold")

    def ask_again(self) -> bool:
        """Ask for a source that is not known, which may be new; not often, as anyone may name any source."""
        now = self._elapsed()
        if now - self._asked_again < AGAIN_SECONDS:
            return False
        self._asked_again = now
        self.refresh()
        return True

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
        try:
            return self._registered(source)
        except UnknownNameError as error:
            if error.kind != "source":
                return str(error)
            if source == self._unregistered:
                return self._own
            return self(source) if self.sources.ask_again() else f"no source is named {source!r}"
        except InvalidInputError as error:
            return str(error)
