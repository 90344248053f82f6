"""The position in a topic that is stored with what was read from it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from warning.store.sql import meta

if TYPE_CHECKING:
    from warning.store.sql.database import Database


class Begins(Protocol):
    """Goes to a position: see :class:`streams.tailing.Tail`."""

    async def begin(self, offset: int) -> int: ...

    async def end(self) -> None: ...


async def resume(tail: Begins, database: Database, mark: str) -> None:
    """Begin where the mark says; where the topic is not at that position, the mark is set to where reading begins.

    A mark beyond the end of a topic that was made anew would otherwise have its records taken for known ones.
    """
    stored = await asyncio.to_thread(_stored, database, mark)
    begun = await tail.begin(stored)
    if begun == stored:
        return
    try:
        await asyncio.to_thread(_store, database, mark, begun)
    except BaseException:
        await tail.end()  # to be begun again
        raise


def _stored(database: Database, mark: str) -> int:
    with database.read() as connection:
        return meta.get_number(connection, mark)


def _store(database: Database, mark: str, position: int) -> None:
    with database.write() as connection:
        meta.put(connection, mark, position)
