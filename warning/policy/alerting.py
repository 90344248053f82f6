"""The alert policy: from a tick's signals to the alerts that changed. Pure: the same signals, the same alerts.

Rules, by the names that stand in an alert's history:

OPEN-1 : a signal that qualifies and has no open episode raises an alert (a week not, if an ended alert told of it;
    what a planned event explains not, nor what is not strong enough for a series that reviews made less sensitive)
UPDATE-1 : later evidence changes its severity by five or more since its last entry, its areas or its categories
CONFIRM-1 : the first closed bucket bears it out
MERGE-1 : another alert turned out to have the same cause; the older one goes on and keeps the other's id as alias
    (an alert that a person reviewed goes on whatever its age)
LINK-1 : another reviewed alert turned out to have the same cause; both stay, the later one says so once
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
from warning.domain.control import Control, ControlKind
from warning.domain.planned import PlannedEvents
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.policy.episode import Episode, qualifies, same_cause, told
from warning.policy.flags import flags_of
from warning.policy.headline import headline_of
from warning.policy.matching import EvidenceIndex
from warning.policy.planned import explained
from warning.policy.sensitivity import Said, Sensitivity
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
        self._sensitivity = Sensitivity()
        self._plans = PlannedEvents()

    def control(self, control: Control) -> None:
        """Obey a control record from now on; decisions already made stand."""
        self._sensitivity.tell(control)
        if control.kind is ControlKind.PLANNED:
            self._plans.tell(control)
        elif control.kind is ControlKind.REVIEWED:
            for episode in self._episodes.values():
                episode.reviewed |= control.alert in (episode.id, *episode.aliases)

    def factor(self, series: SeriesKey) -> float:
        """Return by how much stronger than usual a series' evidence must be to raise an alert (1 to 64)."""
        return self._sensitivity.of(series)

    def judge(self, signals: Iterable[Signal], now: datetime, watermark: datetime) -> list[Alert]:
        """Take a tick's signals in; returns the alerts that are new or changed, by id."""
        changed: dict[str, set[str]] = {}
        for signal in sorted(signals, key=self._order):
            self._take(signal, now, changed)
        alerts = [self._show(self._episodes[i], now, rules) for i, rules in sorted(changed.items())]
        self._plans.forget(round(watermark.timestamp() * 1000))
        return [alert for alert in alerts if alert is not None] + self._close(now, watermark)

    def _raises(self, signal: Signal) -> bool:
        """Whether a signal alone is reason enough for an alert, after what people said of its series."""
        return qualifies(signal, self.config, self.factor(signal.series)) and not explained(signal, self._plans)

    def _order(self, signal: Signal) -> tuple[bool, bool, datetime, str, str]:
        """Order a tick's signals: what raises alerts before what supports them, categories before the totals."""
        return (
            not self._raises(signal),
            signal.series.kind is not SeriesKind.AREA_CATEGORY,
            signal.window_start,
            str(signal.series),
            signal.id,
        )

    def _take(self, signal: Signal, now: datetime, changed: dict[str, set[str]]) -> None:
        """Put a signal where it belongs; notes which episodes changed, and which other alerts met there."""
        matching = self._matching(signal)
        if not matching and (not self._raises(signal) or self._told(signal)):
            return
        known = self._episode_of.get(signal.id)
        first, *others = sorted(matching, key=lambda episode: self._rank(episode, known)) or [self._open(signal, now)]
        self._hold(signal, first)
        changed.setdefault(first.id, set())
        for other in others:
            if other.reviewed:
                later = max(first, other, key=lambda episode: (episode.raised_at, episode.id))
                if not any(line.rule == "LINK-1" for line in later.history):
                    changed.setdefault(later.id, set()).add("LINK-1")
                continue
            if other.id in self._shown or other.aliases:
                changed[first.id].add("MERGE-1")
            self._merge(first, other)
            changed.pop(other.id, None)

    def _rank(self, episode: Episode, known: str | None) -> tuple[bool, bool, bool, datetime, str]:
        """Order episodes by which of them goes on: a reviewed one, of these the one that knows the signal."""
        mine = episode.reviewed and episode.id == known
        return not mine, not episode.reviewed, episode.id not in self._shown, episode.raised_at, episode.id

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
        """Let an episode know a signal; one that was reason for its alert stays so, whatever was said since."""
        if qualifies(signal, self.config):
            before = episode.signals.get(signal.id)
            if (before is not None and episode.counts(before, self.config)) or self._raises(signal):
                episode.muted.discard(signal.id)
            else:
                episode.muted.add(signal.id)
        episode.signals[signal.id] = signal
        self._find(signal, episode)

    def _find(self, signal: Signal, episode: Episode) -> None:
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
        into.muted |= other.muted
        into.past.join(other.past)
        shown = {other.id} & self._shown.keys()
        into.aliases = tuple(sorted({*into.aliases, *other.aliases, *shown}))
        del self._episodes[other.id]
        self._shown.pop(other.id, None)

    def _show(self, episode: Episode, now: datetime, rules: set[str]) -> Alert | None:
        """Bring an alert up to date with its episode, other alerts met there included; None if nothing changed."""
        before = self._shown.get(episode.id)
        live = episode.live()
        if any(episode.counts(signal, self.config) for signal in live):
            alert = self._compose(episode, live, now)
            self._forget(episode.let_go(self.config))
        elif before is None or episode.settled():
            return self._withdraw(episode, now)
        else:
            alert = replace(before, updated_at=now, aliases=episode.aliases, signal_ids=episode.signal_ids())
        if before is None:
            return self._record(episode, alert, ["OPEN-1"], now)
        if not rules and replace(alert, updated_at=before.updated_at) == before:
            return None
        return self._record(episode, alert, _rules(before, alert, rules), now)

    def _compose(self, episode: Episode, live: list[Signal], now: datetime) -> Alert:
        lead = episode.lead(self.config)
        final = [s for s in live if s.state is EvidenceState.FINAL and episode.counts(s, self.config)]
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
        """Return the open episodes, their alerts, and what people said of series and plans, as plain data."""
        state = {
            "episodes": [self._episodes[i] for i in sorted(self._episodes)],
            "shown": self._shown,
            "ended": [self._ended[i] for i in sorted(self._ended)],
            "sensitivity": self._sensitivity.state(),
            "plans": self._plans.state(),
        }
        plain: dict[str, Any] = msgspec.to_builtins(state, order="deterministic")
        return plain

    def load(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self._episodes, self._episode_of, self._index = {}, {}, EvidenceIndex(self.register)
        for episode in msgspec.convert(state["episodes"], list[Episode]):
            self._episodes[episode.id] = episode
            for signal in episode.signals.values():
                self._find(signal, episode)
        self._shown = msgspec.convert(state["shown"], dict[str, Alert])
        self._ended, self._ended_index = {}, EvidenceIndex(self.register)
        self._remember(msgspec.convert(state["ended"], list[Signal]))
        self._sensitivity.load(msgspec.convert(state["sensitivity"], list[Said]))
        self._plans.load(msgspec.convert(state["plans"], list[Control]))


def _rules(before: Alert, after: Alert, met: set[str]) -> list[str]:
    """Name the rules that changed an alert (a change may be too small for any)."""
    rules = sorted(met, reverse=True)
    if after.state is EvidenceState.FINAL and before.state is not EvidenceState.FINAL:
        rules.append("CONFIRM-1")
    return rules or (["UPDATE-1"] if _notable(before, after) else [])


def _notable(before: Alert, after: Alert) -> bool:
    return (
        abs(after.severity - before.history[-1].severity) >= _NOTABLE_CHANGE
        or after.areas != before.areas
        or after.categories != before.categories
    )
