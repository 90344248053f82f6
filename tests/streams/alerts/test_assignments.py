"""The alert worker is active while it has the partition, and only then, however quickly it comes and goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from prometheus_client import CollectorRegistry

from streams.alerts.worker import AlertWorker
from streams.topics import Name, topics
from warning.settings import Settings
from warning.store.sql.database import Database

NOW = 1_700_000_000_000


@dataclass
class Signal:
    """Keeps what is called when partitions move."""

    told: Callable[..., Any] | None = None

    def connect(self, told: Callable[..., Any], **_: Any) -> None:
        self.told = told


class App:
    """The part of a Faust app that partitions move in."""

    def __init__(self) -> None:
        self.on_partitions_assigned = Signal()
        self.on_partitions_revoked = Signal()

    def topic(self, *_: Any, **__: Any) -> None:
        return None

    def agent(self, *_: Any, **__: Any) -> Callable[[Any], Any]:
        return lambda follow: follow


class SlowFollower:
    """Is caught up when a test says so."""

    def __init__(self) -> None:
        self.going_on = [asyncio.Event() for _ in range(3)]
        self._begun = iter(self.going_on)

    async def reload(self) -> None:
        await next(self._begun).wait()


class Moved:
    """A worker whose partition a test moves."""

    def __init__(self, worker: AlertWorker, topic: str) -> None:
        self.worker, self.app, self.follower = worker, App(), SlowFollower()
        worker._follower = cast("Any", self.follower)
        worker._state = cast("Any", SimpleNamespace(next_offset=0, check_reached=lambda _: None))
        worker.attach(cast("Any", self.app))
        self._places = [SimpleNamespace(topic=topic, partition=0)]

    async def come(self) -> None:
        assert self.app.on_partitions_assigned.told is not None
        await self.app.on_partitions_assigned.told(self._places)

    async def go(self) -> None:
        assert self.app.on_partitions_revoked.told is not None
        await self.app.on_partitions_revoked.told(self._places)

    async def caught_up(self, time: int) -> bool:
        """Let a time's catching up end; returns whether the worker is active then."""
        self.follower.going_on[time].set()
        await asyncio.sleep(0.05)
        return self.worker._active.is_set()


def test_who_lost_the_partition_while_catching_up_is_not_active(nowhere: Settings, file_database: Database) -> None:
    """It came, went, and came again: only the end of the last catching up makes the worker active."""

    async def story() -> None:
        worker = AlertWorker(nowhere, file_database, clock=lambda: NOW, registry=CollectorRegistry())
        moved = Moved(worker, topics(nowhere)[Name.SIGNALS].name)
        await moved.come()
        await asyncio.sleep(0)
        await moved.go()
        assert not await moved.caught_up(0)
        await moved.come()
        assert await moved.caught_up(1)
        await moved.go()
        assert not worker._active.is_set()

    asyncio.run(story())
