"""Finding the open evidence that a signal may share its cause with, without looking at all of it.

An index by what signals are about and where: a flood of signals is compared with its own kind and place only.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING

from warning.domain.area import SEPARATOR, AreaRegister
from warning.domain.series import SeriesKind

if TYPE_CHECKING:
    from warning.domain.signal import Signal


class EvidenceIndex:
    """Ids of signals by subject and area.

    Evidence of one kind of series can share its cause if it has the name, evidence of two kinds if it has the window
    (see :func:`warning.policy.episode.same_cause`), and either only where areas contain each other or are neighbours.
    """

    def __init__(self, register: AreaRegister) -> None:
        self._register = register
        self._at: dict[Hashable, dict[str, None]] = {}
        self._below: dict[Hashable, dict[str, None]] = {}

    def add(self, signal: Signal) -> None:
        """Let a signal be found."""
        *above, area = _lineage(signal.series.area)
        for subject in _subjects(signal):
            self._at.setdefault((subject, area), {})[signal.id] = None
            for each in above:
                self._below.setdefault((subject, each), {})[signal.id] = None

    def discard(self, signal: Signal) -> None:
        """Let a signal be found no more."""
        *above, area = _lineage(signal.series.area)
        for subject in _subjects(signal):
            _drop(self._at, (subject, area), signal.id)
            for each in above:
                _drop(self._below, (subject, each), signal.id)

    def near(self, signal: Signal) -> Iterator[str]:
        """Yield the ids of all signals that can share a signal's cause, and of few others, the newest first."""
        area = signal.series.area
        areas = [*_lineage(area), *map(str, self._register.get(signal.series.path).neighbours)]
        for subject in _wanted(signal):
            for each in areas:
                yield from reversed(self._at.get((subject, each), {}))
            yield from reversed(self._below.get((subject, area), {}))


def _subjects(signal: Signal) -> tuple[Hashable, Hashable]:
    kind = signal.series.kind
    return (kind, signal.series.name), (kind, signal.length, signal.window_start)


def _wanted(signal: Signal) -> list[Hashable]:
    others = [kind for kind in SeriesKind if kind is not signal.series.kind]
    return [_subjects(signal)[0], *((kind, signal.length, signal.window_start) for kind in others)]


def _lineage(area: str) -> list[str]:
    parts = area.split(SEPARATOR)
    return [SEPARATOR.join(parts[: depth + 1]) for depth in range(len(parts))]


def _drop(index: dict[Hashable, dict[str, None]], key: Hashable, identity: str) -> None:
    found = index.get(key)
    if found is not None:
        found.pop(identity, None)
        if not found:
            del index[key]
