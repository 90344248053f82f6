"""Where the log is: a new generation of it has another name and another number of partitions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streams import generations
from warning.service.errors import BadInputError

if TYPE_CHECKING:
    from streams.reading import RangeReader
    from warning.settings import Settings
    from warning.store.sql.database import Database


@dataclass(frozen=True, slots=True)
class LogTopic:
    """The topic that is the log."""

    name: str
    partitions: int


async def log_topic(settings: Settings, reader: RangeReader, database: Database) -> LogTopic:
    """Return the topic that the database says is the log, as the brokers have it.

    Raises StoreBusyError while the database does not say, BadInputError where the topic was never made.
    """
    name = await asyncio.to_thread(generations.log_topic, database, settings)
    partitions = await reader.partitions(name)
    if not partitions:
        raise BadInputError(
            f"topic {name}",
            "does not exist",
            "Make the topics first: `early-warning topics apply`.",
            f"主题 {name} 不存在。请先运行 early-warning topics apply。",
        )
    return LogTopic(name, partitions)
