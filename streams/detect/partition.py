"""A partition of the log as the detect worker follows it: restored, applied, told of, kept."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from streams.detect.bisecting import bisected, said_of
from streams.detect.gathering import GATHER_SECONDS, GATHER_TICKETS, BatchesFailedError, Gathered
from streams.detect.keeping import Keeper
from streams.detect.stage import DetectStage, created_rows, restored
from streams.merging import decoded
from streams.poison import key_of, without
from streams.records import Outcomes, Poison, encode, encode_report
from warning.domain.errors import IncompatibleSnapshotError
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns
from warning.runtime.clock import steady_seconds
from warning.service.ports import StoreBusyError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from streams.detect.beginning import Beginning
    from streams.detect.ports import AttemptStore, Past, SnapshotStore
    from streams.generations import Generation
    from streams.poison import PoisonRows
    from streams.reading import Message
    from warning.engine.config import EngineConfig
    from warning.policy.config import PolicyConfig
    from warning.runtime.clock import Clock
    from warning.store.sql.snapshots import Kept

T = TypeVar("T")

TRIES = 3
"""A batch that ends the process is looked into the third time it comes."""
RETRY_SECONDS = 1.0

_LOG = logging.getLogger(__name__)


class Sends(Protocol):
    """Sends records: see :class:`streams.sending.Sender`."""

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None = None) -> asyncio.Future[Any]: ...

    async def settle(self) -> None: ...


class Poisons(Protocol):
    """Knows which tickets are left out: see :class:`streams.poison.PoisonTopic`."""

    topic: str

    async def refresh(self) -> PoisonRows: ...


class Begins(Protocol):
    """Knows where the log begins: see :class:`streams.detect.beginning.LogBeginning`."""

    async def whole(self, partition: int, shards: Iterable[int]) -> Beginning: ...

    async def kept(self, partition: int, clock: int) -> Beginning: ...

    async def common_clock(self) -> int: ...

    async def live_since(self, clock: int) -> int | None: ...

    def older(self, beginning: Beginning, poison: PoisonRows) -> AsyncGenerator[tuple[Record, int], None]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What all partitions of a worker share.

    signals, outcomes : the topics that reports and outcomes go to
    seconds, tickets : between snapshots
    """

    config: EngineConfig
    policy: PolicyConfig
    sender: Sends
    signals: str
    outcomes: str
    poison: Poisons
    log: Begins
    snapshots: SnapshotStore
    attempts: AttemptStore
    past: Past
    clock: Clock
    seconds: float
    tickets: int
    turn: threading.Lock = field(default_factory=threading.Lock)
    """Whoever computes has it: threads that compute at once only wrestle for the interpreter."""


class PartitionState:
    """See :class:`streams.following.Followed`."""

    def __init__(self, outside: Outside, generation: Generation, partition: int) -> None:
        self.next_offset = 0
        self.era = -1
        self.steps = 0
        """How many records were applied, of history too."""
        self.efforts = 0
        """How often something else was tried that takes its time: the database asked, a batch searched."""
        self.poisoned = 0
        """How many tickets were found out to be poison."""
        self.partition = partition
        self.stage = DetectStage(outside.config, outside.policy, generation, partition)
        self._outside = outside
        self._topic = generation.topic
        self._key = b"%d" % partition
        self._poison: PoisonRows | None = None
        self._tries: dict[int, int] = {}
        self._stored_to = 0
        self._gathered: list[Gathered] = []
        """Batches since the last tick that are not yet in the stage, though the next offset is behind them."""
        self._tickets = 0
        self._since = 0.0
        self.keeper = Keeper(
            outside.snapshots,
            generation.scope(partition),
            outside.sender.settle,
            outside.clock,
            seconds=outside.seconds,
            tickets=outside.tickets,
        )

    @property
    def moves(self) -> int:
        """Counts up while it is at work: what moves is alive."""
        return self.steps + self.efforts

    # --- where it begins ----------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Begin from the newest snapshot of the present era that can be used, else from history and the whole log."""
        await self.keeper.finish()
        self._gathered.clear()
        outside = self._outside
        self.era = await self._insist(outside.past.era)
        self._tries = await self._insist(lambda: outside.attempts.counts(self._topic, self.partition))
        self._stored_to = await self._insist(lambda: outside.past.outcomes_stored(self._topic, self.partition))
        self._poison = await outside.poison.refresh()
        kept = await self._insist(self._take_over_snapshot)
        self.keeper.begin(kept)
        if kept is None:
            await self._begin_anew()
        else:
            self.next_offset = kept.position
        _LOG.info(
            "a partition begins", extra={"partition": self.partition, "era": self.era, "offset": self.next_offset}
        )

    def _take_over_snapshot(self) -> Kept | None:
        for kept in self.keeper.candidates(self.era):
            try:
                with self._outside.turn:
                    self.stage = restored(self.stage, msgspec.msgpack.decode(kept.payload))
            except (IncompatibleSnapshotError, msgspec.DecodeError) as error:
                said = {"partition": self.partition, "offset": kept.position, "reason": str(error)}
                _LOG.warning("a snapshot cannot be used", extra=said)
            else:
                return kept
        return None

    async def _begin_anew(self) -> None:
        self.stage = self.stage.anew()
        beginning = await self._beginning()
        await self._learn_history(await self._outside.log.live_since(beginning.clock))
        older = self._outside.log.older(beginning, await self._outside.poison.refresh())
        async with aclosing(older) as records:
            async for record, clock in records:
                await self._send_report(await asyncio.to_thread(self._retold, record))
                self.stage.clock = clock
        self.stage.clock = max(self.stage.clock, beginning.clock)
        self.next_offset = beginning.offset

    async def _beginning(self) -> Beginning:
        log, past, era = self._outside.log, self._outside.past, self.era
        if await self._insist(lambda: past.may_lack_beginning(era)):
            proposed = await log.common_clock()
            clock = await self._insist(lambda: past.agreed_begin(era, proposed))
            if clock > 0:
                return await log.kept(self.partition, clock)
        return await log.whole(self.partition, self.stage.shards)

    async def _learn_history(self, live_since: int | None) -> None:
        """Apply what comes before the log, in one thread: a database's connection stays in the thread it is from."""
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1)
        try:
            records = await loop.run_in_executor(thread, self._outside.past.records, live_since)
            while (record := await loop.run_in_executor(thread, next, records, None)) is not None:
                await self._send_report(await loop.run_in_executor(thread, self._retold, record))
        finally:
            # Whoever breaks this off does not wait for a database that does not answer: all others are in this loop.
            thread.shutdown(wait=False)

    def _retold(self, record: Record) -> bytes | None:
        """Apply a record of before the log, of which only the reports are told; returns the report of a tick."""
        self.steps += 1
        if not isinstance(record, TicketColumns):
            return self._obey(record)
        own = self.stage.own(record)
        if len(own):
            self._apply(own)
        return None

    async def _insist(self, ask: Callable[[], T]) -> T:
        """Ask the database, in a thread, until it answers."""
        while True:
            self.efforts += 1
            try:
                return await asyncio.to_thread(ask)
            except StoreBusyError as error:
                _LOG.warning("the database is away; it is asked again", extra={"problem": str(error)})
                await asyncio.sleep(RETRY_SECONDS)

    # --- what comes ---------------------------------------------------------------------------------------------------

    async def apply(self, message: Message) -> None:
        """Take the next record in, and say what follows from it; batches wait a little for others."""
        read = decoded(message)
        if read is not None:
            record, clock = read
            if isinstance(record, TicketColumns):
                await self._gather(message, record)
            else:
                await self.count_gathered()
                if clock is not None and self.stage.is_new(clock):
                    await self._send_report(await asyncio.to_thread(self._obey, record))
        self.steps += 1
        await self.keep_if_due(message.offset + 1)
        # Others have their turn, also where nothing above had to wait.
        await asyncio.sleep(0)

    async def keep_if_due(self, position: int) -> None:
        """Keep the state where that is due; ``position`` is the next offset."""
        if self.keeper.is_due(position):
            await self.count_gathered()
            await self.keeper.keep(self.era, position, self._state)

    async def keep_now(self) -> None:
        """Keep the state, and wait until it is stored."""
        await self.count_gathered()
        await self.keeper.finish()
        await self.keeper.keep(self.era, self.next_offset, self._state)
        await self.keeper.finish()

    def _apply(self, batch: TicketColumns) -> NDArray[np.uint8]:
        with self._outside.turn:
            return self.stage.apply(batch)

    def _obey(self, record: Record) -> bytes | None:
        with self._outside.turn:
            if isinstance(record, Tick):
                report = self.stage.tick(record, self.era)
                return None if report is None else encode_report(report)
            if not isinstance(record, TicketColumns):
                self.stage.control(record)
            return None

    def _state(self) -> dict[str, Any]:
        with self._outside.turn:
            return self.stage.state()

    async def _send_report(self, report: bytes | None) -> None:
        if report is not None:
            await self._outside.sender.send(self._outside.signals, report, key=self._key)

    # --- tickets ------------------------------------------------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether batches have waited for others long enough."""
        return bool(self._gathered) and steady_seconds() - self._since >= GATHER_SECONDS

    async def _gather(self, message: Message, batch: TicketColumns) -> None:
        """Let a batch wait for others; one that ended a process before is applied by itself."""
        self.stage.check(batch, message.place)
        left_out = self._left_out(message.offset)
        tries = self._tries.pop(message.offset, 0)
        if tries or (self._gathered and self._gathered[0].kept.source != batch.source):
            await self.count_gathered()
        if tries >= TRIES - 1:
            left_out |= await self._find_poison(message, batch, left_out)
        if not self._gathered:
            self._since, self._tickets = steady_seconds(), 0
        self._gathered.append(Gathered(message=message, kept=without(batch, left_out)))
        self._tickets += len(batch)
        if tries or self._tickets >= GATHER_TICKETS or self.waits:
            await self.count_gathered()
        if tries:
            await self._forget_attempts(message)

    async def count_gathered(self) -> None:
        """Count all batches that wait, together: how tickets are cut into batches changes nothing."""
        gathered, self._gathered = self._gathered, []
        if not gathered:
            return
        together = TicketColumns.joined([each.kept for each in gathered])
        try:
            codes = await asyncio.to_thread(self._apply, together)
        except Exception as error:
            self.keeper.failure = error
            for each in gathered:
                await self._note_attempt(each.message, error)
            if len(gathered) > 1:
                raise BatchesFailedError(gathered[0].message, gathered[-1].message, error) from error
            raise
        self.keeper.applied(len(together))
        told = 0
        for each in gathered:
            created = created_rows(each.kept)
            if each.message.offset >= self._stored_to:
                said = encode(self._outcomes(each.message, created, codes[told : told + len(created)]))
                await self._outside.sender.send(self._outside.outcomes, said, key=self._key)
            told += len(created)

    def _outcomes(self, message: Message, created: TicketColumns, codes: NDArray[np.uint8]) -> Outcomes:
        return Outcomes(
            log=message.topic,
            partition=message.partition,
            offset=message.offset,
            source=created.source,
            received=message.timestamp,
            ticket_id=created.ticket_id.tolist(),
            time=created.time.tolist(),
            category=created.category.decoded(),
            area=created.area.decoded(),
            outcome=codes.tolist(),
        )

    # --- poison -------------------------------------------------------------------------------------------------------

    def _left_out(self, offset: int) -> frozenset[int]:
        return frozenset() if self._poison is None else self._poison.of(self._topic, self.partition, offset)

    async def _find_poison(self, message: Message, batch: TicketColumns, left_out: frozenset[int]) -> frozenset[int]:
        """Find the tickets of a batch that end the process, and say so for good before going on without them."""
        rows = [row for row in range(len(batch)) if row not in left_out]
        found = await asyncio.to_thread(bisected, self.stage, without(batch, left_out), self._try)
        if not found.rows:
            return frozenset()
        poison = Poison(
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
            rows=sorted(left_out.union(rows[row] for row in found.rows)),
            at=self._outside.clock(),
            reason=found.reason,
        )
        await (await self._outside.sender.send(self._outside.poison.topic, encode(poison), key=key_of(poison)))
        self.poisoned += len(found.rows)
        said = {"place": message.place, "rows": poison.rows, "reason": poison.reason}
        _LOG.error("tickets that end the process are left out from now on", extra=said)
        return frozenset(poison.rows)

    def _try(self) -> None:
        self.efforts += 1

    async def _note_attempt(self, message: Message, error: Exception) -> None:
        """Count that a batch ended the process, if the database can be reached."""
        attempts, at = self._outside.attempts, (message.topic, message.partition, message.offset)
        try:
            await asyncio.to_thread(attempts.note, *at, said_of(error))
        except StoreBusyError as away:
            _LOG.warning("an attempt could not be noted", extra={"place": message.place, "problem": str(away)})

    async def _forget_attempts(self, message: Message) -> None:
        attempts, at = self._outside.attempts, (message.topic, message.partition, message.offset)
        try:
            await asyncio.to_thread(attempts.clear, *at)
        except StoreBusyError:
            _LOG.info("attempts could not be cleared", extra={"place": message.place})
