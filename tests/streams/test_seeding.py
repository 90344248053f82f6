"""Sending a file of events to Kafka."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition

from streams.admin import apply_topics
from streams.seeding import send_lines
from streams.topics import Name, topics
from tests.cluster.workers import environment_of
from tests.kafka.broker import free_ports
from warning.cli import main
from warning.service.errors import BadInputError
from warning.settings import Settings


def _records(settings: Settings) -> list[tuple[bytes, list[tuple[str, bytes]]]]:
    topic = topics(settings)[Name.RAW]
    places = [TopicPartition(topic.name, partition) for partition in range(topic.partitions)]
    consumer = KafkaConsumer(bootstrap_servers=settings.kafka.bootstrap)
    try:
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        wanted = sum(consumer.end_offsets(places).values())
        found: list[tuple[bytes, list[tuple[str, bytes]]]] = []
        while len(found) < wanted:
            for batch in consumer.poll(timeout_ms=500).values():
                found += [(record.value, list(record.headers)) for record in batch]
        return sorted(found)
    finally:
        consumer.close()


def test_each_line_is_an_event(kafka_settings: Settings, tmp_path: Path) -> None:
    """Every line that is not empty becomes one record as it stands, with its source in the header."""
    apply_topics(kafka_settings)
    file = tmp_path / "events.ndjson"
    file.write_bytes(b'{"ticket_id": "1"}\n\n{"ticket_id": "2"}\nno json at all\n')
    done = CliRunner(env=environment_of(kafka_settings)).invoke(
        main, ["cluster", "send", str(file), "--source", "desk"]
    )
    assert done.exit_code == 0, done.output
    assert "3 个事件" in done.output
    headers = [("source", b"desk")]
    assert _records(kafka_settings) == [
        (b"no json at all", headers),
        (b'{"ticket_id": "1"}', headers),
        (b'{"ticket_id": "2"}', headers),
    ]


def test_no_broker_is_said(tmp_path: Path) -> None:
    """Without a broker the command ends with words that name the setting, not with a traceback."""
    (port,) = free_ports(1)
    settings = Settings.model_validate({"kafka": {"bootstrap": f"127.0.0.1:{port}"}})
    with pytest.raises(BadInputError, match=r"kafka\.bootstrap"):
        send_lines([b"{}"], settings)
