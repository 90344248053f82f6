"""Generations of the log: a topic's partitions cannot be regrouped, so a log of another number of them is a new topic.

The database says which topic is the log now. What came before stands in the topics of the older generations, in order:
``tickets``, ``tickets.g2``, ``tickets.g3``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams.topics import Name, partition_of, shards_of
from warning.domain.errors import EarlyWarningError
from warning.service.errors import BadInputError
from warning.store.sql import meta

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from streams.reading import RangeReader
    from warning.settings import Settings
    from warning.store.sql.database import Database

_MARK = f"{Name.TICKETS}.g"


class LogMovedError(EarlyWarningError):
    """The log has another number of partitions, in another topic, since this process began."""

    def __init__(self, before: str, now: str) -> None:
        super().__init__(f"the log is no longer {before} but {now}: the next start of this worker goes on there")


class GenerationGoneError(EarlyWarningError):
    """Records that a state needs were in a topic that somebody deleted."""

    def __init__(self, topic: str) -> None:
        super().__init__(
            f"{topic}: the records of this older generation of the log are needed, but the topic was deleted. Restore "
            "a newer backup of the database (its snapshots are in it), or load history with --force, which begins anew "
            "with what is kept."
        )
        self.zh = (
            f"{topic}: 需要旧日志的记录,但该主题已被删除。"
            "请恢复较新的数据库备份 (含快照),或用 --force 载入历史,从现存记录重新开始。"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One topic of the log and how many partitions it has; none where an older one was deleted."""

    topic: str
    partitions: int

    @property
    def gone(self) -> bool:
        """Whether its topic was deleted."""
        return not self.partitions

    def require(self) -> None:
        """Raise GenerationGoneError where its topic was deleted."""
        if self.gone:
            raise GenerationGoneError(self.topic)

    def shards(self, partition: int, shards: int) -> tuple[int, ...]:
        """Return the shards that a partition carries."""
        return shards_of(partition, self.partitions, shards)

    def partitions_of(self, shards: Iterable[int]) -> list[int]:
        """Return the partitions that carry some shards."""
        return sorted({partition_of(shard, self.partitions) for shard in shards})

    def scope(self, partition: int) -> str:
        """Return the name under which a partition's snapshots are kept."""
        return f"{self.topic}/{partition}"


def log_name(connection: Connection) -> str:
    """Return the name, without the prefix, of the topic that is the log now."""
    return meta.get(connection, meta.LOG_TOPIC) or Name.TICKETS


def log_topic(database: Database, settings: Settings) -> str:
    """Return the topic that is the log now."""
    with database.read() as connection:
        return settings.kafka.prefix + log_name(connection)


def names_until(name: str) -> list[str]:
    """Return the names of all generations up to one, oldest first."""
    number = number_of(name)
    return [Name.TICKETS.value, *(f"{_MARK}{each}" for each in range(2, number + 1))]


def next_name(name: str) -> str:
    """Return the name of the generation after one."""
    return f"{_MARK}{number_of(name) + 1}"


def number_of(name: str) -> int:
    """Return the number of a generation, from 1; raises BadInputError for what is no name of the log."""
    number = name.removeprefix(_MARK)
    if name == Name.TICKETS:
        return 1
    if name.startswith(_MARK) and number.isdigit() and int(number) > 1:
        return int(number)
    raise BadInputError(
        f"topic {name}",
        "is not a log",
        f"The log is {Name.TICKETS}, after a repartition {_MARK}2, {_MARK}3 and so on.",
        f"主题 {name} 不是日志。日志为 {Name.TICKETS},重新分区后为 {_MARK}2、{_MARK}3 等。",
    )


async def generations(reader: RangeReader, settings: Settings, name: str) -> list[Generation]:
    """Return all generations up to one, oldest first; older ones whose topic is gone have no partitions.

    Raises BadInputError where the newest is not there.
    """
    found = []
    for each in names_until(name):
        topic = settings.kafka.prefix + each
        partitions = await reader.partitions(topic)
        if not partitions and each == name:
            raise BadInputError(
                f"topic {topic}",
                "is not there",
                "Make the topics with `early-warning topics apply`, or correct kafka.bootstrap and kafka.prefix.",
                f"主题 {topic} 不存在。请运行 early-warning topics apply,或更正 kafka.bootstrap 与 kafka.prefix。",
            )
        found.append(Generation(topic=topic, partitions=partitions))
    return found
