"""What people decided: from the database's log, where it was stored with the act, to the topic ``reviews``, in order.

Each record is acknowledged before the next one is sent: of two sent together the brokers might take the second only,
and whoever reads them takes what comes behind a later position for a repetition. So each comes at least once, and the
first times are in order. What is in the topic goes from the log when it is as old as records of the topic grow
(:mod:`warning.store.sql.retention`).
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.records import POSITION_HEADER
from streams.sending import Sender
from streams.topics import Name, topics
from warning.store.logfile import encode_record
from warning.store.sql import meta
from warning.store.sql.log import SqlLog

if TYPE_CHECKING:
    from prometheus_client import Gauge

    from warning.engine.records import Record
    from warning.settings import Settings
    from warning.store.sql.database import Database

AT_ONCE = 100


class ReviewRelay:
    """Implements :class:`streams.alerts.loops.Repeated`.

    waiting : a metric, set to how many decisions are not in the topic yet
    """

    pause = 0.2

    def __init__(self, settings: Settings, database: Database, waiting: Gauge | None = None) -> None:
        self._settings = settings
        self._topic = topics(settings)[Name.REVIEWS].name
        self._database = database
        self._log = SqlLog(database)
        self._waiting = waiting
        self._sender: Sender | None = None

    async def step(self) -> bool:
        """Send some of what waits."""
        records = await asyncio.to_thread(self._next)
        if self._waiting is not None:
            self._waiting.set(len(records))
        if not records:
            return False
        sender = await self._connected()
        for position, record in records:
            place = [(POSITION_HEADER, b"%d" % position)]
            await (await sender.send(self._topic, encode_record(record), partition=0, headers=place))
        await asyncio.to_thread(self._note, records[-1][0])
        return True

    async def stop(self) -> None:
        """Let go of the brokers."""
        sender, self._sender = self._sender, None
        if sender is not None:
            await sender.stop()

    async def _connected(self) -> Sender:
        if self._sender is None:
            sender = Sender(self._settings)
            await sender.start()
            self._sender = sender
        return self._sender

    def _next(self) -> list[tuple[int, Record]]:
        with self._database.read() as connection:
            after = meta.get_number(connection, meta.RELAYED)
        return list(self._log.read(after, AT_ONCE))

    def _note(self, position: int) -> None:
        with self._database.write() as connection:
            if position > meta.get_number(connection, meta.RELAYED):
                meta.put(connection, meta.RELAYED, position)
