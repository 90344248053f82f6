"""The topics: one table, from which they are made, checked and documented."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS

if TYPE_CHECKING:
    from warning.settings import Settings

FOR_EVER = -1
OUTSIDE = ("platforms", "administrators", "other systems")
"""Owners and readers that are no workers of the service."""
MEGABYTE = 1 << 20
LONGEST_SEGMENT_MS = 7 * DAY_MS
CHECKS_MS = 10 * MINUTE_MS
"""Twice as long as brokers wait between looking for segments to delete, unless they are told otherwise."""


class Name(StrEnum):
    """Every topic by its name without the prefix."""

    RAW = "tickets.raw"
    PUSHED = "tickets.pushed"
    TICKETS = "tickets"
    REJECTED = "tickets.rejected"
    QUARANTINE = "tickets.quarantine"
    POISON = "tickets.poison"
    FLUSHED = "intake.flushed"
    REVIEWS = "reviews"
    CLOCK = "clock"
    SIGNALS = "signals"
    OUTCOMES = "outcomes"
    ALERTS = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it must be.

    key : what a record's key is, in words
    retention_ms : how long records stay; ``FOR_EVER`` where they are compacted or never go
    compacted : whether only the last record of a key stays
    private : whether records may hold personal data, so that none may stay longer than that
    largest : bytes of a record at most
    owner, readers : the workers that write and read it, or others (``OUTSIDE``)
    schema : name of the schema of its records (``streams/schemas``); empty: anything
    meaning : in both languages
    """

    name: str
    key: str
    partitions: int
    retention_ms: int
    owner: str
    readers: str
    meaning: str
    schema: str = ""
    compacted: bool = False
    private: bool = False
    largest: int = MEGABYTE

    def configuration(self, min_insync: int) -> dict[str, str]:
        """Return Kafka's own settings of the topic.

        Kafka deletes whole segments, and those only that are no longer written: a record may outlive ``retention.ms``
        by ``segment.ms`` and the broker's interval of checks.
        """
        segment = HOUR_MS if self.compacted else min(LONGEST_SEGMENT_MS, max(CHECKS_MS, self.retention_ms // 10))
        spare = segment + CHECKS_MS if self.private else 0
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "max.message.bytes": str(self.largest),
            # The broker's clock decides what is old, whatever a platform's clock says.
            "message.timestamp.type": "LogAppendTime",
            "min.insync.replicas": str(min_insync),
            "retention.ms": str(self.retention_ms - spare),
            "segment.ms": str(segment),
        }


def topics(settings: Settings) -> dict[Name, Topic]:
    """Return every topic as these settings want it, its name with the prefix."""
    kafka, keep = settings.kafka, settings.retention
    originals = keep.original_hours * HOUR_MS

    def topic(name: Name, **what: object) -> tuple[Name, Topic]:
        return name, Topic(name=kafka.prefix + name, **what)  # type: ignore[arg-type]

    return dict(
        [
            topic(
                Name.RAW,
                key="any: records of one key keep their order",
                partitions=kafka.input_partitions,
                retention_ms=originals,
                owner="platforms",
                readers="intake",
                private=True,
                largest=10 * MEGABYTE,
                meaning="What platforms send, as they send it: JSON or CloudEvents. 平台原始事件",
            ),
            topic(
                Name.PUSHED,
                key="source",
                partitions=kafka.input_partitions,
                retention_ms=originals,
                owner="api",
                readers="intake",
                schema="log",
                largest=16 * MEGABYTE,
                meaning="What came by HTTP, checked and redacted. 经 HTTP 接入、已校验脱敏的工单",
            ),
            topic(
                Name.TICKETS,
                key="shard; of ticks and controls none",
                partitions=kafka.partitions,
                retention_ms=keep.log_days * DAY_MS,
                owner="intake",
                readers="detect",
                schema="log",
                largest=16 * MEGABYTE,
                meaning="The log, the truth: batches of one shard's tickets, ticks, controls. 日志:工单批、时钟、控制",
            ),
            topic(
                Name.REJECTED,
                key="source",
                partitions=1,
                retention_ms=keep.rejected_days * DAY_MS,
                owner="intake, api",
                readers="alerts",
                schema="rejected",
                meaning="Dead letters: what was refused, why, and where it stands. 死信",
            ),
            topic(
                Name.QUARANTINE,
                key="source",
                partitions=1,
                retention_ms=originals,
                owner="api",
                readers="administrators",
                private=True,
                largest=16 * MEGABYTE,
                meaning="Originals of refused HTTP items; they may hold personal data. 被拒绝条目的原文",
            ),
            topic(
                Name.POISON,
                key="topic/partition/offset of the batch",
                partitions=1,
                retention_ms=FOR_EVER,
                owner="detect",
                readers="detect",
                schema="poison",
                compacted=True,
                largest=16 * MEGABYTE,
                meaning="Tickets that every replay leaves out, because they end the process. 毒丸工单",
            ),
            topic(
                Name.FLUSHED,
                key="topic/partition",
                partitions=1,
                retention_ms=FOR_EVER,
                owner="intake",
                readers="intake",
                schema="flushed",
                compacted=True,
                meaning="How far each input was read and is in the log. 各输入的读取进度",
            ),
            topic(
                Name.REVIEWS,
                key="none",
                partitions=1,
                retention_ms=keep.log_days * DAY_MS,
                owner="alerts",
                readers="intake",
                schema="log",
                meaning="What people decided, on its way into the log. 人的决定",
            ),
            topic(
                Name.CLOCK,
                key="none",
                partitions=1,
                retention_ms=keep.log_days * DAY_MS,
                owner="intake",
                readers="intake, detect",
                schema="log",
                meaning="Ticks and controls in the one order that all partitions of the log follow. 时钟与控制的总序",
            ),
            topic(
                Name.SIGNALS,
                key="partition of the log",
                partitions=1,
                retention_ms=30 * DAY_MS,
                owner="detect",
                readers="alerts",
                schema="report",
                largest=16 * MEGABYTE,
                meaning="What each partition reports of a tick: signals, counts, courses. 各分区的时钟汇报",
            ),
            topic(
                Name.OUTCOMES,
                key="partition of the log",
                partitions=1,
                retention_ms=7 * DAY_MS,
                owner="detect",
                readers="alerts",
                schema="outcomes",
                largest=16 * MEGABYTE,
                meaning="What became of each ticket, for look-ups. 每件工单的处理结果",
            ),
            topic(
                Name.ALERTS,
                key="alert id",
                partitions=1,
                retention_ms=FOR_EVER,
                owner="alerts",
                readers="other systems",
                schema="alert",
                compacted=True,
                meaning="Alerts in their latest version, for other systems. 预警的最新版本",
            ),
        ]
    )


def partition_of(shard: int, partitions: int) -> int:
    """Return the partition of the log that carries a shard."""
    return shard % partitions


def shards_of(partition: int, partitions: int, shards: int) -> tuple[int, ...]:
    """Return the shards that a partition of the log carries."""
    return tuple(range(partition, shards, partitions))
