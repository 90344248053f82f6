"""The cluster under fire: whatever is killed, paused, cut off or damaged, nothing is lost and nothing is said twice."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from time import sleep
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from streams.admin import apply_topics
from streams.cluster_log import export_cluster_log
from streams.detect.build import outside_of
from streams.detect.partition import PartitionState
from streams.generations import generations
from streams.reading import RangeReader
from streams.topics import Name, topics
from tests.cluster.chaos import Chaos
from tests.cluster.feeding import Feeder
from tests.cluster.intake_child import CLOCK
from tests.cluster.logs import judged
from tests.cluster.plugin import city_settings, store_at
from tests.cluster.stored import database_of, feed_of, judged_tick, said_of
from tests.cluster.workers import Cluster, wait_for
from tests.kafka.harness import Kafka
from tests.kafka.plugin import delete_topics
from tests.postgres import Postgres
from tests.warning.engine.tickets import Row, city, feed, log
from tests.warning.engine.tickets import engine as engine_of
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS
from warning.domain.outcome import RowOutcome
from warning.domain.signal import EvidenceState, Signal
from warning.engine.records import Record, Tick
from warning.settings import Settings
from warning.store.logfile import read_records
from warning.store.sql.stage_snapshots import StageSnapshots
from warning.store.sql.tables import stage_snapshots, tickets

FAULTS = int(os.environ.get("FAULTS", "20"))
"""`make soak` asks for more."""
SEED = int(os.environ.get("FAULT_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 30)
TICK_MINUTES = 15


@pytest.fixture(name="settings")
def _settings(kafka3: Kafka, prefix: str, postgres: Postgres, postgres_name: str, tmp_path: Path) -> Iterator[Settings]:
    """Three brokers, of which one may be away; three partitions; quick to tell of time."""
    kafka3.restart()
    place = {"replication": 3, "min_insync": 2, "partitions": 3}
    settings = city_settings(kafka3.bootstrap, prefix, store_at(postgres, postgres_name), tmp_path, **place)
    service = settings.service.model_copy(update={"tick_minutes": TICK_MINUTES})
    yield settings.model_copy(update={"service": service})
    kafka3.restart()
    delete_topics(settings)


class _Broker:
    """One of three, another each time."""

    def __init__(self, kafka: Kafka, seed: int) -> None:
        self._kafka = kafka
        self._random = random.Random(seed)

    def kill(self) -> None:
        self._random.choice(self._kafka.brokers).kill()

    def start(self) -> None:
        self._kafka.restart()


def _damage_a_snapshot(settings: Settings, postgres: Postgres, choice: random.Random) -> None:
    """Flip bytes of a newest snapshot."""
    with database_of(settings) as database, database.write() as connection:
        newest = connection.execute(
            select(stage_snapshots.c.scope, stage_snapshots.c.position).order_by(stage_snapshots.c.position.desc())
        ).all()
        if newest:
            scope, position = choice.choice(newest[:3])
            where = (stage_snapshots.c.scope == scope) & (stage_snapshots.c.position == position)
            connection.execute(stage_snapshots.update().where(where).values(payload=b"damaged"))


def _slow_store(settings: Settings, choice: random.Random) -> None:
    """Hold the one lock of writers for a while."""
    with database_of(settings) as database, database.write():
        sleep(choice.uniform(1.0, 4.0))


def test_nothing_is_lost_and_nothing_said_twice(
    settings: Settings, kafka3: Kafka, postgres: Postgres, tmp_path: Path
) -> None:
    """After random faults tickets, alerts, snapshots and final evidence are those of an undisturbed run."""
    print(f"FAULT_SEED={SEED} FAULTS={FAULTS}")  # noqa: T201  to run it again
    rows = city(6.0, seed=SEED % 1000)
    apply_topics(settings)
    clock = tmp_path / "clock"
    feeder = Feeder(settings, rows, clock, seconds=0.4, seed=SEED)
    child = {"intake": [sys.executable, "-m", "tests.cluster.intake_child"]}
    with Cluster(settings, tmp_path, programs=child, **{CLOCK: str(clock)}) as cluster:
        for kind in ("intake", "intake", "detect", "detect", "alerts"):
            cluster.start(kind)
        for worker in cluster.workers:
            worker.wait_until_ready()
        chaos = Chaos(
            cluster,
            SEED,
            others={"the database": postgres, "a broker": _Broker(kafka3, SEED)},
            more={
                "a snapshot is damaged": lambda choice: _damage_a_snapshot(settings, postgres, choice),
                "the store is slow": lambda choice: _slow_store(settings, choice),
            },
        )
        feeder.start()
        chaos.run(FAULTS)
        chaos.mend()
        feeder.hurry()
        feeder.join(180)
        assert not feeder.is_alive()
        assert feeder.failure is None, feeder.failure
        end = max(row.time for row in rows) + 2 * DAY_MS
        feeder.set_clock(end)
        last = (end - HOUR_MS) // (TICK_MINUTES * MINUTE_MS)
        wait_for(lambda: _mended(chaos) and judged_tick(settings) >= last, f"tick {last} is judged", 180)
        wait_for(lambda: len(_outcomes(settings)) >= len(rows), "every ticket's outcome is stored", 60)
        for worker in cluster.workers:
            if worker.running:
                assert worker.stop() == 0, worker.said[-3000:]
    assert sum(chaos.done.values()) == FAULTS
    _check_tickets(settings, rows)
    _check_said(settings, rows, tmp_path)
    _check_snapshots(settings)


def _mended(chaos: Chaos) -> bool:
    chaos.mend()
    return True


def _outcomes(settings: Settings) -> dict[str, str]:
    with database_of(settings) as database, database.read() as connection:
        return {
            row.ticket_id: row.outcome for row in connection.execute(select(tickets.c.ticket_id, tickets.c.outcome))
        }


def _check_tickets(settings: Settings, rows: list[Row]) -> None:
    """Every ticket was counted, once, and none was late."""
    found = _outcomes(settings)
    assert found.keys() == {row.id for row in rows}
    assert set(found.values()) == {RowOutcome.ACCEPTED.value}


def _check_said(settings: Settings, rows: list[Row], folder: Path) -> None:
    whole = folder / "whole.log"
    export_cluster_log(settings, whole)
    records = [record for record, _ in read_records(whole)]
    expected, found = judged(records, settings), said_of(settings)
    assert expected.alerts
    assert found.alerts == expected.alerts
    assert found.signals == expected.signals
    assert found.points == expected.points
    raised = [alert for alert, rule in feed_of(settings) if rule == "OPEN-1"]
    assert len(raised) == len(set(raised)), "an alert was told of as new twice"
    ticks = [record for record in records if isinstance(record, Tick)]
    undisturbed = feed(engine_of(), _undisturbed(rows, ticks[0], ticks[-1]))
    assert _final(found.signals) == _final(undisturbed.signals)


def _undisturbed(rows: list[Row], first: Tick, last: Tick) -> Iterator[Record]:
    """Yield the log of a city whose tickets come in order and one by one, over the same time."""
    begun = False
    for record in log(rows):
        if isinstance(record, Tick):
            if record.number < first.number:
                continue
            if not begun and record.number > first.number:
                yield first
            begun = True
        yield record
    yield last


def _final(signals: dict[str, Signal]) -> dict[str, Any]:
    return {
        each.id: (each.observed, each.expected, each.upper_bound, each.p_value)
        for each in signals.values()
        if each.state is EvidenceState.FINAL
    }


def _check_snapshots(settings: Settings) -> None:
    """Every kept snapshot of a partition is what its log adds up to."""
    assert asyncio.run(_replayed(settings)) >= topics(settings)[Name.TICKETS].partitions


async def _replayed(settings: Settings) -> int:
    compared = 0
    with database_of(settings) as database:
        never = settings.cluster.model_copy(update={"snapshot_seconds": 1 << 30, "snapshot_tickets": 1 << 30})
        settings = settings.model_copy(update={"cluster": never})
        reader = RangeReader(settings)
        found = await generations(reader, settings, Name.TICKETS)
        outside = outside_of(settings, database, found, reader=reader, sender=_Silent())  # type: ignore[arg-type]
        for partition in range(found[-1].partitions):
            for kept in StageSnapshots(database).candidates(found[-1].scope(partition), 0):
                state = PartitionState(outside, found[-1], partition)
                state._poison = await outside.poison.refresh()
                async for message in reader.read(found[-1].topic, partition, 0, kept.position):
                    await state.apply(message)
                await state.count_gathered()
                assert msgspec.msgpack.encode(state.stage.state()) == kept.payload
                compared += 1
    return compared


class _Silent:
    """Takes what a replay would send, and sends nothing."""

    async def send(self, topic: str, value: bytes | None, *, key: bytes | None = None) -> asyncio.Future[Any]:
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done

    async def settle(self) -> None: ...
