"""Metrics: every name there is, with its labels and what it means; and the methods by which a runtime reports.

Labels come from closed sets, which are checked when a metric is made: every series is there from the start, at zero,
and none ever vanishes. A ticket's id, a person's name or a text is never a label.
"""

from __future__ import annotations

import math
from collections import Counter as Tally
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Literal, TypeAlias, get_args

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from models.base import discover
from warning.domain.alert import Alert, ReviewFlag
from warning.domain.bucket import QUARTER_MS
from warning.domain.outcome import RowOutcome
from warning.domain.reject import RejectReason
from warning.domain.signal import EvidenceState
from warning.engine.records import OUTCOME_ORDER, Output, Record, Tick
from warning.intake.columns import TicketColumns
from warning.runtime.clock import Clock, steady_seconds
from warning.service.ports import Condition

PREFIX = "early_warning_"

StoreOperation: TypeAlias = Literal["append", "commit", "snapshot", "restore"]
"""What is timed of the store: tickets made durable, outputs with their position, snapshots out and in."""

OTHER = "other"
"""Stands for every route and method that the service does not have."""

_STATUS_CLASSES = ("2xx", "3xx", "4xx", "5xx")
_BANDS = ("0-24", "25-49", "50-74", "75-100")

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_HOURS = tuple(60.0 * minutes for minutes in (1, 5, 15, 30, 60, 75, 90, 120, 180, 360, 720, 1440))
"""With a lateness of an hour a bucket closes an hour after its end: the bounds are finest there."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A metric: its name without the prefix, its type, its labels, its meaning in both languages."""

    name: str
    type: Literal["counter", "gauge", "histogram"]
    labels: tuple[str, ...]
    meaning: str
    bounds: tuple[float, ...] = ()

    @property
    def full_name(self) -> str:
        """The name as Prometheus sees it."""
        return PREFIX + self.name


TICKETS = Spec("tickets_total", "counter", ("outcome",), "Tickets by what became of them. 工单数,按处理结果")
REJECTS = Spec("rejects_total", "counter", ("reason",), "Refused items by reason. 被拒绝的条目数,按原因")
WATERMARK_AGE = Spec(
    "watermark_age_seconds", "gauge", (), "Age of the time up to which everything was read. 水位线距今"
)
LAG = Spec("applied_lag_records", "gauge", (), "Log records that wait to be applied. 待处理的日志记录数")
CLOSE_DELAY = Spec(
    "bucket_close_delay_seconds",
    "histogram",
    (),
    "From a quarter of an hour's end to its judgement, lateness included. 时段结束到判定的延迟 (含允许迟到)",
    _HOURS,
)
DETECTOR = Spec(
    "detector_seconds", "histogram", (), "Time that the engine takes for a tick. 引擎处理一个时钟记录的用时", _FAST
)
SIGNALS = Spec("signals_total", "counter", ("kind", "state"), "Versions of signals given. 信号版本数")
ALERTS = Spec("alerts_total", "counter", ("severity",), "Alerts raised, by severity when raised. 新增预警数,按严重度")
FLAGS = Spec("alert_flags_total", "counter", ("flag",), "Review flags of alerts raised. 新增预警的复核标记数")
QUEUE = Spec("review_queue_size", "gauge", (), "Alerts that wait for a review. 待复核预警数")
QUEUE_OLDEST = Spec(
    "review_queue_oldest_seconds", "gauge", (), "Age of the oldest of them; 0: none. 最早一条的等待时间"
)
STORE = Spec("store_seconds", "histogram", ("operation",), "Time that the store takes. 存储操作用时", _FAST)
SNAPSHOT_AGE = Spec("snapshot_age_seconds", "gauge", (), "Age of the latest snapshot. 最近快照距今")
STREAMS = Spec("sse_clients", "gauge", (), "Live streams that are open. 打开的实时流数")
REQUESTS = Spec("http_requests_total", "counter", ("method", "route", "status"), "HTTP requests answered. HTTP 请求数")
REQUEST_SECONDS = Spec(
    "http_request_seconds",
    "histogram",
    ("route",),
    "Time to the start of the answer. 到开始应答的用时",
    (0.005, 0.025, 0.1, 0.5, 2.5, 10.0),
)
SOURCES = Spec("sources", "gauge", (), "Sources that have sent anything. 有数据的来源数")
SILENT = Spec("sources_silent", "gauge", (), "Those silent beyond their lateness. 静默超限的来源数")
READY = Spec("ready", "gauge", (), "1: restored and caught up. 1 表示就绪")
STUCK = Spec("stuck", "gauge", (), "1: records wait and none is applied. 1 表示处理停滞")
WRITES_FAIL = Spec("writes_failing", "gauge", (), "1: the store refuses to write. 1 表示无法写入")
BUILD = Spec("build_info", "gauge", ("version",), "1, for the version that runs. 恒为 1,标签为版本号")

SPECS: tuple[Spec, ...] = (
    TICKETS,
    REJECTS,
    WATERMARK_AGE,
    LAG,
    CLOSE_DELAY,
    DETECTOR,
    SIGNALS,
    ALERTS,
    FLAGS,
    QUEUE,
    QUEUE_OLDEST,
    STORE,
    SNAPSHOT_AGE,
    STREAMS,
    REQUESTS,
    REQUEST_SECONDS,
    SOURCES,
    SILENT,
    READY,
    STUCK,
    WRITES_FAIL,
    BUILD,
)


class Metrics:
    """All metrics of one service.

    registry : holds them; one for each service, so that two in one process do not mix
    clock : of the service, by which ages are told at the moment of the scrape
    version : of the program
    """

    def __init__(self, registry: CollectorRegistry, *, clock: Clock, version: str) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = registry
        self._clock = clock
        self._tickets = _counter(registry, TICKETS, RowOutcome)
        self._rejects = _counter(registry, REJECTS, RejectReason)
        self._signals = _counter(registry, SIGNALS, {one.kind for one in discover()}, EvidenceState)
        self._alerts = _counter(registry, ALERTS, _BANDS)
        self._flags = _counter(registry, FLAGS, ReviewFlag)
        self._store = _histogram(registry, STORE, get_args(StoreOperation))
        self._close_delay = _histogram(registry, CLOSE_DELAY)[()]
        self._detector = _histogram(registry, DETECTOR)[()]
        self._gauges = {
            spec.name: Gauge(spec.full_name, spec.meaning, registry=registry)
            for spec in SPECS
            if spec.type == "gauge" and not spec.labels
        }
        self._requests = Counter(REQUESTS.full_name, REQUESTS.meaning, REQUESTS.labels, registry=registry)
        self._request_seconds = Histogram(
            REQUEST_SECONDS.full_name,
            REQUEST_SECONDS.meaning,
            REQUEST_SECONDS.labels,
            registry=registry,
            buckets=REQUEST_SECONDS.bounds,
        )
        self._routes: set[tuple[str, str]] = set()
        self.expect_routes([(OTHER, OTHER)])
        self._watermark = self._snapshot_at = math.nan
        self._closed_until: int | None = None
        self._gauges[WATERMARK_AGE.name].set_function(lambda: self._clock() / 1000 - self._watermark)
        self._gauges[SNAPSHOT_AGE.name].set_function(lambda: self._age(self._snapshot_at))
        Gauge(BUILD.full_name, BUILD.meaning, BUILD.labels, registry=registry).labels(version).set(1)
        ProcessCollector(registry=registry)

    # --- tickets and what the engine says -----------------------------------------------------------------------------

    def tickets(self, outcomes: Mapping[RowOutcome, int]) -> None:
        """Count tickets by their outcome."""
        for outcome, count in outcomes.items():
            self._tickets[outcome,].inc(count)

    def rejected(self, reasons: Iterable[RejectReason]) -> None:
        """Count refused items by reason, and as tickets with the outcome rejected."""
        counts = Tally(reasons)
        for reason, count in counts.items():
            self._rejects[reason,].inc(count)
        self.tickets({RowOutcome.REJECTED: counts.total()})

    def applied(self, record: Record, output: Output, at_ms: int) -> None:
        """Count what became of a log record that was applied, and when."""
        if isinstance(record, Tick):
            self._observe_closing(record.watermark, at_ms)
        if isinstance(record, TicketColumns) and output.outcomes is not None:
            codes = output.outcomes.tolist()
            self.tickets({outcome: codes.count(code) for code, outcome in enumerate(OUTCOME_ORDER)})
        self.output(output)

    def output(self, output: Output) -> None:
        """Count the signals that the engine gave and the alerts that it raised."""
        for signal in output.signals:
            self._signals[signal.kind, signal.state].inc()
        for alert in filter(_is_new, output.alerts):
            self._alerts[_BANDS[min(alert.severity // 25, 3)],].inc()
            for flag in alert.flags:
                self._flags[flag.code,].inc()

    def detector(self, seconds: float) -> None:
        """Note how long the engine took for a tick."""
        self._detector.observe(seconds)

    # --- the service --------------------------------------------------------------------------------------------------

    @contextmanager
    def store(self, operation: StoreOperation) -> Iterator[None]:
        """Time what is done inside, also when it fails."""
        began = steady_seconds()
        try:
            yield
        finally:
            self._store[operation,].observe(steady_seconds() - began)

    def observe_condition(self, condition: Condition) -> None:
        """Take over how the service does."""
        self._watermark = condition.watermark.timestamp() if condition.watermark else math.nan
        self._snapshot_at = condition.snapshot_at.timestamp() if condition.snapshot_at else math.nan
        for spec, value in (
            (LAG, max(0, condition.newest_position - condition.applied_position)),
            (SOURCES, len(condition.freshness)),
            (SILENT, sum(one.silent for one in condition.freshness)),
            (READY, condition.ready),
            (STUCK, condition.stuck),
            (WRITES_FAIL, bool(condition.problem)),
        ):
            self._gauges[spec.name].set(value)

    def queue(self, size: int, oldest_age: float) -> None:
        """Take over how many alerts wait for a review, and how long the oldest of them has, in seconds."""
        self._gauges[QUEUE.name].set(size)
        self._gauges[QUEUE_OLDEST.name].set(oldest_age if size else 0)

    def expect_routes(self, routes: Iterable[tuple[str, str]]) -> None:
        """Make known the methods and path templates that the service answers; all others count as "other"."""
        for method, route in routes:
            self._routes.add((method, route))
            self._request_seconds.labels(route)
            for status in _STATUS_CLASSES:
                self._requests.labels(method, route, status)

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an HTTP request and the time until its answer began."""
        if (method, route) not in self._routes:
            method = route = OTHER
        self._requests.labels(method, route, _STATUS_CLASSES[min(max(status // 100, 2), 5) - 2]).inc()
        self._request_seconds.labels(route).observe(seconds)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a live stream as open while inside."""
        gauge = self._gauges[STREAMS.name]
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()

    def exposition(self) -> tuple[bytes, str]:
        """Return what Prometheus scrapes, and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    # --- behind it ----------------------------------------------------------------------------------------------------

    def _age(self, moment: float) -> float:
        return max(0.0, self._clock() / 1000 - moment) if not math.isnan(moment) else math.nan

    def _observe_closing(self, watermark: int, at_ms: int) -> None:
        """Note the delay of the latest quarter that a tick closed: one observation a tick, also after a long gap."""
        end = watermark // QUARTER_MS
        if self._closed_until is not None and end > self._closed_until:
            self._close_delay.observe(max(0, at_ms - end * QUARTER_MS) / 1000)
        self._closed_until = max(end, self._closed_until or end)


def _counter(registry: CollectorRegistry, spec: Spec, *values: Iterable[str]) -> dict[tuple[str, ...], Counter]:
    """Make a counter with every combination of its labels' values at zero."""
    metric = Counter(spec.full_name, spec.meaning, spec.labels, registry=registry)
    return {each: metric.labels(*each) for each in _combinations(spec, values)}


def _histogram(registry: CollectorRegistry, spec: Spec, *values: Iterable[str]) -> dict[tuple[str, ...], Histogram]:
    metric = Histogram(spec.full_name, spec.meaning, spec.labels, registry=registry, buckets=spec.bounds)
    return {each: metric.labels(*each) if each else metric for each in _combinations(spec, values)}


def _combinations(spec: Spec, values: Iterable[Iterable[str]]) -> Iterator[tuple[str, ...]]:
    closed = [[str(value) for value in one] for one in values]
    if len(closed) != len(spec.labels) or not all(closed):
        raise ValueError(f"{spec.name} needs a closed set of values for each of its labels {spec.labels}")
    return product(*closed)


def _is_new(alert: Alert) -> bool:
    """Whether this version of an alert is its first."""
    return len(alert.history) == 1 and alert.history[0].at == alert.updated_at
