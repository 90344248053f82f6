"""Episodes: signals of one cause, merged over time, area and category."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from warning.domain.alert import AlertStatus, Transition
from warning.domain.area import AreaRegister
from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.policy.config import PolicyConfig
from warning.policy.severity import LONGEST_RECURRENCE_DAYS

_SHORTEST_FIRST = {length: rank for rank, length in enumerate(BucketLength)}
_WORTH_LETTING_GO = 64
"""Fewer signals than this are no burden."""
SHARE_EXPLAINED = 0.5
"""A total's excess has a category's cause if that category carries at least half of it."""


@dataclass(slots=True, kw_only=True)
class Past:
    """What remains of signals that were settled long ago: enough for the alert, little enough for a long episode."""

    ids: list[str] = field(default_factory=list)
    detectors: set[str] = field(default_factory=set)
    areas: set[str] = field(default_factory=set)
    categories: set[str] = field(default_factory=set)
    departments: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)

    def take(self, signal: Signal) -> None:
        """Remember what a signal was about."""
        self.detectors.add(signal.detector)
        self.areas.add(signal.series.area)
        self.departments.update(signal.departments)
        self.channels.update(signal.channels)
        named = {
            SeriesKind.AREA_CATEGORY: self.categories,
            SeriesKind.DEPARTMENT: self.departments,
            SeriesKind.CHANNEL: self.channels,
        }
        if signal.series.kind in named:
            named[signal.series.kind].add(signal.series.name)

    def join(self, other: Past) -> None:
        """Remember what another episode remembers."""
        self.ids += other.ids
        for name in ("detectors", "areas", "categories", "departments", "channels"):
            getattr(self, name).update(getattr(other, name))


@dataclass(slots=True, kw_only=True)
class Episode:
    """What is known of one cause; ``signals`` are the latest versions by id, of those that still matter.

    ``muted`` are the ids of those that support it but would not have raised it: something planned explains them, or
    false alarms made their series less sensitive. ``reviewed``: a person gave its alert a disposition.
    """

    id: str
    raised_at: datetime
    signals: dict[str, Signal] = field(default_factory=dict)
    past: Past = field(default_factory=Past)
    aliases: tuple[str, ...] = ()
    history: tuple[Transition, ...] = ()
    status: AlertStatus = AlertStatus.OPEN
    closed_at: datetime | None = None
    muted: set[str] = field(default_factory=set)
    reviewed: bool = False

    def counts(self, signal: Signal, config: PolicyConfig) -> bool:
        """Whether one of its signals alone is reason enough for its alert."""
        return signal.id not in self.muted and qualifies(signal, config)

    def live(self) -> list[Signal]:
        """Return the signals that were not withdrawn."""
        return [signal for signal in self.signals.values() if signal.state is not EvidenceState.WITHDRAWN]

    def signal_ids(self) -> tuple[str, ...]:
        """Return the ids of all signals that ever belonged to it."""
        return tuple(sorted({*self.signals, *self.past.ids}))

    def lead(self, config: PolicyConfig) -> Signal:
        """Return the most unusual signal that qualifies; of several beyond doubt the shortest, then the largest."""
        return min((signal for signal in self.live() if self.counts(signal, config)), key=_rank)

    def largest(self) -> list[Signal]:
        """Return the figures of the signal with the largest excess of each series, of those that still matter."""
        best = {s.series: s for s in sorted(self.live(), key=lambda signal: (excess(signal), signal.id))}
        return [replace(signal, parts=(), departments=(), channels=(), examples=()) for signal in best.values()]

    def last_evidence(self) -> datetime:
        """Return the latest moment its evidence speaks of."""
        return max(seen_until(signal) for signal in self.live())

    def about(self) -> Past:
        """Return what the whole episode is about, past and present."""
        about = Past()
        about.join(self.past)
        for signal in self.live():
            about.take(signal)
        return about

    def let_go(self, config: PolicyConfig) -> list[Signal]:
        """Keep of signals that no later evidence can join only what they were about; returns them.

        The leading one of those that are final stays: it bears the alert out.
        """
        if len(self.signals) < _WORTH_LETTING_GO:
            return []
        since = self.last_evidence() - timedelta(hours=config.merge_hours)
        final = [s for s in self.live() if s.state is EvidenceState.FINAL and self.counts(s, config)]
        kept = min(final, key=_rank).id if final else ""
        gone = [
            signal
            for _, signal in sorted(self.signals.items())
            if signal.state is not EvidenceState.PROVISIONAL and seen_until(signal) < since and signal.id != kept
        ]
        for signal in gone:
            del self.signals[signal.id]
            self.muted.discard(signal.id)
            self.past.ids.append(signal.id)
            if signal.state is EvidenceState.FINAL:
                self.past.take(signal)
        return gone

    def settled(self) -> bool:
        """Whether every bucket it rests on has closed: provisional evidence is still to be confirmed or withdrawn."""
        return all(signal.state is not EvidenceState.PROVISIONAL for signal in self.signals.values())


def same_cause(first: Signal, second: Signal, config: PolicyConfig, register: AreaRegister) -> bool:
    """Whether two signals speak of one cause: they overlap in time (within the merge gap) and in what they are about.

    One kind of series: the same name, in areas that contain each other or are neighbours. Two kinds: the same window,
    in such areas, and the smaller excess is a good part of the larger one.
    """
    gap = timedelta(hours=config.merge_hours)
    return (
        first.window_start <= seen_until(second) + gap
        and second.window_start <= seen_until(first) + gap
        and _same_subject(first, second)
        and _areas_touch(first, second, register)
    )


def told(week: Signal, earlier: Signal, register: AreaRegister) -> bool:
    """Whether what an ended alert rested on is at least half of a week's excess: the week then tells nothing new."""
    return (
        week.length is BucketLength.WEEK
        and (week.series.kind, week.series.name) == (earlier.series.kind, earlier.series.name)
        and week.window_start <= earlier.window_start < week.window_end
        and _areas_touch(week, earlier, register)
        and excess(earlier) >= SHARE_EXPLAINED * excess(week)
    )


def qualifies(signal: Signal, config: PolicyConfig, factor: float = 1.0) -> bool:
    """Whether a signal alone is reason enough that a person should look, its p-value taken ``factor`` times."""
    return (
        signal.state is not EvidenceState.WITHDRAWN
        and signal.recurrence_interval_days / factor >= config.least_recurrence_days(signal.length)
        and signal.observed >= config.minimum_tickets
        and signal.observed >= config.minimum_ratio * signal.expected
    )


def excess(signal: Signal) -> float:
    """Return the tickets beyond expectation."""
    return signal.observed - signal.expected


def _rank(signal: Signal) -> tuple[float, int, float, str]:
    recurrence = min(signal.recurrence_interval_days, LONGEST_RECURRENCE_DAYS)
    return (-recurrence, _SHORTEST_FIRST[signal.length], -excess(signal), signal.id)


def seen_until(signal: Signal) -> datetime:
    """Return the end of what the evidence has seen: a week that has just begun speaks of its first days only."""
    return min(signal.window_end, max(signal.updated_at, signal.window_start))


def _same_subject(first: Signal, second: Signal) -> bool:
    one, other = first.series, second.series
    return one.name == other.name if one.kind is other.kind else _explains(first, second)


def _areas_touch(first: Signal, second: Signal, register: AreaRegister) -> bool:
    one, other = first.series.path, second.series.path
    return one.contains(other) or other.contains(one) or register.are_neighbours(one, other)


def _explains(first: Signal, second: Signal) -> bool:
    """Whether the smaller excess is a good part of the larger one, in the same window."""
    if first.length is not second.length or first.window_start != second.window_start:
        return False
    smaller, larger = sorted((excess(first), excess(second)))
    return smaller >= SHARE_EXPLAINED * larger
