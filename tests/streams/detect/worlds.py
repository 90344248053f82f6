"""A partition's world in memory: everything around its state, that fails and forgets when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from streams.detect.beginning import Beginning
from streams.detect.partition import Outside, PartitionState
from streams.detect.stage import DetectStage
from streams.generations import Generation
from streams.poison import PoisonRows
from streams.reading import Message
from streams.records import Outcomes, Poison, Report, clock_header, decode, decode_report
from streams.topics import partition_of
from tests.cluster.logs import by_shard
from tests.warning.engine.tickets import config
from warning.engine.config import EngineConfig
from warning.engine.records import Record, Tick
from warning.intake.columns import TicketColumns
from warning.policy.config import PolicyConfig
from warning.store.logfile import encode_record
from warning.store.sql.errors import StoreUnwritableError
from warning.store.sql.snapshots import Kept, Packed

SHARDS = 8
SIGNALS, OUTCOMES, POISON = "signals", "outcomes", "tickets.poison"
CONFIG = config()
POLICY = PolicyConfig(minimum_tickets=5, false_alerts_per_week=1.0)


def messages_of(records: Iterable[Record], generation: Generation) -> list[list[Message]]:
    """Return the messages of each partition, as intake workers would write a log."""
    found: list[list[Message]] = [[] for _ in range(generation.partitions)]

    def add(partition: int, record: Record, headers: Iterable[tuple[str, bytes]] = ()) -> None:
        at = len(found[partition])
        value = encode_record(record)
        found[partition].append(Message(generation.topic, partition, at, None, value, tuple(headers), 1_000 + at))

    clock = 0
    for record in records:
        if isinstance(record, TicketColumns):
            for shard, part in by_shard(record, SHARDS):
                add(partition_of(shard, generation.partitions), part)
        else:
            for partition in range(generation.partitions):
                add(partition, record, clock_header(clock))
            clock += 1
    return found


def reports_of(
    records: Iterable[Record],
    generation: Generation,
    partition: int,
    era: int = 0,
    *,
    config: EngineConfig = CONFIG,
    policy: PolicyConfig = POLICY,
) -> list[Report]:
    """Return what a stage says that nothing disturbs."""
    stage = DetectStage(config, policy, generation, partition)
    told = []
    for record in records:
        if isinstance(record, TicketColumns):
            own = stage.own(record)
            if len(own):
                stage.apply(own)
        elif isinstance(record, Tick):
            report = stage.tick(record, era)
            told += [] if report is None else [report]
        else:
            stage.control(record)
    return told


class MemorySender:
    """Sends into lists; ``failing`` is raised by what is awaited."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes | None]] = []
        self.arrived = 0
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None = None) -> asyncio.Future[Any]:
        self.sent.append((topic, value or b"", key))
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        future.set_result(None)
        return future

    async def settle(self) -> None:
        await self.going_on.wait()
        self.arrived = len(self.sent)

    def reports(self) -> list[Report]:
        return [decode_report(value) for topic, value, _ in self.sent if topic == SIGNALS]

    def outcomes(self) -> list[Outcomes]:
        return [decode(value, Outcomes) for topic, value, _ in self.sent if topic == OUTCOMES]

    def poison(self) -> list[Poison]:
        return [decode(value, Poison) for topic, value, _ in self.sent if topic == POISON]


class MemorySnapshots:
    """Keeps all states, newest first; damaged ones are what a test makes of them."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Kept]] = []
        self.away = False

    def save(self, scope: str, era: int, position: int, payload: Packed, taken_at_ms: int) -> bool:
        self._be_there()
        newest = max((each.era, each.position) for of, each in self.kept if of == scope) if self.of(scope) else (-1, -1)
        if newest >= (era, position):
            return False
        at = datetime.fromtimestamp(taken_at_ms / 1000, UTC)
        kept = Kept(position=position, era=era, taken_at=at, payload=_unpacked(payload))
        self.kept.append((scope, kept))
        return True

    def candidates(self, scope: str, era: int) -> Iterator[Kept]:
        self._be_there()
        found = [each for each in self.of(scope) if each.era == era]
        yield from sorted(found, key=lambda each: -each.position)

    def of(self, scope: str) -> list[Kept]:
        return [each for of, each in self.kept if of == scope]

    def damage_newest(self) -> None:
        scope, kept = self.kept[-1]
        payload = msgspec.msgpack.encode(msgspec.msgpack.decode(kept.payload) | {"version": 99})
        self.kept[-1] = scope, Kept(position=kept.position, era=kept.era, taken_at=kept.taken_at, payload=payload)

    def _be_there(self) -> None:
        if self.away:
            raise StoreUnwritableError("the test's store", "it is away", "不可用")


def _unpacked(payload: Packed) -> bytes:
    import zlib

    return zlib.decompress(b"".join(payload.parts))


class MemoryAttempts:
    """Counts in a dict."""

    def __init__(self) -> None:
        self.noted: dict[tuple[str, int, int], list[str]] = {}
        self.away = False

    def note(self, topic: str, partition: int, position: int, reason: str) -> int:
        if self.away:
            raise StoreUnwritableError("the test's store", "it is away", "不可用")
        self.noted.setdefault((topic, partition, position), []).append(reason)
        return len(self.noted[topic, partition, position])

    def counts(self, topic: str, partition: int) -> dict[int, int]:
        return {at[2]: len(reasons) for at, reasons in self.noted.items() if at[:2] == (topic, partition)}

    def clear(self, topic: str, partition: int, position: int) -> None:
        self.noted.pop((topic, partition, position), None)


@dataclass
class MemoryPast:
    """History in a list."""

    number: int = 0
    history: list[Record] = field(default_factory=list)
    forced: int = -1
    begin: int | None = None
    stored: int = 0
    asked: list[int | None] = field(default_factory=list)
    log: str = "tickets"

    def log_topic(self) -> str:
        return self.log

    def era(self) -> int:
        return self.number

    def records(self, live_since: int | None) -> Iterator[Record]:
        self.asked.append(live_since)
        return iter(self.history)

    def may_lack_beginning(self, era: int) -> bool:
        return era == self.forced

    def agreed_begin(self, era: int, clock: int) -> int:
        self.begin = clock if self.begin is None else self.begin
        return self.begin

    def outcomes_stored(self, topic: str, partition: int) -> int:
        return self.stored


class MemoryPoison:
    """The poison topic: what was sent there is known from then on."""

    topic = POISON

    def __init__(self, sender: MemorySender) -> None:
        self._sender = sender

    async def refresh(self) -> PoisonRows:
        rows = PoisonRows()
        for poison in self._sender.poison():
            rows.add(poison)
        return rows


@dataclass
class MemoryLog:
    """Where the log begins."""

    clock: int = 0
    first: int = 0
    before: list[Record] = field(default_factory=list)

    async def whole(self, partition: int, shards: Iterable[int]) -> Beginning:
        return Beginning(offset=0, clock=-1, spans=[])

    async def kept(self, partition: int, clock: int) -> Beginning:
        return Beginning(offset=self.first, clock=clock - 1, spans=[])

    async def common_clock(self) -> int:
        return self.clock

    async def live_since(self, clock: int) -> int | None:
        return 42

    async def older(self, beginning: Beginning, poison: PoisonRows) -> AsyncGenerator[tuple[Record, int], None]:
        for record in self.before:
            yield record, 0


class World:
    """One partition and all that outlives its process."""

    def __init__(self, partitions: int = 2, *, tickets: int = 100) -> None:
        self.generation = Generation(topic="tickets", partitions=partitions)
        self.sender = MemorySender()
        self.snapshots = MemorySnapshots()
        self.attempts = MemoryAttempts()
        self.past = MemoryPast()
        self.log = MemoryLog()
        self.tickets = tickets

    def outside(self) -> Outside:
        """Return what the partitions of a process share."""
        return Outside(
            config=CONFIG,
            policy=POLICY,
            sender=self.sender,
            signals=SIGNALS,
            outcomes=OUTCOMES,
            poison=MemoryPoison(self.sender),
            log=self.log,
            snapshots=self.snapshots,
            attempts=self.attempts,
            past=self.past,
            clock=lambda: 1_700_000_000_000,
            seconds=3600.0,
            tickets=self.tickets,
        )

    def state(self, partition: int = 0) -> PartitionState:
        """Start a process: its state has nothing yet."""
        return PartitionState(self.outside(), self.generation, partition)


async def apply(state: PartitionState, messages: Sequence[Message], until: int | None = None) -> None:
    """Give a state the messages from where it is."""
    for message in messages[state.next_offset : until]:
        await state.apply(message)
        state.next_offset = message.offset + 1
        await state.keeper.finish()
