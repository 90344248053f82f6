"""The detect worker: shares the log's partitions with others of its group, and follows those it has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streams.detect.gathering import GATHER_SECONDS
from streams.detect.partition import PartitionState
from streams.following import Follower
from streams.generations import LogMovedError
from streams.process import Health, end_process
from streams.reading import LogLostError, Message
from warning.runtime.clock import steady_seconds
from warning.service.ports import StoreBusyError

if TYPE_CHECKING:
    import faust

    from streams.detect.gauges import Gauges
    from streams.detect.partition import Outside
    from streams.generations import Generation
    from streams.reading import Ends, RangeReader
    from streams.sending import Sender

GROUP = "detect"
LOOK_SECONDS = 1.0
STUCK_SECONDS = 60.0
"""A partition with lag that applied nothing for so long is stuck."""
ERA_SECONDS = 2.0
"""A database that says nothing for so long is asked again the next time."""

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """A partition that this worker has."""

    follower: Follower
    state: PartitionState
    lag: int = 0
    moves: int = -1
    moved: float = field(default_factory=steady_seconds)
    catching: asyncio.Task[None] | None = None
    keeping: asyncio.Task[None] | None = None
    counting: asyncio.Task[None] | None = None


class DetectWorker:
    """Follows the partitions that the group gives it; begun before the Faust app, ended after it.

    Parameters
    ----------
    outside, sender : what the partitions' states share
    generation : the log
    fatal : called with what ends the process
    """

    def __init__(
        self,
        outside: Outside,
        generation: Generation,
        *,
        reader: RangeReader,
        ends: Ends,
        sender: Sender,
        gauges: Gauges,
        fatal: Callable[[BaseException], None] = end_process,
    ) -> None:
        self._outside = outside
        self._generation = generation
        self._reader = reader
        self._ends = ends
        self._sender = sender
        self._gauges = gauges
        self._fatal = fatal
        self._held: dict[int, _Held] = {}
        self._reached: dict[int, int] = {}
        """The next offset of each partition that it has or had: whoever has it now, none may end before."""
        self._assigned = False
        self._looking: asyncio.Task[None] | None = None
        self._counting: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[int] | None = None

    # --- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Connect, and look after the partitions from now on."""
        await self._sender.start()
        await self._ends.start()
        self._looking = asyncio.create_task(self._always(self._look_after))
        self._counting = asyncio.create_task(self._always(self._count_what_waits))

    async def stop(self) -> None:
        """Keep what was reached, and let go."""
        for task in (self._looking, self._counting, self._asking):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(each.follower.between(each.state.keep_now) for each in self._whole()))
        await self._ends.stop()
        await self._sender.stop()

    def _whole(self) -> list[_Held]:
        """Return the partitions whose state is at rest soon; one that is still catching up would not be in time."""
        return [each for each in self._held.values() if each.follower.caught_up and not each.follower.reading]

    # --- partitions come, records come, partitions go -----------------------------------------------------------------

    async def assigned(self, partitions: Iterable[int]) -> None:
        """Follow these partitions and no others.

        What is known of one that stays is still true: the state knows its offset, and the log is the same.
        """
        wanted = set(partitions)
        self._assigned = True
        for partition in [each for each in self._held if each not in wanted]:
            await self._let_go(partition)
        for partition in sorted(wanted):
            held = self._held.get(partition)
            if held is None:
                state = PartitionState(self._outside, self._generation, partition)
                follower = Follower(self._reader, self._generation.topic, partition, state)
                held = self._held[partition] = _Held(follower, state)
            self._catch_up(held)
        _LOG.info("partitions assigned", extra={"partitions": sorted(wanted)})

    async def revoked(self, partitions: Iterable[int]) -> None:
        """Finish what was begun of partitions that may go; which of them stay is known when others are assigned."""
        resting = [self._held[each].follower for each in partitions if each in self._held]
        await asyncio.gather(*(follower.settle() for follower in resting if not follower.reading))

    async def take(self, message: Any) -> None:
        """Take a record that Faust delivers: it is news that the partition goes on."""
        await self._or_fatal(self._deliver(message))

    async def _deliver(self, message: Any) -> None:
        held = self._held.get(message.partition)
        if held is not None and not held.follower.reading:
            await held.follower.deliver(delivered(message))

    async def _let_go(self, partition: int) -> None:
        held = self._held.pop(partition)
        await held.follower.drop()
        self._gauges.drop(partition)

    def _catch_up(self, held: _Held, *, anew: bool = False) -> None:
        if held.catching is None or held.catching.done():
            work = held.follower.reload() if anew else held.follower.catch_up()
            held.catching = asyncio.create_task(self._or_fatal(work))

    def _keep(self, held: _Held) -> None:
        """Keep a state that comes to rest some time; who looks after all partitions does not wait for one."""
        if held.keeping is None or held.keeping.done():
            work = held.follower.between(lambda: held.state.keep_if_due(held.state.next_offset))
            held.keeping = asyncio.create_task(self._or_fatal(work))

    # --- batches that wait for others ---------------------------------------------------------------------------------

    async def _count_what_waits(self) -> None:
        """Count batches behind which nothing comes."""
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            for held in self._held.values():
                if held.state.waits and (held.counting is None or held.counting.done()):
                    work = held.follower.between(held.state.count_gathered)
                    held.counting = asyncio.create_task(self._or_fatal(work))

    # --- every second -------------------------------------------------------------------------------------------------

    async def _always(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work on; an end that nobody asked for is one of the process, also by a cancelled part of it."""
        try:
            await self._or_fatal(work())
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            self._fatal(error)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> None:
        self._raise_failures()
        era = await self._era()
        ends = await self._known_ends()
        for held in list(self._held.values()):
            self._look_at(held, ends.get(held.state.partition))
            if era is not None and held.follower.caught_up and held.state.era != era:
                _LOG.info("history was loaded; all begins anew", extra={"partition": held.state.partition, "era": era})
                self._catch_up(held, anew=True)
            elif held.lag and held.moves == held.state.moves and not held.follower.reading:
                # Faust left the last records out, and nothing has come since.
                self._catch_up(held)
            elif held.follower.caught_up and held.state.keeper.is_due(held.state.next_offset):
                self._keep(held)
            held.moves = held.state.moves

    async def _known_ends(self) -> dict[int, int]:
        """Return where partitions end; raises LogLostError where that is before what was read of one."""
        self._reached |= {each: held.state.next_offset for each, held in self._held.items()}
        ends = await self._ends.of(self._generation.topic, self._reached)
        for partition, end in ends.items():
            if end < self._reached[partition]:
                raise LogLostError(self._generation.topic, partition, self._reached[partition], end)
        return ends

    def _look_at(self, held: _Held, end: int | None) -> None:
        self._gauges.observe(held.follower, held.state, end)
        if end is not None:
            held.lag = max(0, end - held.state.next_offset)
        if held.moves != held.state.moves or not held.lag:
            held.moved = steady_seconds()

    async def _era(self) -> int | None:
        """Return the present era; None while the database does not say, or not soon: all else here goes on."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._ask))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), ERA_SECONDS)
        except (StoreBusyError, TimeoutError):
            return None

    def _ask(self) -> int:
        topic = self._outside.past.log_topic()
        if topic != self._generation.topic:
            raise LogMovedError(self._generation.topic, topic)
        return self._outside.past.era()

    def _raise_failures(self) -> None:
        found = [self._sender.failure]
        for held in self._held.values():
            found += [held.follower.failure, held.state.keeper.failure]
        for failure in found:
            if failure is not None:
                raise failure

    async def _or_fatal(self, work: Any) -> None:
        try:
            await work
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  nothing goes on from here: the process ends loudly
            self._fatal(error)

    # --- how it does --------------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """Say how it does."""
        now = steady_seconds()
        stuck = sorted(p for p, each in self._held.items() if each.lag and now - each.moved > STUCK_SECONDS)
        behind = sorted(p for p, each in self._held.items() if not each.follower.caught_up)
        if stuck:
            return Health(alive=False, ready=False, detail=f"分区停滞 partitions stuck: {stuck}")
        if behind:
            return Health(ready=False, detail=f"正在追赶 catching up: {behind}")
        if not self._assigned:
            return Health(ready=False, detail="等待分配 waiting for partitions")
        return Health(detail=f"分区 partitions: {sorted(self._held)}")


def attach(app: faust.App, worker: DetectWorker, topic: str) -> None:
    """Let the app's group share the log out, and its records wake the worker up."""

    async def assigned(*said: Any, **_: Any) -> None:
        await worker.assigned(place.partition for place in said[-1] if place.topic == topic)

    async def revoked(*said: Any, **_: Any) -> None:
        await worker.revoked(place.partition for place in said[-1] if place.topic == topic)

    app.on_partitions_assigned.connect(assigned)
    app.on_partitions_revoked.connect(revoked)

    @app.agent(app.topic(topic, value_serializer="raw", key_serializer="raw"), concurrency=1, name=f"{GROUP}.follow")
    async def follow(stream: Any) -> None:
        async for event in stream.events():
            await worker.take(event.message)


def delivered(message: Any) -> Message:
    """Return what Faust delivers as a message."""
    headers = message.headers or ()
    headers = tuple(headers.items()) if hasattr(headers, "items") else tuple(headers)
    return Message(
        message.topic,
        message.partition,
        message.offset,
        message.key,
        message.value,
        headers,
        int((message.timestamp or 0) * 1000),
    )
