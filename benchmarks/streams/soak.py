"""``python -m benchmarks.streams.soak``: the whole cluster under load and faults, nothing lost. 浸泡测试.

Tickets of now come at a steady rate all the time. In the first half workers and the database are killed, stopped and
paused at random moments (the seed is printed); in the second half nobody touches them, and memory is looked at. In the
end every ticket that the brokers took is looked up in the database.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.city import City
from benchmarks.streams.feeding import Feeder, of_now
from benchmarks.streams.memory import Memory, slope
from benchmarks.streams.stadium import Stadium
from benchmarks.tables import Table, machine
from streams.topics import Name, topics
from tests.cluster.chaos import Chaos
from tests.cluster.workers import Cluster
from tests.postgres import PASSWORD
from warning.store.sql.database import Database

if TYPE_CHECKING:
    from warning.settings import Settings

RATE = 2_000
SERIES = City(tickets=20_000, days=28)
_KINDS = {"intake": 2, "detect": 2, "alerts": 2}
_FAULTS = 200
_CATCH_UP_SECONDS = 600.0
_MEND_SECONDS = 1.0
_FAULT_SECONDS = 3.0
"""What a fault takes by itself, about."""
_UNDISTURBED = 0.5
_WARM = 0.2
"""This share of the undisturbed time counts for memory only after it: caches fill."""


@click.command(help="Run the cluster for so long under load and faults. 集群在负载与故障下的浸泡测试。")
@click.option("--minutes", type=click.FloatRange(0.5), default=60.0, show_default=True)
@click.option("--faults", type=click.IntRange(0), default=_FAULTS, show_default=True)
@click.option("--rate", type=click.IntRange(1), default=RATE, show_default=True, help="Tickets a second. 每秒工单数")
@click.option("--seed", type=int, default=6, show_default=True)
def main(minutes: float, faults: int, rate: int, seed: int) -> None:
    """Run, print a table, and fail where a ticket was lost."""
    with (
        tempfile.TemporaryDirectory(prefix="early-warning-soak-") as folder,
        # The stadium's own topic is read first, and small: what is measured comes live.
        Stadium(Path(folder), City(tickets=1_000, days=28)) as stadium,
    ):
        click.echo(f"{machine()}; {minutes:g} minutes, {rate:,} tickets/s, seed {seed}")
        settings = stadium.settings_of(stadium.settings.kafka.prefix, database=True)
        with Cluster(settings, stadium.folder) as cluster:
            soaked = soak(Soak(stadium, settings, cluster, rate), minutes * 60, faults, seed)
    click.echo(soaked.table.markdown())
    if soaked.lost:
        raise SystemExit(1)


@dataclass(frozen=True)
class Soak:
    """What a soak runs on."""

    stadium: Stadium
    settings: Settings
    cluster: Cluster
    rate: int


@dataclass(frozen=True)
class Soaked:
    """What it showed."""

    table: Table
    lost: int


def soak(on: Soak, seconds: float, faults: int, seed: int) -> Soaked:
    """Start everything, disturb it, leave it alone, count."""
    for kind, count in _KINDS.items():
        for number in range(count):
            on.cluster.start(kind, f"{kind}{number}")
    for worker in on.cluster.workers:
        worker.wait_until_ready()
    raw = topics(on.settings)[Name.RAW]
    made = of_now(SERIES, "soak-")
    with Feeder(on.stadium.kafka.bootstrap, raw.name, raw.partitions, on.rate, made) as feeder:
        began = time.monotonic()
        chaos = _disturbed(on, seconds * (1 - _UNDISTURBED), faults, seed)
        rest = began + seconds - time.monotonic()
        time.sleep(max(0.0, rest * _WARM))
        with Memory(
            lambda: {worker.name: worker.process.pid for kind in _KINDS for worker in on.cluster.of(kind)}
        ) as memory:
            time.sleep(max(0.0, began + seconds - time.monotonic()))
        feeder.end()
        behind = time.monotonic()
        lost = _lost(on, feeder)
        behind = time.monotonic() - behind
    return Soaked(_table(feeder, chaos, memory, lost, behind, seconds), lost)


def _disturbed(on: Soak, seconds: float, faults: int, seed: int) -> Chaos:
    """Do faults at random moments for so long; whoever ends by itself is started again, as an orchestrator would."""
    assert on.stadium.postgres is not None
    chaos = Chaos(on.cluster, seed, others={"the database": on.stadium.postgres})
    deadline = time.monotonic() + seconds
    for left in range(faults, 0, -1):
        chaos.mend()
        chaos.run(1)
        pause = time.monotonic() + (deadline - time.monotonic()) / left - _FAULT_SECONDS
        while time.monotonic() < pause:
            time.sleep(_MEND_SECONDS)
            chaos.mend()
        if time.monotonic() > deadline:
            break
    time.sleep(_MEND_SECONDS)
    chaos.mend()
    return chaos


def _lost(on: Soak, feeder: Feeder) -> int:
    """Return how many tickets that the brokers took the database does not know, after they all had time to come."""
    database = Database(on.settings.store.url, PASSWORD)
    try:
        wanted = feeder.sent - len(feeder.refused)
        return wanted - _known(lambda: _count(database), wanted)
    finally:
        database.close()


def _known(count: Callable[[], int], wanted: int) -> int:
    last, since = count(), time.monotonic()
    while last < wanted and time.monotonic() - since < _CATCH_UP_SECONDS / 10:
        time.sleep(2.0)
        now = count()
        if now != last:
            last, since = now, time.monotonic()
    return last


def _count(database: Database) -> int:
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT count(*) FROM tickets WHERE ticket_id LIKE 'soak-%%'")
        return int(found.scalar_one())


def _table(feeder: Feeder, chaos: Chaos, memory: Memory, lost: int, behind: float, seconds: float) -> Table:
    rows = []
    for name, seen in sorted(memory.seen.items()):
        rise, error = slope(seen)
        sizes = [size for _, size in seen]
        rows.append([name, f"{rise:+.1f}", f"{2 * error:.1f}", f"{sizes[0]:.0f}", f"{max(sizes):.0f}"])
    faults = sum(chaos.done.values())
    kinds = ", ".join(f"{name} {count}" for name, count in sorted(chaos.done.items()))
    notes = [
        f"{feeder.taken:,} tickets taken by the brokers in {seconds / 60:g} minutes, {lost} of them lost.",
        f"{faults} faults: {kinds}.",
        f"{behind:.0f} s after the last ticket all of them were in the database.",
    ]
    return Table("Soak", ["memory", "MiB an hour", "+-", "MiB at first", "most"], rows, notes)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.streams.soak")
