"""The intake worker: polls, judges, writes to the log, says what it has flushed, commits; in this order, always."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service

from streams.intake.tally import IntakeTally
from streams.process import Health, or_end_process
from streams.records import Flushed, encode
from streams.topics import Name, partition_of, topics
from warning.domain.errors import EarlyWarningError
from warning.runtime.clock import steady_seconds
from warning.service.ports import StoreBusyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from prometheus_client import CollectorRegistry

    from streams.intake.beside import DatabaseSide
    from streams.intake.inputs import Inputs
    from streams.intake.judging import Judge, Judged, Received
    from streams.log_topic import LogTopic
    from streams.sending import Sender
    from warning.runtime.clock import Clock
    from warning.settings import Settings

ASK_SECONDS = 1.0
"""Between two looks at where the inputs end: so old the watermark of an idle input is at most."""
LONG_SECONDS = 5.0
"""A step that has taken so long is not at work but waits, for brokers that do not say no either."""
STUCK_SECONDS = 60.0
_AGAIN_SECONDS = 1.0
_STOP_SECONDS = 4.0

_LOG = logging.getLogger(__name__)


class IntakeFailedError(EarlyWarningError):
    """The worker cannot go on; tells how far each input was read, and the cause's type: its words may be a ticket's."""

    def __init__(self, positions: Mapping[TopicPartition, int], cause: BaseException) -> None:
        places = ", ".join(f"{place.topic}/{place.partition}@{at}" for place, at in sorted(positions.items()))
        super().__init__(f"intake cannot go on ({type(cause).__name__}); it had polled up to {places or '-'}")


class IntakeService(Service):
    """Moves the inputs into the log.

    Parameters
    ----------
    find_log : says where the log is; asked again while the database does not say
    new_sender : makes a sender: one that has failed is not used again
    """

    def __init__(
        self,
        settings: Settings,
        *,
        find_log: Callable[[], Awaitable[LogTopic]],
        judge: Judge,
        inputs: Inputs,
        new_sender: Callable[[], Sender],
        beside: DatabaseSide,
        clock: Clock,
        registry: CollectorRegistry,
    ) -> None:
        super().__init__()
        self._names = {name: topic.name for name, topic in topics(settings).items()}
        self._find_log = find_log
        self._log: LogTopic | None = None
        self._judge = judge
        self._inputs = inputs
        self._new_sender = new_sender
        self._sender = new_sender()
        self._beside = beside
        self._clock = clock
        self._tally = IntakeTally(registry, (self._names[Name.RAW], self._names[Name.PUSHED]))
        self._latest: dict[TopicPartition, int] = {}
        self._asked = self._moved = steady_seconds()
        self._began: float | None = None
        """When the step in hand began, or last got on; None between steps."""
        self._waits_for = ""
        self._work: asyncio.Task[None] | None = None

    async def on_start(self) -> None:
        """Connect and begin."""
        await self._sender.start()
        await self._inputs.start()
        self._work = asyncio.create_task(or_end_process(self._run()))

    async def on_stop(self) -> None:
        """Finish the poll in hand if the brokers let it, then leave."""
        if self._work is not None:
            done, _ = await asyncio.wait([self._work], timeout=_STOP_SECONDS)
            if not done:
                self._work.cancel()
        for part in (self._inputs.stop, self._sender.stop):
            with suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(part(), _AGAIN_SECONDS)

    def health(self) -> Health:
        """Say how it does."""
        lag = sum(self._inputs.lag(self._names[name]) for name in (Name.RAW, Name.PUSHED))
        now = steady_seconds()
        still, busy = now - self._moved, 0.0 if self._began is None else now - self._began
        stuck = ((lag > 0 and still > STUCK_SECONDS) or busy > STUCK_SECONDS) and not self._waits_for
        detail = f"{lag} input records wait, the last step was {still:.0f} s ago" if lag else ""
        if busy > LONG_SECONDS:
            detail = f"the step in hand has not ended for {busy:.0f} s"
        ready = self._inputs.assigned and not self._waits_for and busy <= LONG_SECONDS
        return Health(alive=not stuck, ready=ready, detail=self._waits_for or detail)

    async def _run(self) -> None:
        while self._log is None and not self.should_stop:
            try:
                self._log = await self._find_log()
            except StoreBusyError as error:
                self._waits_for = str(error)
                await asyncio.sleep(_AGAIN_SECONDS)
        self._waits_for = ""
        try:
            while not self.should_stop:
                async with self._inputs.turn:
                    self._began = steady_seconds()
                    await self.step()
                    self._began = None
        except Exception as error:
            raise IntakeFailedError(self._inputs.positions, error) from error

    async def step(self) -> None:
        """Read what there is, and bring it into the log; the caller has the turn."""
        records = await self._inputs.poll()
        touched = {TopicPartition(record.topic, record.partition) for record in records}
        if records:
            await self._write(await self._judged(records))
        if steady_seconds() - self._asked >= ASK_SECONDS:
            self._asked = steady_seconds()
            await self._inputs.ask_ends()
            self._tally.lag(self._inputs.lag)
            await self._say_flushed(self._inputs.positions)
        elif touched:
            await self._say_flushed(touched)
        if touched:
            await self._inputs.commit(touched)
            self._moved = steady_seconds()

    async def _judged(self, records: Sequence[Received]) -> Judged:
        """Judge, beside the heartbeats; waits while nobody knows the sources yet."""
        while True:
            try:
                judged = await asyncio.to_thread(self._judge.judge, records)
            except StoreBusyError as error:
                self._waits_for = str(error)
                await asyncio.sleep(_AGAIN_SECONDS)
            else:
                self._goes_on()
                return judged

    async def _write(self, judged: Judged) -> None:
        """Bring a poll into the log and the dead letters; what fails is sent again whole, which does no harm.

        While brokers are away the sender waits for them; it fails only where its session with them is lost.
        """
        while True:
            try:
                await self._send(judged)
            except KafkaError as error:
                _LOG.exception("the log could not be written; once more", extra={"reason": repr(error)})
                self._waits_for = repr(error)
                await asyncio.sleep(_AGAIN_SECONDS)
                await self._renew_sender()
            else:
                break
        self._goes_on()
        for (topic, partition), latest in judged.latest.items():
            place = TopicPartition(topic, partition)
            self._latest[place] = max(self._latest.get(place, latest), latest)
        self._tally.judged(judged)
        self._beside.heard(judged.heard)

    def _goes_on(self) -> None:
        self._waits_for = ""
        if self._began is not None:
            self._began = steady_seconds()

    async def _send(self, judged: Judged) -> None:
        if self._log is None:
            raise RuntimeError("nothing may be sent before it is known where the log is")
        for shard, value in judged.batches:
            partition = partition_of(shard, self._log.partitions)
            await self._sender.send(self._log.name, value, key=b"%d" % shard, partition=partition)
        for source, value in judged.letters:
            await self._sender.send(self._names[Name.REJECTED], value, key=source.encode())
        await self._sender.settle()

    async def _renew_sender(self) -> None:
        with suppress(TimeoutError, KafkaError):
            await asyncio.wait_for(self._sender.stop(), _AGAIN_SECONDS)
        self._sender = self._new_sender()
        await self._sender.start()

    async def _say_flushed(self, places: Iterable[TopicPartition]) -> None:
        """Publish how far inputs were read; all of it is in the log by now."""
        for place in list(places):
            record = encode(self._flushed(place))
            await self._sender.send(self._names[Name.FLUSHED], record, key=f"{place.topic}/{place.partition}".encode())
        await self._sender.settle()

    def _flushed(self, place: TopicPartition) -> Flushed:
        position, end = self._inputs.positions[place], self._inputs.ends.of.get(place)
        at_end = end is not None and position >= end
        return Flushed(
            topic=place.topic,
            partition=place.partition,
            next_offset=position,
            latest=self._latest.get(place),
            at=self._inputs.ends.at if at_end else self._clock(),
            end=at_end,
        )
