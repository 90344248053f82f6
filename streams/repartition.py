"""Another number of partitions: a new topic, and the states of the old one's partitions grouped anew.

Nothing may move meanwhile: the workers that write the log and follow it are stopped, and every partition's state was
kept at its very end. The old topic stays: a load of history reads the log from its beginning.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete

from streams.admin import live_members, make_topic
from streams.detect.worker import GROUP as DETECT
from streams.generations import Generation, generations, log_name, next_name
from streams.reading import RangeReader
from streams.topics import Name, topics
from warning.domain.errors import EarlyWarningError
from warning.engine.parts import regrouped
from warning.runtime.clock import now_ms, steady_seconds
from warning.store.sql import meta
from warning.store.sql.snapshots import pack
from warning.store.sql.stage_snapshots import StageSnapshots
from warning.store.sql.tables import stage_snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from warning.settings import Settings
    from warning.store.sql.database import Database

GROUPS = (DETECT, "intake", "sequencer")
GONE_SECONDS = 10.0
"""A worker that has ended counts as there until its session is over."""

_States = list[dict[str, Any]]


class RepartitionRefusedError(EarlyWarningError):
    """The log, or what follows it, is not at rest, or the number makes no sense: nothing was changed."""

    def __init__(self, english: str, chinese: str) -> None:
        super().__init__(f"{english} Nothing was changed.")
        self.zh = f"{chinese}未作任何更改。"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repartitioned:
    """What the log is now."""

    topic: str
    partitions: int
    before: int


def repartition(
    settings: Settings, database: Database, partitions: int, *, patience: float = GONE_SECONDS
) -> Repartitioned:
    """Give the log another number of partitions; raises RepartitionRefusedError where workers run or a partition lags.

    A run that was broken off changed nothing that counts, and can be done again.
    """
    with database.read() as connection:
        name = log_name(connection)
    reader = RangeReader(settings)
    old = asyncio.run(generations(reader, settings, name))[-1]
    _check_number(partitions, old, settings.engine.shards)
    _wait_for_end_of(settings, patience)
    ends = asyncio.run(reader.all_bounds(old.topic, range(old.partitions)))
    with database.read() as connection:
        era = meta.get_number(connection, meta.ERA)
    states = _states(database, old, era, {each: end for each, (_, end) in ends.items()})
    new = Generation(topic=settings.kafka.prefix + next_name(name), partitions=partitions)
    _make(settings, reader, new)
    _store(database, new, era, _grouped(states, new, settings.engine.shards))
    _check_that_nothing_moved(settings, reader, old, ends)
    with database.write() as connection:
        meta.put(connection, meta.LOG_TOPIC, next_name(name))
    return Repartitioned(topic=new.topic, partitions=partitions, before=old.partitions)


def _check_number(partitions: int, old: Generation, shards: int) -> None:
    if partitions == old.partitions:
        raise RepartitionRefusedError(
            f"The log has {partitions} partitions already.", f"日志已有 {partitions} 个分区。"
        )
    if not 1 <= partitions <= shards:
        raise RepartitionRefusedError(
            f"A log of {shards} shards (engine.shards) has 1 to {shards} partitions.",
            f"分片数 (engine.shards) 为 {shards},分区数须在 1 到 {shards} 之间。",
        )


def _wait_for_end_of(settings: Settings, patience: float) -> None:
    """Wait until the groups of the workers that must be stopped are empty."""
    deadline = steady_seconds() + patience
    while members := live_members(settings, GROUPS):
        if steady_seconds() > deadline:
            named = ", ".join(f"{group}: {count}" for group, count in sorted(members.items()))
            raise RepartitionRefusedError(
                f"Workers still run ({named}). Stop all intake and detect workers with SIGTERM, intake first.",
                f"仍有进程在运行 ({named})。请以 SIGTERM 停止全部 intake 与 detect 进程 (先停 intake)。",
            )
        asyncio.run(asyncio.sleep(0.2))


def _check_that_nothing_moved(
    settings: Settings, reader: RangeReader, old: Generation, ends: Mapping[int, tuple[int, int]]
) -> None:
    """Refuse once more where a worker came back meanwhile, or wrote: one that was paused is in no group until then."""
    _wait_for_end_of(settings, 0)
    now = asyncio.run(reader.all_bounds(old.topic, range(old.partitions)))
    moved = [partition for partition, (_, end) in now.items() if end != ends[partition][1]]
    if moved:
        raise RepartitionRefusedError(
            f"Partitions {moved} of {old.topic} were written meanwhile. Stop all intake and detect workers, and try "
            "again.",
            f"期间 {old.topic} 的分区 {moved} 又有写入。请停止全部 intake 与 detect 进程后再试。",
        )


def _states(database: Database, old: Generation, era: int, ends: Mapping[int, int]) -> _States:
    """Return the state of each partition at its end."""
    store = StageSnapshots(database)
    states, behind = [], []
    for partition, end in sorted(ends.items()):
        kept = next(store.candidates(old.scope(partition), era), None)
        if kept is None or kept.position != end:
            behind.append(f"{partition}: {0 if kept is None else kept.position} / {end}")
        else:
            states.append(msgspec.msgpack.decode(kept.payload))
    if behind:
        raise RepartitionRefusedError(
            f"The states of these partitions are not those of their ends ({'; '.join(behind)}). Start the detect "
            "workers, wait until early_warning_partition_lag_records is 0, stop them with SIGTERM, and try again.",
            f"以下分区的快照未到末尾 ({'; '.join(behind)})。请启动 detect 进程,待 "
            "early_warning_partition_lag_records 为 0 后以 SIGTERM 停止,再试。",
        )
    if len({(state["clock"], msgspec.msgpack.encode(state["controls"])) for state in states}) > 1:
        clocks = sorted({state["clock"] for state in states})
        raise RepartitionRefusedError(
            f"A tick has reached some partitions only (clock {clocks}). Start an intake and a detect worker, wait "
            "until nothing lags, stop intake, then detect, and try again.",
            f"时钟只到达部分分区 ({clocks})。请启动 intake 与 detect 进程,待无积压后先停 intake 再停 detect,再试。",
        )
    return states


def _grouped(states: _States, new: Generation, shards: int) -> Callable[[int], dict[str, Any]]:
    stages = [state["stage"] for state in states]
    return lambda partition: states[0] | {"stage": regrouped(stages, new.shards(partition, shards))}


def _make(settings: Settings, reader: RangeReader, new: Generation) -> None:
    """Make the new topic; one that an earlier try left is taken if nothing is in it."""
    table = topics(settings)[Name.TICKETS]
    make_topic(settings, replace(table, name=new.topic, partitions=new.partitions))
    there = asyncio.run(reader.partitions(new.topic))
    bounds = asyncio.run(reader.all_bounds(new.topic, range(there)))
    if there != new.partitions or any(end for _, end in bounds.values()):
        raise RepartitionRefusedError(
            f"The topic {new.topic} is there already, with {there} partitions. Delete it if nothing needs it.",
            f"主题 {new.topic} 已存在 ({there} 个分区)。如无用处请删除。",
        )


def _store(database: Database, new: Generation, era: int, state: Callable[[int], dict[str, Any]]) -> None:
    """Keep the new partitions' states, in place of those of an earlier try: nobody reads them yet."""
    scopes: Sequence[str] = [new.scope(partition) for partition in range(new.partitions)]
    with database.write() as connection:
        connection.execute(delete(stage_snapshots).where(stage_snapshots.c.scope.in_(scopes)))
    store = StageSnapshots(database)
    for partition, scope in enumerate(scopes):
        store.save(scope, era, 0, pack(msgspec.msgpack.encode(state(partition))), now_ms())
