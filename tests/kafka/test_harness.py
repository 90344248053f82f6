"""The brokers of the tests: they start, can be harmed and healed, and never outlive the tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from tests.kafka.broker import free_ports
from tests.kafka.harness import Brokers, Kafka
from tests.kafka.libraries import ROOT
from tests.kafka.plugin import delete_topics
from warning.settings import Settings

STARTED = """
import sys, time
from tests.kafka.harness import Kafka
with Kafka() as kafka:
    print(kafka.brokers[0].pid, kafka.brokers[0].folder.parent, flush=True)
    time.sleep(600)
"""


def _wait(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _make(settings: Settings, name: str) -> str:
    from kafka import KafkaAdminClient
    from kafka.admin import NewTopic

    topic = settings.kafka.prefix + name
    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=settings.kafka.replication)])
    admin.close()
    return topic


def _send(bootstrap: str, topic: str, value: bytes, seconds: float = 10.0) -> int:
    """Return the offset of a record that all copies that must have it have."""
    offsets: list[int] = []
    errors: list[KafkaError] = []

    def done(error: KafkaError | None, record: Message) -> None:
        if error is None:
            offsets.append(record.offset() or 0)
        else:
            errors.append(error)

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "message.timeout.ms": int(1000 * seconds),
            "message.max.bytes": 20_000_000,
        }
    )
    producer.produce(topic, value, on_delivery=done)
    producer.flush(seconds + 5)
    if errors:
        raise KafkaException(errors[0])
    return offsets[0]


def _read(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": topic, "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    try:
        return [bytes(record.value() or b"") for record in consumer.consume(count, timeout=20)]
    finally:
        consumer.close()


def test_records_go_through(kafka: Brokers, kafka_settings: Settings) -> None:
    """A record of 15 MB that a producer sent is read back to the byte."""
    topic = _make(kafka_settings, "large")
    large = os.urandom(1 << 20) * 15
    assert _send(kafka.bootstrap, topic, large) == 0
    assert _read(kafka.bootstrap, topic, 1) == [large]


def test_a_test_leaves_no_topics(kafka: Brokers, prefix: str) -> None:
    """Topics with a test's prefix are gone afterwards, those of others are not."""
    from kafka import KafkaAdminClient

    settings, others = (
        Settings.model_validate({"kafka": {"bootstrap": kafka.bootstrap, "prefix": prefix + name}})
        for name in ("mine-", "other-")
    )
    mine, other = _make(settings, "a"), _make(others, "a")
    delete_topics(settings)
    admin = KafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    try:
        assert _wait(lambda: mine not in admin.list_topics())
        assert other in admin.list_topics()
    finally:
        admin.close()
        delete_topics(others)


@pytest.mark.parametrize("how", ["kill", "stop", "pause"])
def test_three_brokers_do_without_one(kafka3: Kafka, kafka3_settings: Settings, how: str) -> None:
    """With any one broker of three away records are still taken, and all are there when it is back."""
    topic = _make(kafka3_settings, how)
    broker = kafka3.brokers[["kill", "stop", "pause"].index(how)]
    _send(kafka3.bootstrap, topic, b"before")
    getattr(broker, how)()
    _send(kafka3.bootstrap, topic, b"without", seconds=30)
    kafka3.restart()
    _send(kafka3.bootstrap, topic, b"after", seconds=30)
    assert _read(kafka3.bootstrap, topic, 3) == [b"before", b"without", b"after"]


def test_two_copies_must_have_a_record(kafka3: Kafka, kafka3_settings: Settings) -> None:
    """With two brokers of three away nothing is acknowledged; what was is there when they are back."""
    topic = _make(kafka3_settings, "insync")
    _send(kafka3.bootstrap, topic, b"before")
    for broker in kafka3.brokers[:2]:
        broker.kill()
    with pytest.raises(KafkaException):
        _send(kafka3.bootstrap, topic, b"refused", seconds=2)
    kafka3.restart()
    refused = _send(kafka3.bootstrap, topic, b"after", seconds=30) - 1
    # What was refused may come to be there after all, as always with Kafka.
    values = _read(kafka3.bootstrap, topic, 2 + refused)
    assert [value for value in values if value != b"refused"] == [b"before", b"after"]


def test_a_failure_shows_the_brokers_logs(pytester: pytest.Pytester) -> None:
    """Beside a failed test stands what its brokers said last."""
    pytester.makeconftest('pytest_plugins = ["tests.kafka.plugin"]')
    pytester.makepyfile("""
        import pytest
        from tests.kafka.harness import Kafka

        @pytest.fixture
        def own():
            with Kafka() as kafka:
                yield kafka

        def test_it(own):
            raise AssertionError("no")
    """)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*brokers of own*", "--- broker 1", "*Kafka Server started*"])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_brokers_end_with_the_tests(number: signal.Signals) -> None:
    """However a test run ends, its broker's process and folder are gone within seconds."""
    run = subprocess.Popen([sys.executable, "-c", STARTED], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
    with run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().decode().split(maxsplit=1)
        process, data = Path(f"/proc/{pid}"), Path(folder.strip())
        assert process.exists()
        assert data.is_dir()
        run.send_signal(number)
        run.wait()
    assert _wait(lambda: not data.exists() and not process.exists())


def test_free_ports_are_no_ephemeral_ones() -> None:
    """No connection takes a broker's port while it is stopped."""
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < 32_768
