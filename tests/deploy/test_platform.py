"""Kafka and PostgreSQL as the compose file starts them: who gets in, and who does not."""

import contextlib
import os
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    NewTopic,
    ResourcePattern,
    ResourceType,
)
from kafka.errors import KafkaError

from tests.cluster.workers import PROGRAM
from tests.deploy import compose
from tests.deploy.host import Host
from tests.deploy.platform import Broker, database
from warning.settings import load_settings

OURS = compose.ours(compose.load())


@pytest.fixture(name="host", scope="module")
def _host(tmp_path_factory: pytest.TempPathFactory) -> Host:
    host = Host(tmp_path_factory.mktemp("platform"))
    make = [str(compose.ROOT / "deploy/make-secrets.sh"), "--into", str(host.secrets)]
    subprocess.run(make, check=True, capture_output=True)
    return host


@pytest.fixture(name="broker", scope="module")
def _broker(host: Host) -> Iterator[Broker]:
    broker = Broker(host).start()
    try:
        broker.wait()
        yield broker
    finally:
        broker.kill()


def _topics(host: Host, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program with the variables of the topics job."""
    variables = os.environ | host.environment(OURS["topics"], "topics")
    return subprocess.run([PROGRAM, *arguments], env=variables, capture_output=True, text=True, check=False, timeout=60)


def _options(host: Host, user: str, password: str, port: int = 9094) -> dict[str, Any]:
    return {
        "bootstrap_servers": host.address("kafka", port),
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": user,
        "sasl_plain_password": password,
        "ssl_context": ssl.create_default_context(cafile=host.secrets / "kafka-ca.pem"),
    }


def test_the_topics_are_made(host: Host, broker: Broker) -> None:
    """The topics job makes every topic with TLS and the password from its file, and then finds nothing more to do."""
    done = _topics(host, *OURS["topics"]["command"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "tickets.raw" in done.stdout
    assert _topics(host, "topics", "check").returncode == 0


def test_the_broker_is_healthy(broker: Broker) -> None:
    """The health check of the compose file passes while the broker serves."""
    done = broker.health()
    assert done.returncode == 0, done.stderr


def test_the_broker_starts_again_on_its_data(host: Host, broker: Broker) -> None:
    """Stopped and started again, the broker keeps its topics: storage is formatted once."""
    assert _topics(host, "topics", "apply").returncode == 0
    broker.stop()
    broker.log.unlink()
    broker.start().wait()
    assert _topics(host, "topics", "check").returncode == 0


@pytest.mark.parametrize(("user", "password"), [("early-warning", "wrong"), ("nobody", ""), ("admin", "admin-secret")])
def test_a_wrong_password_is_refused(host: Host, broker: Broker, user: str, password: str) -> None:
    """Nobody gets in without the password that was made."""
    with pytest.raises(KafkaError):
        KafkaAdminClient(**_options(host, user, password or "x"), bootstrap_timeout_ms=5_000)


def test_a_platform_may_only_send(host: Host, broker: Broker) -> None:
    """A platform's own user, let write to tickets.raw, can do so from outside, and can write or make no other topic."""
    _topics(host, "topics", "apply")
    # As an administrator does with the tools in the container, where no password is asked for.
    words = ["--bootstrap-server=127.0.0.1:9091", "--alter", "--entity-type=users", "--entity-name=hotline"]
    password = "SCRAM-SHA-512=[password=a password of theirs]"
    done = broker.run("/opt/kafka/bin/kafka-configs.sh", *words, "--add-config", password)
    assert done.returncode == 0, done.stdout + done.stderr
    with contextlib.closing(KafkaAdminClient(bootstrap_servers=host.address("kafka", 9091))) as admin:
        topic = ResourcePattern(ResourceType.TOPIC, "tickets.raw")
        rights = [ACLOperation.WRITE, ACLOperation.DESCRIBE]
        admin.create_acls([ACL("User:hotline", "*", right, ACLPermissionType.ALLOW, topic) for right in rights])
    theirs = _options(host, "hotline", "a password of theirs")
    with contextlib.closing(KafkaProducer(**theirs, max_block_ms=10_000)) as producer:
        assert producer.send("tickets.raw", b"{}").get(10).offset >= 0
        with pytest.raises(KafkaError):
            producer.send("reviews", b"{}").get(10)
    with contextlib.closing(KafkaAdminClient(**theirs)) as admin, pytest.raises(KafkaError):
        admin.create_topics([NewTopic("mine", 1, 1)])


def test_the_database_has_an_owner_who_is_no_superuser(host: Host) -> None:
    """The script's user signs in with its password, owns its database, is no superuser, and others do not get in."""
    server = database(host)
    try:
        settings = load_settings(environment=host.environment(OURS["api"], "api"))
        password = Path(settings.store.password_file).read_text()
        with psycopg.connect(settings.store.url, password=password) as connection:
            connection.execute("CREATE TABLE t (a int)")
            rights = connection.execute("SELECT usesuper, usecreatedb FROM pg_user WHERE usename = current_user")
            assert rights.fetchone() == (False, False)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(settings.store.url, password="early_warning")
    finally:
        server.close()
