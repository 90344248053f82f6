"""The alert policy: from a tick's signals to the alerts that changed. Pure: the same signals, the same alerts.

Rules, by the names that stand in an alert's history:

OPEN-1 : a signal that qualifies and has no open episode raises an alert (a week not, if an ended alert told of it)
UPDATE-1 : later evidence changes its severity by five or more since its last entry, its areas or its categories
CONFIRM-1 : the first closed bucket bears it out
MERGE-1 : another alert turned out to have the same cause; the older one goes on and keeps the other's id as alias
WITHDRAW-1 : no qualifying evidence is left when its buckets close; until then an alert stays as it was
CLOSE-1 : its buckets have closed and the watermark has passed its last evidence by the merge gap: the excess is gone
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import xxhash

from warning.domain.alert import Alert, AlertStatus, Transition
from warning.domain.area import AreaRegister
from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.policy.episode import Episode, qualifies, same_cause, told
from warning.policy.flags import flags_of
from warning.policy.headline import headline_of
from warning.policy.matching import EvidenceIndex
from warning.policy.severity import severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warning.policy.config import PolicyConfig

_NOTABLE_CHANGE = 5
_REMEMBERED = timedelta(days=9)
"""A week closes at most so long after what it holds."""


class AlertPolicy:
    """Holds the open episodes of one jurisdiction."""

    def __init__(self, config: PolicyConfig, register: AreaRegister | None = None) -> None:
        self.config = config
        self.register = register or AreaRegister()
        self._episodes: dict[str, Episode] = {}
        self._shown: dict[str, Alert] = {}
        self._episode_of: dict[str, str] = {}
        """The open episode of each signal."""
        self._ended: dict[str, Signal] = {}
        """What the alerts that ended in the last days rested on most, by id."""
        self._ended_index = EvidenceIndex(self.register)
        self._index = EvidenceIndex(self.register)
        """Of the signals in open episodes that were not withdrawn."""

    def judge(self, signals: Iterable[Signal], now: datetime, watermark: datetime) -> list[Alert]:
        """Take a tick's signals in; returns the alerts that are new or changed, by id."""
        changed: dict[str, bool] = {}
        for signal in sorted(signals, key=self._order):
            self._take(signal, now, changed)
        alerts = [self._show(self._episodes[i], now, merged=merged) for i, merged in sorted(changed.items())]
        return [alert for alert in alerts if alert is not None] + self._close(now, watermark)

    def _order(self, signal: Signal) -> tuple[bool, bool, datetime, str, str]:
        """Order a tick's signals: what raises alerts before what supports them, categories before the totals."""
        return (
            not qualifies(signal, self.config),
            signal.series.kind is not SeriesKind.AREA_CATEGORY,
            signal.window_start,
            str(signal.series),
            signal.id,
        )

    def _take(self, signal: Signal, now: datetime, changed: dict[str, bool]) -> None:
        """Put a signal where it belongs; notes which episodes changed, and whether an alert was merged into them."""
        matching = self._matching(signal)
        if not matching and (not qualifies(signal, self.config) or self._told(signal)):
            return
        shown_first = sorted(matching, key=lambda e: (e.id not in self._shown, e.raised_at, e.id))
        oldest, *others = shown_first or [self._open(signal, now)]
        self._hold(signal, oldest)
        merged = changed.get(oldest.id, False)
        for other in others:
            merged |= bool(other.id in self._shown or other.aliases)
            self._merge(oldest, other)
            changed.pop(other.id, None)
        changed[oldest.id] = merged

    def _told(self, signal: Signal) -> bool:
        """Whether it is a week that tells nothing new."""
        near = self._ended_index.near(signal) if signal.length is BucketLength.WEEK else ()
        return any(told(signal, self._ended[identity], self.register) for identity in near)

    def _matching(self, signal: Signal) -> list[Episode]:
        """Return the open episodes that know a signal or have its cause; a withdrawn signal joins no other."""
        known = self._episode_of.get(signal.id)
        found = {} if known is None else {known: self._episodes[known]}
        if signal.state is not EvidenceState.WITHDRAWN:
            for identity in self._index.near(signal):
                if len(found) == len(self._episodes):
                    break
                episode = self._episodes[self._episode_of[identity]]
                if episode.id not in found and same_cause(
                    episode.signals[identity], signal, self.config, self.register
                ):
                    found[episode.id] = episode
        return list(found.values())

    def _hold(self, signal: Signal, episode: Episode) -> None:
        episode.signals[signal.id] = signal
        self._episode_of[signal.id] = episode.id
        if signal.state is EvidenceState.WITHDRAWN:
            self._index.discard(signal)
        else:
            self._index.add(signal)

    def _forget(self, signals: Iterable[Signal]) -> None:
        for signal in signals:
            del self._episode_of[signal.id]
            self._index.discard(signal)

    def _open(self, signal: Signal, now: datetime) -> Episode:
        alert_id = xxhash.xxh3_64_hexdigest(f"{signal.jurisdiction}\x1f{signal.id}\x1f{now.isoformat()}".encode())
        self._episodes[alert_id] = Episode(id=alert_id, raised_at=now)
        return self._episodes[alert_id]

    def _merge(self, into: Episode, other: Episode) -> None:
        """Let an episode go on as part of another; an alert that nobody was shown leaves no alias."""
        for identity in other.signals:
            self._episode_of[identity] = into.id
        into.signals = other.signals | into.signals
        into.past.join(other.past)
        shown = {other.id} & self._shown.keys()
        into.aliases = tuple(sorted({*into.aliases, *other.aliases, *shown}))
        del self._episodes[other.id]
        self._shown.pop(other.id, None)

    def _show(self, episode: Episode, now: datetime, *, merged: bool) -> Alert | None:
        """Bring an alert up to date with its episode; None if nothing changed."""
        before = self._shown.get(episode.id)
        live = episode.live()
        if any(qualifies(signal, self.config) for signal in live):
            alert = self._compose(episode, live, now)
            self._forget(episode.let_go(self.config))
        elif before is None or episode.settled():
            return self._withdraw(episode, now)
        else:
            alert = replace(before, updated_at=now, aliases=episode.aliases, signal_ids=episode.signal_ids())
        if before is None:
            return self._record(episode, alert, ["OPEN-1"], now)
        if replace(alert, updated_at=before.updated_at) == before:
            return None
        return self._record(episode, alert, _rules(before, alert, merged=merged), now)

    def _compose(self, episode: Episode, live: list[Signal], now: datetime) -> Alert:
        lead = episode.lead(self.config)
        final = [s for s in live if s.state is EvidenceState.FINAL and qualifies(s, self.config)]
        about = episode.about()
        areas = tuple(sorted(about.areas))
        deepest = max(area.count("/") for area in areas)
        urgency = severity(
            recurrence_days=lead.recurrence_interval_days,
            least_recurrence_days=self.config.least_recurrence_days(lead.length),
            observed=lead.observed,
            expected=lead.expected,
            areas=sum(area.count("/") == deepest for area in areas),
        )
        departments = tuple(sorted(about.departments))
        return Alert(
            id=episode.id,
            jurisdiction=lead.jurisdiction,
            raised_at=episode.raised_at,
            updated_at=now,
            closed_at=episode.closed_at,
            state=EvidenceState.FINAL if final else EvidenceState.PROVISIONAL,
            kind=lead.kind,
            detectors=tuple(sorted(about.detectors)),
            window_start=lead.window_start,
            window_end=lead.window_end,
            areas=areas,
            categories=tuple(sorted(about.categories)),
            departments=departments,
            channels=tuple(sorted(about.channels)),
            severity=urgency,
            p_value=lead.p_value,
            recurrence_interval_days=lead.recurrence_interval_days,
            observed=lead.observed,
            expected=lead.expected,
            upper_bound=lead.upper_bound,
            flags=flags_of(lead, confirmed=bool(final), severity=urgency, departments=departments, config=self.config),
            status=episode.status,
            aliases=episode.aliases,
            headline=headline_of(lead, self.register),
            lead_signal_id=lead.id,
            signal_ids=episode.signal_ids(),
            parts=lead.parts,
            examples=lead.examples or next((s.examples for s in sorted(live, key=lambda s: s.id) if s.examples), ()),
            history=episode.history,
        )

    def _record(self, episode: Episode, alert: Alert, rules: list[str], now: datetime) -> Alert:
        lines = [
            Transition(
                rule=rule,
                at=now,
                severity=alert.severity,
                status=alert.status,
                observed=alert.observed,
                expected=alert.expected,
            )
            for rule in rules
        ]
        episode.history = (*episode.history, *lines)
        self._shown[episode.id] = replace(alert, history=episode.history)
        return self._shown[episode.id]

    def _withdraw(self, episode: Episode, now: datetime) -> Alert | None:
        before = self._shown.get(episode.id)
        if before is None:
            self._drop(episode)
            return None
        withdrawn = replace(before, state=EvidenceState.WITHDRAWN, signal_ids=episode.signal_ids())
        return self._end(episode, replace(withdrawn, aliases=episode.aliases), "WITHDRAW-1", now)

    def _close(self, now: datetime, watermark: datetime) -> list[Alert]:
        gap = timedelta(hours=self.config.merge_hours)
        over = [e for _, e in sorted(self._episodes.items()) if e.settled() and e.last_evidence() + gap <= watermark]
        for old in [signal for signal in self._ended.values() if signal.window_end + _REMEMBERED <= watermark]:
            del self._ended[old.id]
            self._ended_index.discard(old)
        self._remember([signal for episode in over for signal in episode.largest()])
        return [self._end(episode, self._shown[episode.id], "CLOSE-1", now) for episode in over]

    def _remember(self, ended: list[Signal]) -> None:
        for signal in ended:
            self._ended[signal.id] = signal
            self._ended_index.add(signal)

    def _end(self, episode: Episode, alert: Alert, rule: str, now: datetime) -> Alert:
        closed = replace(alert, status=AlertStatus.CLOSED, closed_at=now, updated_at=now)
        ended = self._record(episode, closed, [rule], now)
        self._drop(episode)
        return ended

    def _drop(self, episode: Episode) -> None:
        self._forget(episode.signals.values())
        del self._episodes[episode.id]
        self._shown.pop(episode.id, None)

    def state(self) -> dict[str, Any]:
        """Return the open episodes and their alerts, as plain data."""
        state = {
            "episodes": [self._episodes[i] for i in sorted(self._episodes)],
            "shown": self._shown,
            "ended": [self._ended[i] for i in sorted(self._ended)],
        }
        plain: dict[str, Any] = msgspec.to_builtins(state, order="deterministic")
        return plain

    def load(self, state: dict[str, Any]) -> None:
        """Take over the open episodes of a state."""
        self._episodes, self._episode_of, self._index = {}, {}, EvidenceIndex(self.register)
        for episode in msgspec.convert(state["episodes"], list[Episode]):
            self._episodes[episode.id] = episode
            for signal in episode.signals.values():
                self._hold(signal, episode)
        self._shown = msgspec.convert(state["shown"], dict[str, Alert])
        self._ended, self._ended_index = {}, EvidenceIndex(self.register)
        self._remember(msgspec.convert(state["ended"], list[Signal]))


def _rules(before: Alert, after: Alert, *, merged: bool) -> list[str]:
    """Name the rules that changed an alert (a change may be too small for any)."""
    rules = ["MERGE-1"] if merged else []
    if after.state is EvidenceState.FINAL and before.state is not EvidenceState.FINAL:
        rules.append("CONFIRM-1")
    return rules or (["UPDATE-1"] if _notable(before, after) else [])


def _notable(before: Alert, after: Alert) -> bool:
    return (
        abs(after.severity - before.history[-1].severity) >= _NOTABLE_CHANGE
        or after.areas != before.areas
        or after.categories != before.categories
    )
