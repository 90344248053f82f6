"""What is in a cluster's database and topics, for comparisons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from sqlalchemy import select

from streams import marks
from streams.connection import kafka_python_options
from streams.records import Report, encode_report
from streams.topics import Name, topics
from tests.stored import alerts_in, points_in, signals_in
from warning.runtime.backtest import Collected
from warning.settings import Settings
from warning.store.sql.database import Database
from warning.store.sql.tables import feed


class Reports:
    """Writes reports as detect workers do."""

    def __init__(self, settings: Settings) -> None:
        self._topic = topics(settings)[Name.SIGNALS].name
        self._producer = KafkaProducer(**kafka_python_options(settings), acks="all", max_request_size=16 << 20)

    def write(self, reports: Iterable[Report]) -> None:
        """Write reports in their order."""
        for report in reports:
            key = b"%d" % report.partition
            self._producer.send(self._topic, encode_report(report), key=key, partition=0)
        self._producer.flush()

    def close(self) -> None:
        self._producer.close()


def read_topic(settings: Settings, name: Name) -> list[tuple[bytes | None, bytes | None, dict[str, bytes]]]:
    """Return all records of a topic of one partition: (key, value, headers)."""
    place = TopicPartition(topics(settings)[name].name, 0)
    consumer = KafkaConsumer(**kafka_python_options(settings), group_id=None, auto_offset_reset="earliest")
    try:
        consumer.assign([place])
        end = consumer.end_offsets([place])[place]
        consumer.seek_to_beginning(place)
        found = []
        while consumer.position(place) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found += [(record.key, record.value, dict(record.headers)) for record in records]
        return found
    finally:
        consumer.close()


def judged_number(database: Database) -> int:
    """Return the number of the last tick whose alerts are stored; -1: none."""
    with database.read() as connection:
        found = marks.judged(connection)
    return -1 if found is None else found.number


def stored(database: Database) -> Collected:
    """Return everything that is stored of what the engine said."""
    said = Collected()
    with database.read() as connection:
        said.alerts, said.signals, said.points = alerts_in(connection), signals_in(connection), points_in(connection)
    return said


def told_twice(database: Database, said: Collected) -> list[str]:
    """Return the alerts of which the feed tells more often than they changed, or that it opened twice."""
    with database.read() as connection:
        rows = connection.execute(select(feed).order_by(feed.c.sequence)).all()
    told = Counter(row.subject for row in rows)
    opened = Counter(row.subject for row in rows if row.change == "OPEN-1")
    merged = Counter(row.subject for row in rows if row.change == "MERGE-1" and row.subject not in said.alerts)
    often = [i for i, times in told.items() if i in said.alerts and times > len(said.alerts[i].history)]
    return often + [i for each in (opened, merged) for i, times in each.items() if times > 1]
