"""``python -m benchmarks.streams.recovery``: seconds from kill -9 of detect until it has caught up. 宕机恢复时间.

The state has 100,000 series, which are counted and learned and still warm up: a steady load on two days of history
would be a surge of every one of them, and tens of thousands of signals. Tickets of now come at a steady rate all the
time. Detect is killed at a random moment between two snapshots and started again at once, as an orchestrator would; it
has caught up when every ticket that was sent a second ago has been applied: when fewer are under way than come in a
second.
"""

from __future__ import annotations

import random
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from benchmarks.city import City
from benchmarks.streams.feeding import Feeder, of_now
from benchmarks.streams.stadium import Applied, Stadium, reading
from benchmarks.tables import Table, machine
from streams.topics import Name, topics
from tests.cluster.workers import Cluster, wait_for
from warning.settings import ClusterGroup, EngineGroup

if TYPE_CHECKING:
    from warning.settings import Settings

MANY = City(tickets=176_000, days=2, categories=2_000, even=True)
"""44 districts and the boroughs and the city above them, in 2,000 categories: 100,000 series."""
RATE = 2_000
_QUOTA = 4_000
_WARM_UP_HOURS = 24 * 60
_SNAPSHOT_SECONDS = 60
_PATIENCE = 600.0


@click.command(help="Kill detect with a large state, and wait until it has caught up. 杀死 detect 后的恢复时间。")
@click.option("--kills", type=click.IntRange(1), default=5, show_default=True)
@click.option("--categories", type=click.IntRange(1), default=MANY.categories, show_default=True)
@click.option("--rate", type=click.IntRange(1), default=RATE, show_default=True)
@click.option("--seed", type=int, default=6, show_default=True)
def main(kills: int, categories: int, rate: int, seed: int) -> None:
    """Run, and print a table."""
    city = City(tickets=88 * categories, days=2, categories=categories, even=True)
    engine = EngineGroup(series_quota_per_shard=_QUOTA, warm_up_hours=_WARM_UP_HOURS)
    cadence = ClusterGroup(snapshot_seconds=_SNAPSHOT_SECONDS)
    with (
        tempfile.TemporaryDirectory(prefix="early-warning-recovery-") as folder,
        Stadium(Path(folder), city, engine=engine, cluster=cadence) as stadium,
    ):
        settings = stadium.settings_of(stadium.settings.kafka.prefix, database=True)
        with Cluster(settings, stadium.folder) as cluster:
            took = _measured(stadium, settings, cluster, kills, rate, random.Random(seed))
    row = [f"{50 * categories:,}", f"{median(took):.1f}", f"{min(took):.1f}", f"{max(took):.1f}"]
    notes = [
        f"{kills} kills at random moments, {rate:,} tickets/s, a snapshot every {_SNAPSHOT_SECONDS} s, {machine()}."
    ]
    header = ["series", "seconds from kill -9 to caught up", "least", "most"]
    click.echo(Table("Recovery of detect", header, [row], notes).markdown())


def _measured(
    stadium: Stadium, settings: Settings, cluster: Cluster, kills: int, rate: int, chance: random.Random
) -> list[float]:
    for kind in ("intake", "detect", "alerts"):
        cluster.start(kind, kind)
    names = topics(settings)
    raw = names[Name.RAW]
    took: list[float] = []
    with Watched(stadium.kafka.bootstrap, names[Name.OUTCOMES].name) as watched:
        wait_for(lambda: watched.tickets >= stadium.city.tickets, "the city is applied", _PATIENCE)
        click.echo("the city is applied", err=True)
        made = of_now(stadium.city, "more-")
        with Feeder(stadium.kafka.bootstrap, raw.name, raw.partitions, rate, made) as feeder:
            for _ in range(kills):
                time.sleep(chance.uniform(1.0, 1.5) * _SNAPSHOT_SECONDS)
                took.append(_killed(cluster, lambda: feeder.sent - (watched.tickets - stadium.city.tickets), rate))
                click.echo(f"{took[-1]:.1f} s", err=True)
    return took


def _killed(cluster: Cluster, under_way: object, rate: int) -> float:
    assert callable(under_way)
    (worker,) = cluster.of("detect")
    worker.kill()
    began = time.monotonic()
    cluster.start("detect", worker.name)
    # At first nothing more is under way than before: it has caught up once it fell behind.
    wait_for(lambda: under_way() > rate, "it falls behind", 30)
    wait_for(lambda: under_way() < rate, "it catches up", _PATIENCE)
    return time.monotonic() - began


class Watched:
    """Counts applied tickets in a thread of its own."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap, self._topic = bootstrap, topic
        self._applied = Applied()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.tickets = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        with reading(self._bootstrap, self._topic) as consumer:
            while not self._ended.is_set():
                for message in consumer.consume(500, 0.05):
                    self.tickets += self._applied.add(message)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.streams.recovery")
