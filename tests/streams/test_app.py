"""What Faust is told, tried on a real broker."""

from itertools import pairwise
from pathlib import Path
from time import sleep

from kafka import KafkaProducer

from streams.connection import kafka_python_options
from tests.cluster.workers import wait_for
from tests.streams.places import make
from tests.streams.tiny_app import tiny_app
from warning.settings import Settings

PARTITIONS = 6
BURSTS, OF_EACH = 10, 25
PAUSE_SECONDS = 0.3
WORK_SECONDS = 0.003
"""Of each record: a burst is more work than fits between two."""
LONGEST = 0.6
"""Seconds; where its buffer is full Faust sleeps for one, in which the agent does what is buffered."""


def test_an_agent_is_never_idle_while_records_wait(kafka_settings: Settings, tmp_path: Path) -> None:
    """Bursts in all partitions that together are more than an agent can do meanwhile are worked on without a pause."""
    topic = make(kafka_settings, "bursts", PARTITIONS)
    producer = KafkaProducer(**kafka_python_options(kafka_settings))

    def burst(of_each: int) -> None:
        for number in range(of_each * PARTITIONS):
            producer.send(topic, b"x", partition=number % PARTITIONS)
        producer.flush()

    try:
        with tiny_app(kafka_settings, topic, PARTITIONS * (1 + BURSTS * OF_EACH), tmp_path, WORK_SECONDS) as app:
            burst(1)
            wait_for(lambda: len(app.taken()) == PARTITIONS, "it has its partitions")
            for _ in range(BURSTS):
                burst(OF_EACH)
                sleep(PAUSE_SECONDS)
            app.wait()
            times = [at for at, _ in app.taken()][PARTITIONS:]
    finally:
        producer.close()
    assert max(after - before for before, after in pairwise(times)) < LONGEST
