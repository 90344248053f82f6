"""The back-test runtime: a whole log through the engine, everything it says kept in memory."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.domain.outcome import RowOutcome
from warning.domain.signal import Signal
from warning.service.result import BacktestResult, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from warning.domain.reject import Reject
    from warning.engine.engine import Engine
    from warning.engine.records import Output, Record
    from warning.intake.normalise import Normalised


class Intake:
    """Notes what the normaliser refused and repaired while its parts pass by."""

    def __init__(self) -> None:
        self.rows = 0
        self.rejects: list[Reject] = []
        self.repairs: Counter[tuple[str, str]] = Counter()

    def noting(self, parts: Iterable[Normalised]) -> Iterator[Normalised]:
        """Pass the parts on."""
        for part in parts:
            self.rows += part.rows
            self.rejects += part.rejects
            self.repairs += part.repairs
            yield part


class Collected:
    """The latest version of everything the engine said."""

    def __init__(self) -> None:
        self.signals: dict[str, Signal] = {}
        self.alerts: dict[str, Alert] = {}
        self.points: dict[tuple[str, str, str], EvidencePoint] = {}

    def add(self, output: Output) -> None:
        """Take one record's output in: later versions replace earlier ones, merged alerts leave an alias."""
        for signal in output.signals:
            self.signals[signal.id] = signal.following(self.signals.get(signal.id))
        for alert in output.alerts:
            self.alerts[alert.id] = alert
            for alias in alert.aliases:
                self.alerts.pop(alias, None)
        for point in output.points:
            self.points[str(point.series), point.length.value, point.start.isoformat()] = point


def run(
    engine: Engine, records: Iterable[Record], intake: Intake, *, inputs: tuple[str, ...], mapping: str, version: str
) -> BacktestResult:
    """Apply every record and sum up. ``records`` may be drawn from ``intake`` while the engine runs."""
    collected = Collected()
    for record in records:
        collected.add(engine.apply(record))
    alerts = sorted(collected.alerts.values(), key=lambda alert: (alert.raised_at, alert.id))
    signals = sorted(collected.signals.values(), key=lambda signal: (signal.raised_at, signal.id))
    points = sorted(collected.points.values(), key=lambda point: (point.series, point.length.value, point.start))
    return BacktestResult(
        summary=_summary(engine, intake, alerts, len(signals), inputs=inputs, mapping=mapping, version=version),
        alerts=alerts,
        signals=signals,
        evidence=points,
        rejects=sorted(intake.rejects, key=lambda reject: (reject.source, reject.row)),
    )


def _summary(
    engine: Engine,
    intake: Intake,
    alerts: list[Alert],
    signals: int,
    *,
    inputs: tuple[str, ...],
    mapping: str,
    version: str,
) -> Summary:
    done, config = engine.statistics, engine.config
    outcomes = {RowOutcome.REJECTED.value: len(intake.rejects)} | done.outcomes
    kinds = engine.jurisdiction.kept() | {"area_category": done.series}
    return Summary(
        jurisdiction=config.jurisdiction,
        zone=config.zone,
        version=version,
        inputs=inputs,
        mapping=mapping,
        rows=sum(outcomes.values()),
        outcomes={outcome.value: outcomes[outcome.value] for outcome in RowOutcome},
        reject_reasons=dict(sorted(Counter(reject.reason.value for reject in intake.rejects).items())),
        repairs={f"{field}:{rule}": count for (field, rule), count in sorted(intake.repairs.items())},
        life_events=dict(sorted(done.life_events.items())),
        backlog=dict(sorted(done.backlog.items())),
        first_event=None if done.first_event is None else engine.grid.moment(done.first_event),
        last_event=None if done.last_event is None else engine.grid.moment(done.last_event),
        ticks=done.ticks,
        decisions=done.decisions,
        series=dict(sorted(kinds.items())),
        overflowed=done.overflowed,
        dedupe_horizon_days=done.horizon_days,
        signals=signals,
        alerts=len(alerts),
        alerts_by_status=dict(sorted(Counter(alert.status.value for alert in alerts).items())),
        notices=notices_of(engine),
    )


def notices_of(engine: Engine) -> tuple[str, ...]:
    """Say which limits were reached, in both languages."""
    done, config = engine.statistics, engine.config
    notices = []
    if done.overflowed:
        notices.append(
            f"类别或区域过多: {done.overflowed} 件工单计入溢出序列, 请检查映射或提高 engine.series_quota_per_shard. "
            f"Too many categories or areas: {done.overflowed} tickets were counted in overflow series; "
            "check the mapping or raise engine.series_quota_per_shard."
        )
    if done.ticks and engine.shortened_horizon():
        notices.append(
            f"去重记忆缩短到 {done.horizon_days:.0f} 天 (设定 {config.dedupe_horizon_days} 天), "
            "请提高 engine.dedupe_capacity. "
            f"Duplicates are known for {done.horizon_days:.0f} days only (set: {config.dedupe_horizon_days}); "
            "raise engine.dedupe_capacity."
        )
    return tuple(notices)
