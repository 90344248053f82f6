"""The detect worker looks after its partitions every second, whatever does not answer meanwhile."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
from prometheus_client import CollectorRegistry

from streams.detect import partition, worker
from streams.detect.gauges import Gauges
from streams.detect.worker import DetectWorker
from streams.generations import LogMovedError
from streams.reading import LogLostError, Message
from tests.streams.detect.worlds import MemoryPast, MemorySender, World
from warning.engine.records import Record
from warning.runtime.clock import steady_seconds
from warning.store.sql.errors import StoreUnwritableError

NOW = 1_700_000_000_000
PATIENCE = 5.0


class Sender(MemorySender):
    """Fails when a test says so."""

    failure: BaseException | None = None

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


class Ends:
    """Knows where partitions end; ``error`` is raised instead."""

    error: BaseException | None = None
    end = 0

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def of(self, _: str, partitions: Sequence[int]) -> dict[int, int]:
        if self.error is not None:
            raise self.error
        return dict.fromkeys(partitions, self.end)


class Empty:
    """A topic without records."""

    async def read(self, *_: Any) -> AsyncGenerator[Message, None]:
        for message in list[Message]():
            yield message


class FrozenPast(MemoryPast):
    """A database that says nothing until a test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_once, self.going_on = threading.Event(), threading.Event()

    def era(self) -> int:
        self.asked_once.set()
        self.going_on.wait(PATIENCE)
        return 0


class FrozenHistory(FrozenPast):
    """A database that says nothing once history is read."""

    def era(self) -> int:
        return 0

    def records(self, _: int | None) -> Iterator[Record]:
        self.asked_once.set()
        self.going_on.wait(PATIENCE)
        yield from ()


class AwayPast(MemoryPast):
    """A database that is away for the first times it is asked."""

    times = 0

    def era(self) -> int:
        self.times += 1
        if self.times < 4:
            raise StoreUnwritableError("the test's store", "it is away", "不可用")
        return 0


class Running:
    """A detect worker whose process does not end."""

    def __init__(self, world: World) -> None:
        self.ended: list[BaseException] = []
        self.sender, self.ends = Sender(), Ends()
        self.worker = DetectWorker(
            replace(world.outside(), seconds=0.0),
            world.generation,
            reader=cast("Any", Empty()),
            ends=cast("Any", self.ends),
            sender=cast("Any", self.sender),
            gauges=Gauges(CollectorRegistry(), lambda: NOW),
            fatal=self.ended.append,
        )


async def until(true: Callable[[], object]) -> None:
    end = steady_seconds() + PATIENCE / 2
    while not true():
        assert steady_seconds() < end
        await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(worker, "ERA_SECONDS", 0.05, raising=False)
    monkeypatch.setattr(partition, "RETRY_SECONDS", 0.01)


def test_a_frozen_database_hides_no_failure() -> None:
    """Asked for the era it says nothing; a sender that failed meanwhile ends the process all the same."""

    async def story() -> None:
        world = World()
        world.past = past = FrozenPast()
        running = Running(world)
        await running.worker.start()
        await until(past.asked_once.is_set)
        running.sender.failure = RuntimeError("not sent")
        try:
            await until(lambda: running.ended)
        finally:
            past.going_on.set()
        assert running.ended == [running.sender.failure]
        await running.worker.stop()

    asyncio.run(story())


def test_a_partition_that_is_busy_for_long_hides_no_failure() -> None:
    """A batch is searched, say, and a snapshot is due: it is taken afterwards, and all else is looked at meanwhile."""

    async def story() -> None:
        world = World()
        running = Running(world)
        await running.worker.start()
        await running.worker.assigned([0])
        await until(lambda: world.snapshots.kept)
        (held,) = running.worker._held.values()
        async with held.follower._turn:
            running.ends.end = held.state.next_offset = 1
            await asyncio.sleep(0.1)
            running.sender.failure = RuntimeError("not sent")
            await until(lambda: running.ended)
            assert len(world.snapshots.kept) == 1
        await until(lambda: len(world.snapshots.kept) == 2)
        await running.worker.stop()

    asyncio.run(story())


def test_a_log_that_ends_before_what_was_read_of_it_ends_the_process() -> None:
    """Its topic was deleted and made anew: nothing that comes would be applied until it is as long as the old one."""

    async def story() -> None:
        running = Running(World())
        await running.worker.start()
        await running.worker.assigned([0])
        await until(lambda: running.worker._held[0].follower.caught_up)
        assert running.ended == []
        running.worker._held[0].state.next_offset = 7
        await until(lambda: running.ended)
        assert isinstance(running.ended[0], LogLostError)
        assert "tickets/0: ends at 0, but what is stored is of 7" in str(running.ended[0])
        await running.worker.stop()

    asyncio.run(story())


def test_a_log_that_moved_to_another_topic_ends_the_process() -> None:
    """A worker that was paused during a repartition says which topic is the log now; the next process follows that."""

    async def story() -> None:
        world = World()
        running = Running(world)
        await running.worker.start()
        await running.worker.assigned([0])
        await until(lambda: running.worker._held[0].follower.caught_up)
        world.past.log = "tickets.g2"
        await until(lambda: running.ended)
        assert isinstance(running.ended[0], LogMovedError)
        assert "no longer tickets but tickets.g2" in str(running.ended[0])
        await running.worker.stop()

    asyncio.run(story())


def test_an_end_that_nobody_asked_for_ends_the_process() -> None:
    """A part of the look that was cancelled by somebody else must not end all looking in silence."""

    async def story() -> None:
        running = Running(World())
        running.ends.error = asyncio.CancelledError()
        await running.worker.start()
        await until(lambda: running.ended)
        assert isinstance(running.ended[0], asyncio.CancelledError)
        await running.worker.stop()

    asyncio.run(story())


def test_a_worker_that_is_told_to_stop_stops_looking() -> None:
    """Here the end was asked for: nothing ends the process."""

    async def story() -> None:
        running = Running(World())
        await running.worker.start()
        await asyncio.sleep(0.05)
        await running.worker.stop()
        await asyncio.sleep(0.05)
        assert running.ended == []

    asyncio.run(story())


def test_waiting_for_the_database_is_a_sign_of_life() -> None:
    """Each time it is asked counts, so that a partition that waits is not taken for one that is stuck."""

    async def story() -> None:
        world = World()
        world.past = AwayPast()
        state = world.state()
        before = state.moves
        await state.load()
        assert state.moves - before >= 4
        assert state.steps == 0

    asyncio.run(story())


def test_a_beginning_that_is_broken_off_holds_up_nobody() -> None:
    """The database hangs amid history; the partition goes to another worker, and all others here go on."""

    async def story() -> None:
        world = World()
        world.past = past = FrozenHistory()
        loading = asyncio.create_task(world.state().load())
        await until(past.asked_once.is_set)
        before = steady_seconds()
        loading.cancel()
        await asyncio.wait({loading})
        past.going_on.set()
        assert loading.cancelled()
        assert steady_seconds() - before < PATIENCE / 2

    asyncio.run(story())
