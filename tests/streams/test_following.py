"""A state that follows a partition of a real broker, whatever is delivered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from streams.following import Follower, RecordFailedError
from streams.reading import Message, RangeGoneError, RangeReader
from tests.streams.places import make, message, trim, write
from warning.settings import Settings

COUNT = 40
VALUES = [b"value %d" % number for number in range(COUNT)]


class Noting:
    """A state that notes what it applies."""

    def __init__(self, *, begins: int = 0, poison: int = -1) -> None:
        self.next_offset = -1
        self.loads = 0
        self.applied: list[tuple[int, bytes | None]] = []
        self.begins = begins
        self.poison = poison
        self.going_on = asyncio.Event()
        self.going_on.set()
        self.begun = asyncio.Event()
        self.busy = False

    async def load(self) -> None:
        self.loads += 1
        self.applied = []
        self.next_offset = self.begins

    async def apply(self, message: Message) -> None:
        assert not self.busy, "two records at a time"
        self.busy = True
        self.begun.set()
        await self.going_on.wait()
        await asyncio.sleep(0)
        if message.offset == self.poison:
            raise ZeroDivisionError("poison")
        self.applied.append((message.offset, message.value))
        self.busy = False


Story = Callable[[Follower, Noting, str], Awaitable[None]]


def follow(settings: Settings, story: Story, **how: int) -> Noting:
    """Run a story over a partition of forty records."""
    topic = make(settings, "log")
    write(settings, topic, VALUES)

    async def told() -> Noting:
        state = Noting(**how)
        await story(Follower(RangeReader(settings), topic, 0, state), state, topic)
        return state

    return asyncio.run(told())


def whole(until: int = COUNT, first: int = 0) -> list[tuple[int, bytes | None]]:
    return [(offset, VALUES[offset]) for offset in range(first, until)]


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_delivered_each_record_is_applied_once_in_order(kafka_settings: Settings, seed: int) -> None:
    """Repeated, late, missing and mixed-up deliveries, by several tasks at once, come to the log up to the last one."""
    rng = random.Random(seed)
    offsets = [offset for offset in range(COUNT) if rng.random() < 0.5] * 2
    rng.shuffle(offsets)

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        await asyncio.gather(
            *(follower.deliver(message(topic, offset, VALUES[offset])) for offset in offsets),
            follower.catch_up() if seed % 2 else follower.settle(),
        )
        assert state.next_offset == (COUNT if seed % 2 else max(offsets) + 1)

    state = follow(kafka_settings, story)
    assert state.applied == whole(state.next_offset)
    assert state.loads == 1


def test_what_the_snapshot_holds_is_not_read_again(kafka_settings: Settings) -> None:
    """A state begins where it was stored, and reads on from there only."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        await follower.deliver(message(topic, 3))
        assert (state.next_offset, state.applied) == (30, [])
        assert not follower.caught_up
        await follower.catch_up()
        assert follower.caught_up
        assert follower.missed == 10

    assert follow(kafka_settings, story, begins=30).applied == whole(first=30)


def test_the_next_record_needs_no_reading(kafka_settings: Settings) -> None:
    """A record that comes in its turn is taken as delivered, not from the topic."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        await follower.deliver(message(topic, 0, b"as delivered"))
        assert follower.missed == 0

    assert follow(kafka_settings, story).applied == [(0, b"as delivered")]


def test_a_caller_that_is_cancelled_leaves_nothing_half_done(kafka_settings: Settings) -> None:
    """Faust cancels agents when partitions move: the record that was begun is ended, and counts."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        state.going_on.clear()
        caller = asyncio.create_task(follower.deliver(message(topic, 0, VALUES[0])))
        await state.begun.wait()
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        state.going_on.set()
        await follower.settle()
        assert state.next_offset == 1

    assert follow(kafka_settings, story).applied == whole(1)


def test_a_record_that_fails_is_named_and_does_not_count(kafka_settings: Settings) -> None:
    """The error says where it stands and what befell it; the next process begins with this record."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        with pytest.raises(RecordFailedError, match=rf"{topic}/0@5 could not be applied \(ZeroDivisionError\)"):
            await follower.catch_up()
        assert state.next_offset == 5
        assert isinstance(follower.failure, RecordFailedError)

    assert follow(kafka_settings, story, poison=5).applied == whole(5)


def test_a_failure_that_nobody_waits_for_is_seen(kafka_settings: Settings) -> None:
    """Whoever looks after the follower finds what befell a record whose caller was cancelled."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        state.going_on.clear()
        caller = asyncio.create_task(follower.deliver(message(topic, 0)))
        await state.begun.wait()
        caller.cancel()
        state.going_on.set()
        await follower.settle()
        await asyncio.sleep(0)
        assert isinstance(follower.failure, RecordFailedError)

    follow(kafka_settings, story, poison=0)


def test_a_range_that_is_gone_is_not_passed_over(kafka_settings: Settings) -> None:
    """Where retention ate what a state needs, it stops and says so, and stays where it was."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        await asyncio.to_thread(trim, kafka_settings, topic, 20)
        with pytest.raises(RangeGoneError, match="the records 10 to 19"):
            await follower.deliver(message(topic, 30))
        assert (state.next_offset, state.applied) == (10, [])

    follow(kafka_settings, story, begins=10)


def test_work_between_records_is_never_amid_one(kafka_settings: Settings) -> None:
    """What is done with the state while others deliver sees it between two records, and not before it is loaded."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        seen: list[int] = []

        async def look() -> None:
            assert not state.busy
            await asyncio.sleep(0.001)
            assert not state.busy
            seen.append(state.next_offset)

        await follower.between(look)
        assert seen == []
        deliveries = [follower.deliver(message(topic, offset, VALUES[offset])) for offset in range(COUNT)]
        looks = [follower.between(look) for _ in range(COUNT)]
        mixed = [each for pair in zip(deliveries, looks, strict=True) for each in pair]
        await asyncio.gather(*mixed)
        assert seen == sorted(seen)
        assert len(seen) == COUNT

    assert follow(kafka_settings, story).applied == whole()


def test_beginning_anew_loads_again_and_reads_on(kafka_settings: Settings) -> None:
    """When history was loaded, a state is built anew from what is stored, and then is at the end again."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        await follower.catch_up()
        state.begins = 12
        await follower.reload()
        assert (state.loads, state.next_offset, follower.caught_up) == (2, COUNT, True)

    assert follow(kafka_settings, story).applied == whole(first=12)


def test_a_follower_that_is_dropped_stops_reading(kafka_settings: Settings) -> None:
    """A long way to the end is broken off when another process has the partition; nobody is told of a failure."""

    async def story(follower: Follower, state: Noting, topic: str) -> None:
        state.going_on.clear()
        caller = asyncio.create_task(follower.catch_up())
        await state.begun.wait()
        assert follower.reading
        await follower.drop()
        await caller
        assert not follower.reading
        assert follower.failure is None

    assert follow(kafka_settings, story).applied == []
