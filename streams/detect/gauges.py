"""What the detect worker measures of its partitions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from streams import metrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from streams.detect.partition import PartitionState
    from streams.following import Follower
    from warning.runtime.clock import Clock


class Gauges:
    """Metrics by partition; those of a partition that moved on go."""

    def __init__(self, registry: CollectorRegistry, clock: Clock) -> None:
        self._lag = metrics.gauge(registry, metrics.PARTITION_LAG)
        self._watermark = metrics.Ages(registry, metrics.PARTITION_WATERMARK_AGE, clock)
        self._snapshot = metrics.Ages(registry, metrics.PARTITION_SNAPSHOT_AGE, clock)
        self._applied = metrics.counter(registry, metrics.PARTITION_APPLIED)
        self._poison = metrics.counter(registry, metrics.POISON)
        self._missed = metrics.counter(registry, metrics.CAUGHT_UP)
        self._seen: dict[int, tuple[int, int, int]] = {}

    def observe(self, follower: Follower, state: PartitionState, end: int | None) -> None:
        """Take down how a partition does; ``end`` is the offset of its next record, None where that is not known."""
        label = str(state.partition)
        self._lag.labels(label).set(math.nan if end is None else max(0, end - state.next_offset))
        self._watermark.set(label, state.stage.watermark)
        self._snapshot.set(label, state.keeper.taken_at)
        now = (state.steps, state.poisoned, follower.missed)
        before = self._seen.get(state.partition, (0, 0, 0))
        self._applied.labels(label).inc(now[0] - before[0])
        self._poison.inc(now[1] - before[1])
        self._missed.inc(now[2] - before[2])
        self._seen[state.partition] = now

    def drop(self, partition: int) -> None:
        """Forget a partition."""
        if self._seen.pop(partition, None) is not None:
            label = str(partition)
            self._lag.remove(label)
            self._watermark.drop(label)
            self._snapshot.drop(label)
