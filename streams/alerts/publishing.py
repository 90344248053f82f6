"""Changed alerts into the topic ``alerts``: each at least once, and none never.

What was published is remembered as a number of the feed, after the brokers have it. So a crash in between publishes
again. An alert that was merged into another, or that retention deleted, gets a tombstone. A record carries its number
of the feed: readers that take the record with the larger one are right also while an old process wakes up and says
something late.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from streams.sending import Sender
from streams.topics import Name, topics
from warning.store.sql import meta
from warning.store.sql.alert_rows import ALERT, HANDLING
from warning.store.sql.alerts import SqlAlerts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.service.ports import AlertView, FeedEvent
    from warning.settings import Settings
    from warning.store.sql.database import Database

AT_ONCE = 200


class AlertRecord(msgspec.Struct, kw_only=True):
    """An alert as other systems get it: evidence by the engine, and what people did.

    sequence : of the feed; of two records of an alert the one with the larger holds
    change : the rule that changed it last (OPEN-1, UPDATE-1, ACK-1 ...)
    alert, handling : as in the HTTP API's answers; a number that is infinite is null
    """

    version: int = 1
    sequence: int
    at: str
    change: str
    status: str
    needs_review: bool
    alert: dict[str, Any]
    handling: dict[str, Any]


def record_of(view: AlertView, event: FeedEvent) -> AlertRecord:
    """Return what is published of an alert after a change."""
    return AlertRecord(
        sequence=event.sequence,
        at=event.at.isoformat(),
        change=event.change,
        status=view.status.value,
        needs_review=view.needs_review,
        alert=msgspec.to_builtins(view.alert),
        handling=msgspec.to_builtins(view.handling),
    )


@dataclass(frozen=True, slots=True)
class _Batch:
    records: dict[str, bytes | None]
    until: int


class AlertPublisher:
    """Implements :class:`streams.alerts.loops.Repeated`."""

    pause = 0.2

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._topic = topics(settings)[Name.ALERTS].name
        self._database = database
        self._alerts = SqlAlerts(database)
        self._sender: Sender | None = None

    async def step(self) -> bool:
        """Publish what changed since the last step."""
        batch = await asyncio.to_thread(self._next)
        if batch is None:
            return False
        sender = await self._connected()
        for alert_id, value in batch.records.items():
            await sender.send(self._topic, value, key=alert_id.encode(), partition=0)
        await sender.settle()
        await asyncio.to_thread(self._note, batch.until)
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

    def _next(self) -> _Batch | None:
        with self._database.read() as connection:
            after = meta.get_number(connection, meta.PUBLISHED)
        events = self._alerts.feed_after(after, AT_ONCE)
        return _Batch(self._records(events), events[-1].sequence) if events else None

    def _records(self, events: Sequence[FeedEvent]) -> dict[str, bytes | None]:
        """Return the last version of each alert that changed, None for one that is there no longer."""
        found: dict[str, bytes | None] = {}
        for alert_id, event in {event.subject: event for event in events if event.kind in {ALERT, HANDLING}}.items():
            view = self._alerts.get(alert_id)
            if view is None or view.alert.id != alert_id:
                found[alert_id] = None
            else:
                found[alert_id] = msgspec.json.encode(record_of(view, event))
        return found

    def _note(self, until: int) -> None:
        with self._database.write() as connection:
            if until > meta.get_number(connection, meta.PUBLISHED):
                meta.put(connection, meta.PUBLISHED, until)
