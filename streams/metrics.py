"""Metrics of the cluster's workers, beside those of the service (:mod:`warning.runtime.metrics`).

Label ``partition`` is a partition of the log, ``topic`` one of the two inputs: closed sets, known when a worker starts.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics

from warning.runtime.metrics import BUILD, Spec

if TYPE_CHECKING:
    from warning.runtime.clock import Clock

PARTITION_LAG = Spec(
    "partition_lag_records", "gauge", ("partition",), "Log records that wait to be applied. 各分区待处理的日志记录数"
)
PARTITION_WATERMARK_AGE = Spec(
    "partition_watermark_age_seconds", "gauge", ("partition",), "Age of the last tick applied. 各分区水位线距今"
)
PARTITION_SNAPSHOT_AGE = Spec(
    "partition_snapshot_age_seconds", "gauge", ("partition",), "Age of the latest snapshot. 各分区快照距今"
)
PARTITION_APPLIED = Spec(
    "partition_applied_records_total", "counter", ("partition",), "Log records applied. 各分区已处理的日志记录数"
)
INPUT_LAG = Spec("input_lag_records", "gauge", ("topic",), "Input records that wait to be read. 待读取的接入记录数")
INPUT_TICKETS = Spec("input_tickets_total", "counter", ("topic",), "Tickets written to the log. 写入日志的工单数")
LEADER = Spec("clock_leader", "gauge", (), "1: this worker writes the ticks. 1 表示由本进程写时钟")
TICKS = Spec("ticks_written_total", "counter", (), "Ticks written. 写出的时钟记录数")
JUDGED_AGE = Spec("judged_watermark_age_seconds", "gauge", (), "Age of the last tick judged. 最近判定的水位线距今")
WAITED_FOR = Spec(
    "partitions_waited_for", "gauge", (), "Partitions whose report of a tick is overdue. 超时未上报的分区数"
)
SHARDS_LEFT_OUT = Spec(
    "shards_left_out",
    "gauge",
    (),
    "Shards that ticks are judged without at present. 暂不参与判定的分片数",
)
REVIEWS_WAITING = Spec(
    "reviews_waiting", "gauge", (), "Decisions of people not yet in the log. 尚未写入日志的人工决定数"
)
POISON = Spec(
    "poison_tickets_total", "counter", (), "Tickets left out because they end the process. 被跳过的毒丸工单数"
)
CAUGHT_UP = Spec("caught_up_records_total", "counter", (), "Records read again that were not delivered. 补读的记录数")
WORKER_UP = Spec("worker_ready", "gauge", ("worker",), "1: this worker is ready. 1 表示该进程就绪")

SPECS: tuple[Spec, ...] = (
    PARTITION_LAG,
    PARTITION_WATERMARK_AGE,
    PARTITION_SNAPSHOT_AGE,
    PARTITION_APPLIED,
    INPUT_LAG,
    INPUT_TICKETS,
    LEADER,
    TICKS,
    JUDGED_AGE,
    WAITED_FOR,
    SHARDS_LEFT_OUT,
    REVIEWS_WAITING,
    POISON,
    CAUGHT_UP,
    WORKER_UP,
)


class Ages:
    """A gauge for each label value that tells, at the moment of the scrape, how old a moment is."""

    def __init__(self, registry: CollectorRegistry, spec: Spec, clock: Clock) -> None:
        self._gauge = Gauge(spec.full_name, spec.meaning, spec.labels, registry=registry)
        self._clock = clock
        self._moments: dict[str, int | None] = {}

    def set(self, label: str, moment_ms: int | None) -> None:
        """Note a moment; None: there is none (NaN)."""
        if label not in self._moments:
            self._gauge.labels(label).set_function(lambda: self._age(label))
        self._moments[label] = moment_ms

    def drop(self, label: str) -> None:
        """Forget a label: another process has it now."""
        if label in self._moments:
            del self._moments[label]
            self._gauge.remove(label)

    def _age(self, label: str) -> float:
        moment = self._moments.get(label)
        return math.nan if moment is None else max(0.0, (self._clock() - moment) / 1000)


def gauge(registry: CollectorRegistry, spec: Spec) -> Gauge:
    """Make a gauge of a specification."""
    return Gauge(spec.full_name, spec.meaning, spec.labels, registry=registry)


def counter(registry: CollectorRegistry, spec: Spec) -> Counter:
    """Make a counter of a specification."""
    return Counter(spec.full_name, spec.meaning, spec.labels, registry=registry)


def begin(registry: CollectorRegistry, worker: str, version: str) -> Gauge:
    """Register what every worker has; returns the gauge that says whether it is ready."""
    disable_created_metrics()  # type: ignore[no-untyped-call]
    ProcessCollector(registry=registry)
    gauge(registry, BUILD).labels(version).set(1)
    ready = gauge(registry, WORKER_UP).labels(worker)
    ready.set(0)
    return ready
