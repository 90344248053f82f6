"""A cluster whose database has no room: workers wait and say why, and nothing is lost when there is room again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

import pytest

from streams.admin import apply_topics
from tests.cluster.logs import LogWriter, judged
from tests.cluster.plugin import city_settings, store_at
from tests.cluster.stored import judged_tick, said_of
from tests.cluster.workers import Cluster, wait_for
from tests.kafka.harness import Brokers
from tests.kafka.plugin import delete_topics
from tests.postgres import Postgres
from tests.warning.disks import CRAMPED, tiny_disk
from tests.warning.engine.tickets import city, log
from warning.engine.records import Record, Tick
from warning.settings import Settings

RECORDS = log(city(6.0))
CUT = len(RECORDS) // 4
PLENTY = 64
"""Megabytes: more than the city needs."""
Room = Callable[[], None]
Store = Callable[[Postgres], AbstractContextManager[tuple[str, Room, Room]]]
"""Gives a database's name, what takes all room away from it, and what gives it back."""


@contextmanager
def _small_disk(postgres: Postgres) -> Iterator[tuple[str, Room, Room]]:
    """A database whose files are on a disk of their own; the server's log is not."""
    place = postgres.folder / "small"
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={PLENTY}m", "tmpfs", str(place)], check=True, capture_output=True
    )
    filler = place / "filler"
    space = place / "space"
    space.mkdir()
    shutil.chown(space, "postgres")
    shutil.chown(place, "postgres")

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    try:
        with postgres.root() as connection:
            connection.execute(f"CREATE TABLESPACE small LOCATION '{space}'")
        name = postgres.new_database(tablespace="small")
        yield name, fill, lambda: filler.unlink(missing_ok=True)
        filler.unlink(missing_ok=True)
        postgres.drop(name)
        with postgres.root() as connection:
            connection.execute("DROP TABLESPACE small")
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, capture_output=True)
        place.rmdir()


@contextmanager
def _crowded(postgres: Postgres) -> Iterator[tuple[str, Room, Room]]:
    """A database that takes no connections beyond its owner's; who was connected is thrown out."""
    name = postgres.new_database()

    def limit(connections: int) -> None:
        with postgres.root() as connection:
            connection.execute(f"ALTER DATABASE {name} CONNECTION LIMIT {connections}")
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    try:
        yield name, lambda: limit(0), lambda: limit(-1)
    finally:
        postgres.drop(name)


STORES: list[tuple[Store, str]] = [(_crowded, "too many connections")]
if tiny_disk in CRAMPED:
    STORES.append((_small_disk, "full"))


@pytest.mark.parametrize(("store", "why"), STORES)
def test_workers_wait_for_room(
    kafka: Brokers, prefix: str, postgres: Postgres, tmp_path: Path, store: Store, why: str
) -> None:
    """While the database takes nothing the alert worker is not ready and says why, and nobody ends; with room again all
    is judged, as a back-test of the log says.
    """
    postgres.start()
    with store(postgres) as (name, fill, free):
        settings = city_settings(kafka.bootstrap, prefix, store_at(postgres, name), tmp_path, partitions=2)
        apply_topics(settings)
        writer = LogWriter(settings)
        try:
            with Cluster(settings, tmp_path) as cluster:
                _go_through(cluster, writer, why, fill, free)
            found, expected = said_of(settings), judged(RECORDS, settings)
        finally:
            writer.close()
            delete_topics(settings)
    assert found.alerts == expected.alerts != {}
    assert found.signals == expected.signals
    assert found.points == expected.points


def _go_through(cluster: Cluster, writer: LogWriter, why: str, fill: Room, free: Room) -> None:
    settings: Settings = cluster.settings
    cluster.start("detect")
    alerts = cluster.start("alerts").wait_until_ready()
    writer.write(RECORDS[:CUT])
    wait_for(lambda: judged_tick(settings) >= _last_tick(RECORDS[:CUT]), "the first part is judged")
    fill()
    writer.write(RECORDS[CUT:])
    wait_for(lambda: why in str(alerts.health()), f"the alert worker says why: {why}")
    assert not alerts.ready()
    free()
    wait_for(lambda: judged_tick(settings) >= _last_tick(RECORDS), "all is judged", 120)
    assert all(worker.running for worker in cluster.workers)


def _last_tick(records: list[Record]) -> int:
    return max(record.number for record in records if isinstance(record, Tick))
