"""What Faust is told, tried on a real broker."""

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


def test_faust_goes_on_reading_while_an_agent_is_behind(kafka_settings: Settings, tmp_path: Path) -> None:
    """Bursts in all partitions, more than an agent can do meanwhile, fill no buffer: that costs a second each time."""
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
            assert app.full() == 0
    finally:
        producer.close()
