"""The alert policy: from a tick's signals to the alerts that changed. Pure: the same signals, the same alerts.

Rules, by the names that stand in an alert's history:

OPEN-1 : a signal that qualifies and has no open episode raises an alert
UPDATE-1 : later evidence of the same cause changes its severity by five or more, its areas or its categories
CONFIRM-1 : the first closed bucket bears it out
MERGE-1 : another alert turned out to have the same cause; the older one goes on and keeps the other's id as alias
WITHDRAW-1 : no qualifying evidence is left when its buckets close
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
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.policy.episode import Episode, qualifies
from warning.policy.flags import flags_of
from warning.policy.headline import headline_of
from warning.policy.severity import severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from warning.policy.config import PolicyConfig

_NOTABLE_CHANGE = 5


class AlertPolicy:
    """Holds the open episodes of one jurisdiction."""

    def __init__(self, config: PolicyConfig, register: AreaRegister | None = None) -> None:
        self.config = config
        self.register = register or AreaRegister()
        self._episodes: dict[str, Episode] = {}
        self._shown: dict[str, Alert] = {}

    def judge(self, signals: Iterable[Signal], now: datetime, watermark: datetime) -> list[Alert]:
        """Take a tick's signals in; returns the alerts that are new or changed, by id."""
        changed: dict[str, str] = {}
        for signal in sorted(signals, key=_category_first):
            for episode_id, rule in self._take(signal, now):
                changed.setdefault(episode_id, rule)
        alerts = [
            self._show(self._episodes[episode_id], rule, now)
            for episode_id, rule in sorted(changed.items())
            if episode_id in self._episodes
        ]
        return [alert for alert in alerts if alert is not None] + self._close(now, watermark)

    def _take(self, signal: Signal, now: datetime) -> list[tuple[str, str]]:
        known = [e for e in self._episodes.values() if signal.id in e.signals]
        if signal.state is EvidenceState.WITHDRAWN:
            for episode in known:
                episode.signals[signal.id] = signal
            return [(episode.id, "UPDATE-1") for episode in known]
        matching = known + [
            e for e in self._episodes.values() if e not in known and e.same_cause(signal, self.config, self.register)
        ]
        if not matching:
            return self._open(signal, now) if qualifies(signal, self.config) else []
        oldest, *others = sorted(matching, key=lambda e: (e.raised_at, e.id))
        oldest.signals[signal.id] = signal
        for other in others:
            self._merge(oldest, other)
        return [(oldest.id, "MERGE-1" if others else "UPDATE-1")]

    def _open(self, signal: Signal, now: datetime) -> list[tuple[str, str]]:
        alert_id = xxhash.xxh3_64_hexdigest(f"{signal.jurisdiction}\x1f{signal.id}\x1f{now.isoformat()}".encode())
        self._episodes[alert_id] = Episode(id=alert_id, raised_at=now, signals={signal.id: signal})
        return [(alert_id, "OPEN-1")]

    def _merge(self, into: Episode, other: Episode) -> None:
        into.signals = other.signals | into.signals
        into.past.join(other.past)
        into.aliases = tuple(sorted({*into.aliases, other.id, *other.aliases}))
        del self._episodes[other.id]
        self._shown.pop(other.id, None)

    def _show(self, episode: Episode, rule: str, now: datetime) -> Alert | None:
        """Bring an alert up to date with its episode; None if nothing changed."""
        before = self._shown.get(episode.id)
        live = episode.live()
        if not any(qualifies(signal, self.config) for signal in live):
            return self._withdraw(episode, now)
        alert = self._compose(episode, live, now)
        if before is not None:
            if alert.state is EvidenceState.FINAL and before.state is not EvidenceState.FINAL:
                rule = "CONFIRM-1"
            if rule == "UPDATE-1" and not _notable(before, alert):
                rule = ""
            if replace(alert, updated_at=before.updated_at) == before:
                return None
        episode.let_go(self.config)
        return self._record(episode, alert, rule, now)

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
            flags=flags_of(
                lead,
                confirmed=bool(final),
                severity=urgency,
                departments=departments,
                config=self.config,
            ),
            status=episode.status,
            aliases=episode.aliases,
            headline=headline_of(lead, self.register),
            lead_signal_id=lead.id,
            signal_ids=tuple(sorted([*episode.signals, *episode.past.ids])),
            parts=lead.parts,
            examples=lead.examples or next((s.examples for s in live if s.examples), ()),
            history=episode.history,
        )

    def _record(self, episode: Episode, alert: Alert, rule: str, now: datetime) -> Alert:
        if rule:
            line = Transition(
                rule=rule,
                at=now,
                severity=alert.severity,
                status=alert.status,
                observed=alert.observed,
                expected=alert.expected,
            )
            episode.history = (*episode.history, line)
            alert = replace(alert, history=episode.history)
        self._shown[episode.id] = alert
        return alert

    def _withdraw(self, episode: Episode, now: datetime) -> Alert | None:
        before = self._shown.get(episode.id)
        del self._episodes[episode.id]
        if before is None:
            return None
        return self._end(episode, replace(before, state=EvidenceState.WITHDRAWN), "WITHDRAW-1", now)

    def _close(self, now: datetime, watermark: datetime) -> list[Alert]:
        gap = timedelta(hours=self.config.merge_hours)
        over = [e for _, e in sorted(self._episodes.items()) if e.settled() and e.last_evidence() + gap <= watermark]
        for episode in over:
            del self._episodes[episode.id]
        return [self._end(episode, self._shown[episode.id], "CLOSE-1", now) for episode in over]

    def _end(self, episode: Episode, alert: Alert, rule: str, now: datetime) -> Alert:
        closed = replace(alert, status=AlertStatus.CLOSED, closed_at=now, updated_at=now)
        ended = self._record(episode, closed, rule, now)
        del self._shown[episode.id]
        return ended

    def state(self) -> dict[str, Any]:
        """Return the open episodes and their alerts, as domain values."""
        return {"episodes": [self._episodes[i] for i in sorted(self._episodes)], "shown": dict(self._shown)}

    def load(self, state: dict[str, Any]) -> None:
        """Take over the open episodes of a state."""
        self._episodes = {episode.id: episode for episode in msgspec.convert(state["episodes"], list[Episode])}
        self._shown = msgspec.convert(state["shown"], dict[str, Alert])


def _category_first(signal: Signal) -> tuple[bool, datetime, str, str]:
    """Order a tick's signals: categories before the totals that they may explain."""
    return (signal.series.kind is not SeriesKind.AREA_CATEGORY, signal.window_start, str(signal.series), signal.id)


def _notable(before: Alert, after: Alert) -> bool:
    return (
        abs(after.severity - before.severity) >= _NOTABLE_CHANGE
        or after.areas != before.areas
        or after.categories != before.categories
    )
