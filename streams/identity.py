"""Whether the topics are still those of which the database's positions and states are.

A topic that was deleted and made anew has the old name, and its offsets begin again: once it is as long as what was
read of the old one, nothing else tells them apart. So the database keeps Kafka's id of each topic that a position in
it, or in ``clock``, is of, as it was when a worker first saw it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from streams.admin import Identity, identities
from streams.generations import log_name, names_until
from streams.process import end_process, or_end_process
from streams.topics import Name
from warning.domain.errors import EarlyWarningError
from warning.service.errors import BadInputError
from warning.service.ports import StoreBusyError
from warning.store.sql import meta

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from warning.settings import Settings
    from warning.store.sql.database import Database

BESIDE = (Name.CLOCK, Name.SIGNALS, Name.REVIEWS)
"""Topics beside the log of which positions are kept that nothing else proves; of others reading begins again."""
LOOK_SECONDS = 30.0
AGAIN_SECONDS = 1.0

_LOG = logging.getLogger(__name__)


class TopicMadeAnewError(EarlyWarningError):
    """A topic is not the one of which positions and states are stored."""

    def __init__(self, topic: str, key: str, noted: Identity, found: Identity) -> None:
        if noted.id == found.id:
            what = "partitions were added to it; the log gets more by `early-warning repartition` only"
            zh = "该主题被直接增加了分区 (日志只能用 early-warning repartition 增加分区)"
            restored = restored_zh = ""
        else:
            what, zh = "it was deleted and made anew", "该主题已被删除并重建"
            restored = (
                " If it was restored with every record at its old offset, delete the row "
                f"{key!r} of the database's table meta instead."
            )
            restored_zh = f"若它是按原偏移完整恢复的,则请删除数据库 meta 表中键为 {key!r} 的行。"
        super().__init__(
            f"{topic}: has {found.partitions} partitions and the id {found.id}, but what is stored is of one with "
            f"{noted.partitions} and the id {noted.id}: {what}. Begin with a new database and another kafka.prefix."
            f"{restored}"
        )
        self.zh = (
            f"{topic}: 现有 {found.partitions} 个分区 (标识 {found.id}),而已存状态属于 {noted.partitions} 个分区的主题 "
            f"(标识 {noted.id}): {zh}。请换用新数据库和新的 kafka.prefix。{restored_zh}"
        )


class TopicWatch:
    """Ends the process when a topic is another one; looks before the app begins, then again and again.

    Implements :class:`streams.process.Part`. Brokers or a database that are away are asked again soon.

    Parameters
    ----------
    usable : whether the database has this program's tables yet
    """

    def __init__(self, settings: Settings, database: Database, *, usable: Callable[[], bool] = lambda: True) -> None:
        self._settings = settings
        self._database = database
        self._usable = usable
        self._known = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Look, and go on looking."""
        pause = await self._look()
        self._task = asyncio.create_task(or_end_process(self._look_always(pause)))

    async def stop(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()

    async def stands(self) -> bool:
        """Return whether the topics have been found to be the noted ones since it began; looks where they have not."""
        if not self._known:
            await self._look()
        return self._known

    async def _look_always(self, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            pause = await self._look()

    async def _look(self) -> float:
        """Look once; returns the seconds until the next time."""
        if not self._usable():
            return AGAIN_SECONDS
        try:
            await asyncio.to_thread(check_topics_stand, self._settings, self._database)
        except (BadInputError, StoreBusyError) as error:
            _LOG.warning("whether topics were made anew is not known", extra={"reason": str(error)})
            return AGAIN_SECONDS
        except TopicMadeAnewError as error:
            end_process(error)
        self._known = True
        return LOOK_SECONDS


def check_topics_stand(settings: Settings, database: Database) -> None:
    """Raise TopicMadeAnewError for a topic that is not the one noted; those seen for the first time are noted.

    What is not there is no other topic: who needs it says so. Raises BadInputError where no broker answers.
    """
    with database.read() as connection:
        log = names_until(log_name(connection))
    prefix = settings.kafka.prefix
    there = identities(settings, [prefix + name for name in (*log, *BESIDE)])
    with database.read() as connection:
        new = _compared(connection, there, prefix, log)
    if new:
        with database.write() as connection:  # another process may have noted another one meanwhile
            for key, found in _compared(connection, there, prefix, log).items():
                meta.put(connection, key, f"{found.id} {found.partitions}")


def _compared(
    connection: Connection, there: Mapping[str, Identity], prefix: str, log: Sequence[str]
) -> dict[str, Identity]:
    """Return the topics that are not noted, by the keys that they are noted by."""
    new = {}
    for topic, found in there.items():
        name = topic.removeprefix(prefix)
        key = f"topic:{name}"
        text = meta.get(connection, key)
        if text is None:
            new[key] = found
            continue
        id_, partitions = text.split()
        # Of the log each number of partitions divides the shards otherwise; of the others the first one is all.
        if id_ != found.id or (name in log and int(partitions) != found.partitions):
            raise TopicMadeAnewError(topic, key, Identity(id_, int(partitions)), found)
    return new
