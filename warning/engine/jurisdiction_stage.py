"""The jurisdiction stage: totals, departments and channels over all shards, recurrence intervals, episodes, alerts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np

from models.base import NO_PARENT, CountDetector
from warning.domain.area import AreaPath
from warning.domain.bucket import BucketLength
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.absent import Absent
from warning.engine.bank import SeriesBank
from warning.engine.course import Courses
from warning.engine.finding import Standing
from warning.engine.records import SeriesCount, Tick, TickReport
from warning.engine.signals import signal_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from models.base import CountArray, IntArray
    from warning.domain.alert import Alert
    from warning.domain.evidence import EvidencePoint
    from warning.domain.signal import Signal
    from warning.engine.config import EngineConfig
    from warning.engine.grid import Grid

_AREAS_PER_NAME = 10


class Policy(Protocol):
    """What decides about alerts: see :class:`warning.policy.alerting.AlertPolicy`."""

    def judge(self, signals: Iterable[Signal], now: datetime, watermark: datetime) -> list[Alert]:
        """Return the alerts that a tick's signals make or change."""

    def control(self, control: Control) -> None:
        """Obey a control record; those about learning say nothing to it. What it changes shows in later alerts."""

    def state(self) -> dict[str, Any]:
        """Return what is open."""

    def load(self, state: dict[str, Any]) -> None:
        """Take over what is open."""


@dataclass(slots=True, kw_only=True)
class Judgement:
    """What the jurisdiction stage says of one tick: all signals with their recurrence intervals, and the alerts."""

    tick: Tick
    signals: list[Signal] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    points: list[EvidencePoint] = field(default_factory=list)
    decisions: int = 0


class JurisdictionStage:
    """Judges a tick once every shard has reported it.

    Those left out by a control record are not waited for; :mod:`warning.engine.absent` says what then becomes of them.
    """

    def __init__(self, config: EngineConfig, grid: Grid, detectors: list[CountDetector], policy: Policy) -> None:
        self.config = config
        self.grid = grid
        self.policy = policy
        self.bank = SeriesBank(config, grid, detectors)
        self.courses = Courses(self.bank)
        self.last_tick = -1
        self.absent = Absent(config)
        self._waiting: dict[int, dict[int, TickReport]] = {}
        """By tick and first shard: the order in which reports come must not matter."""
        self._rows: dict[tuple[str, str, str], tuple[int, ...]] = {}
        self._quota = {
            SeriesKind.TOTAL: _AREAS_PER_NAME * config.name_quota,
            SeriesKind.DEPARTMENT: config.name_quota,
            SeriesKind.CHANNEL: config.name_quota,
        }
        self._kept = dict.fromkeys(self._quota, 0)
        self._tentative = dict.fromkeys(self._quota, 0)
        self._points: list[EvidencePoint] = []
        self._analysed = dict.fromkeys(BucketLength, 0)
        """By all shards, at the last tick that none was left out of: how rare evidence is does not change by that."""

    @property
    def left_out(self) -> frozenset[int]:
        """The shards that are not waited for."""
        return frozenset(self.absent.shards)

    def report(self, report: TickReport) -> list[Judgement]:
        """Take a report in, once; returns the judgements of all ticks that are now complete, in order."""
        self._keep(report)
        return self._judge_complete()

    def control(self, control: Control) -> list[Judgement]:
        """Obey a control record; leaving a shard out may complete ticks."""
        if control.kind is ControlKind.SHARD_LEFT_OUT and control.shard is not None:
            self.absent.leave(control.shard, self.last_tick)
        elif control.kind is ControlKind.SHARD_BACK and control.shard is not None:
            self.absent.back(control.shard)
        elif control.series is None or control.series.kind is not SeriesKind.AREA_CATEGORY:
            self.bank.control(control)
        self.policy.control(control)
        return self._judge_complete()

    def _keep(self, report: TickReport) -> None:
        if report.tick.number > self.last_tick:
            self._waiting.setdefault(report.tick.number, {}).setdefault(min(report.shards), report)
        elif self.absent.missed(report):
            self.absent.hold(report)

    def _judge_complete(self) -> list[Judgement]:
        judgements = []
        wanted = set(range(self.config.shards)) - self.left_out
        for number in sorted(self._waiting):
            reported = {shard for report in self._waiting[number].values() for shard in report.shards}
            if not wanted <= reported:
                break
            judgements.append(self._judge(_sorted(self._waiting.pop(number))))
        return judgements

    def _judge(self, reports: list[TickReport]) -> Judgement:
        tick = reports[0].tick
        self.last_tick = tick.number
        if self.bank.started is None:
            self.bank.start(tick.watermark)
        own = self._apart(reports) if self.absent.shards else self._together(reports)
        newer = {signal.id for signal in own}
        waited = [signal for identity, signal in self.absent.released().items() if identity not in newer]
        series = {length: count + self.bank.analysed()[length] for length, count in self._analysed.items()}
        signals = [_with_recurrence(signal, series) for signal in [*own, *waited]]
        signals.sort(key=lambda signal: signal.id)
        alerts = self.policy.judge(signals, self.grid.moment(tick.read_to), self.grid.moment(tick.watermark))
        self.courses.forget()
        judgement = Judgement(
            tick=tick, signals=signals, alerts=alerts, points=self._points, decisions=self.bank.decisions
        )
        self._points, self.bank.decisions = [], 0
        return judgement

    def _together(self, reports: list[TickReport]) -> list[Signal]:
        """Return the signals of a tick with every shard, what waited for it in the counts."""
        counts, corrections = self.absent.released_counts()
        self._count([*counts, *(count for report in reports for count in report.counts)])
        self._correct([*corrections, *(count for report in reports for count in report.corrections)])
        self._analysed = {n: sum(report.analysed[n] for report in reports) for n in BucketLength}
        tick = reports[0].tick
        own = [signal_of(f, self.bank, tick.read_to, None) for f in self.bank.close_through(tick.watermark, self)]
        own += [signal_of(f, self.bank, tick.read_to, None) for f in self.bank.look(tick.read_to)]
        return [*own, *(signal for report in reports for signal in report.signals)]

    def _apart(self, reports: list[TickReport]) -> list[Signal]:
        """Return the signals of a tick without some shards: those of the others, and nothing on sums over all."""
        return [signal for report in reports for signal in self.absent.hold(report)]

    def _count(self, counts: list[SeriesCount]) -> None:
        rows, quarters, amounts = self._expanded(counts, add=True)
        if not len(rows):
            return
        order = np.argsort(quarters, kind="stable")
        self.bank.counts.add(rows[order], quarters[order], amounts[order])

    def _correct(self, counts: list[SeriesCount]) -> None:
        rows, quarters, amounts = self._expanded(counts, add=False)
        for quarter in np.unique(quarters).tolist():
            mine = quarters == quarter
            some, inverse = np.unique(rows[mine], return_inverse=True)
            summed = np.bincount(inverse, weights=amounts[mine], minlength=len(some))
            self.bank.counts.correct(some, quarter, summed.astype(np.int32))

    def _expanded(self, counts: list[SeriesCount], *, add: bool) -> tuple[IntArray, IntArray, CountArray]:
        """Return one entry for each series a count belongs to: a total counts in every area above it."""
        entries = [
            (row, quarter, amount)
            for kind, area, name, quarter, amount in counts
            for row in self._rows_of(kind, area, name, add=add)
        ]
        columns = np.array(entries, np.int64).reshape(-1, 3)
        return columns[:, 0], columns[:, 1], columns[:, 2].astype(np.int32)

    def _rows_of(self, kind: str, area: str, name: str, *, add: bool) -> tuple[int, ...]:
        known = self._rows.get((kind, area, name))
        if known is not None:
            return known
        paths = AreaPath.parse(area).lineage() if kind == SeriesKind.TOTAL else [AreaPath.parse(area)]
        rows: list[int] = []
        for path in paths:
            row = self._row(SeriesKey(SeriesKind(kind), str(path), name), rows, add=add)
            if row is None:
                return tuple(rows)
            rows.append(row)
        self._rows[kind, area, name] = tuple(rows)
        return self._rows[kind, area, name]

    def _row(self, key: SeriesKey, above: list[int], *, add: bool) -> int | None:
        """Return a series' row, new or known; None where the quota leaves it no place."""
        row = self.bank.row_of.get(key)
        if row is not None:
            return None if self.bank.table["standing"][row] == Standing.REFUSED else row
        if not add or max(self._kept[key.kind], self._tentative[key.kind]) >= self._quota[key.kind]:
            return None
        self._tentative[key.kind] += 1
        parent, root = (above[-1], above[0]) if above else (NO_PARENT, NO_PARENT)
        return self.bank.add(key, parent, root, 0, Standing.TENTATIVE)

    def followed_quarters(self, _: int) -> tuple[int, ...]:
        """Return none: a quarter in which nothing came anywhere is left out."""
        return ()

    def closing_quarter(self, quarter: int) -> None:
        """Admit tentative series in the order of their names, as far as the quotas go."""
        counts = self.bank.counts.open[BucketLength.QUARTER][quarter][: self.bank.rows]
        tentative = np.nonzero((counts > 0) & (self.bank.table["standing"] == Standing.TENTATIVE))[0]
        for row in sorted(tentative.tolist(), key=lambda row: self.bank.keys[row]):
            kind = self.bank.keys[row].kind
            self._tentative[kind] -= 1
            if self._kept[kind] < self._quota[kind]:
                self._kept[kind] += 1
                self.bank.admit(row)
            else:
                self.bank.refuse(row)
                self._rows.clear()

    def closing(self, length: BucketLength, bucket: int) -> None:
        """Note the course of watched series."""
        self._points += self.courses.closing(length, bucket)

    def watch(self, signal: Signal) -> list[EvidencePoint]:
        """Follow a series that an alert rests on: returns its course so far."""
        return self.courses.watch(signal)

    def kept(self) -> dict[str, int]:
        """Return how many series of each kind are kept."""
        return {kind.value: kept for kind, kept in self._kept.items()}

    def state(self) -> dict[str, Any]:
        """Return everything, reports that wait for others included."""
        rows = np.arange(self.bank.rows)
        place = {row: row for row in range(self.bank.rows)}
        return {
            "bank": self.bank.state(rows, lambda _: True),
            "courses": self.courses.state(place),
            "policy": self.policy.state(),
            "last_tick": self.last_tick,
            "absent": self.absent.state(),
            "analysed": {length.value: count for length, count in self._analysed.items()},
            "waiting": [report for _, reports in sorted(self._waiting.items()) for report in _sorted(reports)],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over a state."""
        self.bank.load(state["bank"])
        self.courses.load(state["courses"], 0)
        self.policy.load(state["policy"])
        self.last_tick = state["last_tick"]
        self.absent.load(state["absent"])
        self._analysed = {length: state["analysed"][length.value] for length in BucketLength}
        for report in msgspec.convert(state["waiting"], list[TickReport]):
            self._keep(report)
        for key, standing in zip(self.bank.keys, self.bank.table["standing"].tolist(), strict=True):
            self._kept[key.kind] += standing == Standing.ADMITTED
            self._tentative[key.kind] += standing == Standing.TENTATIVE


def _sorted(reports: dict[int, TickReport]) -> list[TickReport]:
    return [report for _, report in sorted(reports.items())]


def _with_recurrence(signal: Signal, series: dict[BucketLength, int]) -> Signal:
    """Fill in the recurrence interval: 1 / (p-value x analyses a day) of all series at this length."""
    analyses = max(series[signal.length], 1) * signal.length.per_day
    return replace(signal, recurrence_interval_days=1.0 / (signal.p_value * analyses))
