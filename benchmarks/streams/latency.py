"""``python -m benchmarks.streams.latency``: from the tick that makes an alert possible to the feed. 预警延迟.

A week of a city is applied first. Then 2,000 tickets a second come for some minutes: resends of the week's, which are
read, normalised, written, looked up and told of like any other and found to be duplicates, so that the load itself
raises no alert. In the middle of each minute a few categories burst, each in its own district; the tick when the minute
is over can know of them. A tick's moment is when the brokers had it in ``clock``; the minute's end is told of beside it
(inputs say once a second that they are at their end, so a tick comes up to a second after it). An alert is in the feed
when a transaction that has its row is visible in PostgreSQL, which is looked at every 20 ms.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec
import numpy as np
from confluent_kafka import Producer

from benchmarks.city import City
from benchmarks.streams.feeding import Feeder, again, written
from benchmarks.streams.preload import values
from benchmarks.streams.recovery import Watched
from benchmarks.streams.stadium import Stadium, reading
from benchmarks.tables import Table, machine
from streams.topics import Name, topics
from tests.cluster.workers import Cluster, wait_for
from tests.postgres import PASSWORD
from warning.domain.bucket import MINUTE_MS
from warning.engine.records import Tick
from warning.runtime.clock import now_ms
from warning.store.logfile import decode_record
from warning.store.sql.database import Database

if TYPE_CHECKING:
    from warning.settings import Settings

WEEK = City(tickets=600_000, days=7, categories=120, even=True)
RATE = 2_000
BURSTS = 4
"""A minute: their tickets are fewer than the city has in a minute, so that they do not become one alert of the city."""
BURST = 12
_RESENT = 50_000
_LOOK_SECONDS = 0.02
_GRACE_SECONDS = 20.0
_PATIENCE = 900.0


@dataclass(frozen=True)
class _Seen:
    """An alert's row in the feed: when it was seen, and the categories of the alert."""

    at_ms: int
    categories: frozenset[str]


@click.command(help="Measure how soon an alert is in the feed under load. 负载下从时钟到预警的延迟。")
@click.option("--minutes", type=click.IntRange(1), default=25, show_default=True)
@click.option("--rate", type=click.IntRange(1), default=RATE, show_default=True)
@click.option("--tickets", type=click.IntRange(10_000), default=WEEK.tickets, show_default=True)
def main(minutes: int, rate: int, tickets: int) -> None:
    """Run, and print a table."""
    city = City(tickets=tickets, days=WEEK.days, categories=WEEK.categories, even=True)
    with (
        tempfile.TemporaryDirectory(prefix="early-warning-latency-") as folder,
        Stadium(Path(folder), city) as stadium,
    ):
        settings = stadium.settings_of(stadium.settings.kafka.prefix, database=True)
        with Cluster(settings, stadium.folder) as cluster:
            table = _measured(stadium, settings, cluster, minutes, rate)
    click.echo(table.markdown())


def _measured(stadium: Stadium, settings: Settings, cluster: Cluster, minutes: int, rate: int) -> Table:
    for kind in ("intake", "detect", "alerts"):
        cluster.start(kind, kind)
    names = topics(settings)
    with Watched(stadium.kafka.bootstrap, names[Name.OUTCOMES].name) as watched:
        wait_for(lambda: watched.tickets >= stadium.city.tickets, "the week is applied", _PATIENCE)
    click.echo("the week is applied", err=True)
    raw = names[Name.RAW]
    made = again(values(stadium.city, stadium.begin_ms), _RESENT)
    database = Database(settings.store.url, PASSWORD)
    producer = Producer({"bootstrap.servers": stadium.kafka.bootstrap})
    try:
        with Feeder(stadium.kafka.bootstrap, raw.name, raw.partitions, rate, made):
            seen, sent = _bursts(database, producer, raw.name, minutes)
    finally:
        database.close()
    return _table(stadium, seen, sent, rate)


def _bursts(database: Database, producer: Producer, topic: str, minutes: int) -> tuple[list[_Seen], dict[str, int]]:
    """Burst each minute, and watch the feed; returns what was seen, and by category when its minute was over."""
    sent: dict[str, int] = {}
    seen: list[_Seen] = []
    last = _last(database)
    first = now_ms() // MINUTE_MS + 2
    due = [(first + minute) * MINUTE_MS + MINUTE_MS // 2 for minute in range(minutes)]
    end = (first + minutes) * MINUTE_MS + _GRACE_SECONDS * 1000
    while now_ms() < end:
        if due and now_ms() >= due[0]:
            over = (math.floor(due.pop(0) / MINUTE_MS) + 1) * MINUTE_MS
            sent |= dict.fromkeys(_burst(producer, topic, len(sent)), over)
        last, rows = _feed(database, last)
        seen += rows
        time.sleep(_LOOK_SECONDS)
    return seen, sent


def _burst(producer: Producer, topic: str, number: int) -> list[str]:
    categories = []
    for subject in range(number, number + BURSTS):
        name = f"Category {subject % WEEK.categories + 1:03d}"
        district = 7 * subject % 44
        area = f"City/Borough {district // 9 + 1}/District {district + 1:02d}"
        for ticket in range(BURST):
            burst = {"ticket_id": f"burst-{subject}-{ticket}", "area": area, "category": name}
            producer.produce(topic, msgspec.json.encode(burst | {"created_at": written(now_ms() - 500 * ticket)}))
        categories.append(name)
    if producer.flush(10):
        raise RuntimeError("the brokers did not take a burst")
    return categories


def _last(database: Database) -> int:
    with database.read() as connection:
        return int(connection.exec_driver_sql("SELECT coalesce(max(sequence), 0) FROM feed").scalar_one())


def _feed(database: Database, last: int) -> tuple[int, list[_Seen]]:
    """Return what is new in the feed of alerts that were opened, and up to where that is."""
    with database.read() as connection:
        rows = connection.exec_driver_sql(
            "SELECT sequence, subject, change FROM feed WHERE sequence > %s AND kind = 'alert' ORDER BY sequence",
            (last,),
        ).all()
        at = now_ms()
        opened = [subject for _, subject, change in rows if change == "OPEN-1"]
        return (rows[-1][0] if rows else last), [_Seen(at, _categories(connection, alert)) for alert in opened]


def _categories(connection: Any, alert: str) -> frozenset[str]:
    found = connection.exec_driver_sql(
        "SELECT name FROM alert_names WHERE alert_id = %s AND kind = 'category'", (alert,)
    )
    return frozenset(value for (value,) in found)


def _ticks(stadium: Stadium) -> list[tuple[int, int]]:
    """Return (watermark, when the brokers had it) of each tick."""
    found = []
    with reading(stadium.kafka.bootstrap, topics(stadium.settings)[Name.CLOCK].name) as consumer:
        while messages := consumer.consume(500, 2.0):
            for message in messages:
                record = decode_record(message.value() or b"", "clock")
                if isinstance(record, Tick):
                    found.append((record.watermark, message.timestamp()[1]))
    return found


def _table(stadium: Stadium, seen: Sequence[_Seen], sent: dict[str, int], rate: int) -> Table:
    ticks = _ticks(stadium)
    lateness = stadium.settings.engine.lateness_minutes * MINUTE_MS
    from_tick, from_minute = [], []
    for one in seen:
        for over in {sent[category] for category in one.categories if category in sent}:
            written_at = [at for watermark, at in ticks if watermark + lateness >= over]
            if written_at:
                from_tick.append((one.at_ms - min(written_at)) / 1000)
                from_minute.append((one.at_ms - over) / 1000)
    if not from_tick:
        raise RuntimeError("no burst gave an alert")
    rows = [_row("from the tick in clock", from_tick), _row("from the minute's end", from_minute)]
    notes = [f"{len(from_tick)} alerts of {len(sent)} bursts at {rate:,} tickets/s, {machine()}."]
    return Table("From tick to feed", ["seconds", "least", "p50", "p99", "most"], rows, notes)


def _row(name: str, took: list[float]) -> list[str]:
    figures = (min(took), float(np.median(took)), float(np.quantile(took, 0.99)), max(took))
    return [name, *(f"{figure:.2f}" for figure in figures)]


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.streams.latency")
