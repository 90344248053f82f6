"""TLS and SASL reach every client: tried on a broker that insists on them."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from streams.admin import apply_topics, check_topics
from streams.connection import aiokafka_options, faust_options, instance, kafka_python_options, protection
from tests.kafka.harness import Kafka
from tests.streams.certificates import make_certificates
from tests.streams.tiny_app import run_tiny_app
from warning.domain.errors import InvalidInputError
from warning.settings import Settings

USER, PASSWORD = "worker", "secret with spaces, and 中文"
# Kafka's tool reads users from a list with commas.
SCRAM_PASSWORD = "a-secret-of-scram"
WAYS = [
    ("SSL", ""),
    ("SASL_SSL", "SCRAM-SHA-512"),
    ("SASL_SSL", "PLAIN"),
    ("SASL_PLAINTEXT", "SCRAM-SHA-256"),
]

Make = Callable[..., Settings]


@pytest.fixture(scope="module", name="keys")
def _keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module", name="guarded")
def _guarded(keys: Path) -> Iterator[Kafka]:
    module = "org.apache.kafka.common.security"
    scram = f"{module}.scram.ScramLoginModule required;"
    plain = f'{module}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    properties: dict[str, object] = {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keys / "broker.pem",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": keys / "ca.pem",
        "listener.name.ssl.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
    }
    for listener in ("sasl_ssl", "sasl_plaintext"):
        properties[f"listener.name.{listener}.plain.sasl.jaas.config"] = _escaped(plain)
        for mechanism in ("scram-sha-256", "scram-sha-512"):
            properties[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = scram
    users = [
        word
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for word in ("--add-scram", f"{mechanism}=[name={USER},password={SCRAM_PASSWORD}]")
    ]
    listeners = ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")
    with Kafka(listeners=listeners, properties=properties, formatting=users) as kafka:
        yield kafka


def _escaped(text: str) -> str:
    """Java's property files are Latin-1."""
    return "".join(letter if letter.isascii() else f"\\u{ord(letter):04x}" for letter in text)


@pytest.fixture(name="make")
def _make(guarded: Kafka, keys: Path, tmp_path: Path) -> Make:
    """Give a maker of settings for one way to connect."""

    def make(security: str, mechanism: str = "", **changes: object) -> Settings:
        secret = tmp_path / "password"
        secret.write_text((PASSWORD if mechanism == "PLAIN" else SCRAM_PASSWORD) + "\n", encoding="utf-8")
        values: dict[str, object] = {"bootstrap": guarded.bootstrap_of(security), "security": security}
        if security.endswith("SSL"):
            values["ca_file"] = str(keys / "ca.pem")
        if security == "SSL":
            values |= {"cert_file": str(keys / "client.crt"), "key_file": str(keys / "client.key")}
        if mechanism:
            values |= {"mechanism": mechanism, "username": USER, "password_file": str(secret)}
        return Settings.model_validate({"kafka": values | {"prefix": f"{uuid.uuid4().hex}-"} | changes})

    return make


def _topic(settings: Settings) -> str:
    name = f"{settings.kafka.prefix}secret"
    admin = KafkaAdminClient(**kafka_python_options(settings))
    admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    admin.close()
    return name


def _send(settings: Settings, topic: str, value: bytes) -> None:
    producer = KafkaProducer(**kafka_python_options(settings))
    producer.send(topic, value).get(timeout=20)
    producer.close()


async def _send_and_read(settings: Settings, topic: str, value: bytes) -> bytes:
    options = aiokafka_options(settings)
    async with AIOKafkaProducer(**options) as producer:
        await producer.send_and_wait(topic, value)
    async with AIOKafkaConsumer(**options, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return bytes((await asyncio.wait_for(consumer.getone(), 20)).value)


@pytest.mark.parametrize(("security", "mechanism"), WAYS)
def test_aiokafka(make: Make, security: str, mechanism: str) -> None:
    """Aiokafka's producer and consumer do their work through every kind of protection."""
    settings = make(security, mechanism)
    assert asyncio.run(_send_and_read(settings, _topic(settings), b"through aiokafka")) == b"through aiokafka"


@pytest.mark.parametrize(("security", "mechanism"), WAYS)
def test_kafka_python(make: Make, security: str, mechanism: str) -> None:
    """kafka-python's administrator, producer and consumer do their work through every kind of protection."""
    settings = make(security, mechanism)
    topic = _topic(settings)
    _send(settings, topic, b"through kafka-python")
    consumer = KafkaConsumer(topic, **kafka_python_options(settings), auto_offset_reset="earliest", group_id=None)
    try:
        assert next(iter(consumer)).value == b"through kafka-python"
    finally:
        consumer.close()


@pytest.mark.parametrize(("security", "mechanism"), WAYS)
def test_faust(make: Make, tmp_path: Path, security: str, mechanism: str) -> None:
    """A Faust app joins its group and reads through every kind of protection."""
    settings = make(security, mechanism)
    topic = _topic(settings)
    _send(settings, topic, b"through faust")
    assert run_tiny_app(settings, topic, 1, tmp_path) == [b"through faust"]


def test_the_topics_are_made(make: Make) -> None:
    """The topics are made and checked through TLS and SASL."""
    settings = make("SASL_SSL", "SCRAM-SHA-512", partitions=1, input_partitions=1)
    apply_topics(settings)
    assert check_topics(settings) == []


def _refused(settings: Settings) -> None:
    async def start() -> None:
        producer = AIOKafkaProducer(**aiokafka_options(settings))
        try:
            await producer.start()
        finally:
            await producer.stop()

    with pytest.raises(KafkaError):
        asyncio.run(asyncio.wait_for(start(), 20))


def test_a_strange_authority_is_refused(make: Make, tmp_path: Path) -> None:
    """A broker whose certificate comes from another authority is not spoken with."""
    strange = make_certificates(tmp_path / "strange")
    _refused(make("SASL_SSL", "SCRAM-SHA-512", ca_file=str(strange / "ca.pem")))


def test_another_name_is_refused(guarded: Kafka, make: Make) -> None:
    """A broker is not spoken with under a name that its certificate does not have."""
    elsewhere = guarded.bootstrap_of("SASL_SSL").replace("127.0.0.1", "localhost")
    _refused(make("SASL_SSL", "SCRAM-SHA-512", bootstrap=elsewhere))


def test_a_client_without_certificate_is_refused(make: Make) -> None:
    """The broker that asks for certificates gets ours, and lets nobody in without."""
    _refused(make("SSL", cert_file="", key_file=""))


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_wrong_password_is_refused(make: Make, tmp_path: Path, mechanism: str) -> None:
    """The password comes from the file: with another one nobody is let in."""
    wrong = tmp_path / "wrong"
    wrong.write_text("guess")
    _refused(make("SASL_SSL", mechanism, password_file=str(wrong)))


def _settings(**kafka: object) -> Settings:
    return Settings.model_validate({"kafka": kafka})


def test_without_protection() -> None:
    """By default clients are told of no TLS and no SASL."""
    settings = _settings(bootstrap="one:9092, two:9093")
    plain = {"bootstrap_servers": ["one:9092", "two:9093"], "security_protocol": "PLAINTEXT"}
    assert aiokafka_options(settings) == plain
    assert kafka_python_options(settings) == plain
    assert faust_options(settings) == {"broker": "kafka://one:9092;kafka://two:9093", "broker_credentials": None}


@pytest.mark.parametrize("files", [{}, {"ca_file": "{keys}/ca.pem"}])
def test_certificates_are_always_checked(keys: Path, files: dict[str, str]) -> None:
    """With TLS the broker's certificate and name are checked, by the named authority or else by the system's."""
    import ssl

    context = protection(_settings(security="SSL", **_named(files, keys))).tls
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    """What a log or a traceback shows of the protection does not hold the password."""
    (tmp_path / "password").write_text("hush")
    use = protection(_settings(security="SASL_PLAINTEXT", username="u", password_file=str(tmp_path / "password")))
    assert use.password == "hush"
    assert "hush" not in repr(use)


def _named(values: dict[str, Any], keys: Path) -> dict[str, Any]:
    return {name: value.replace("{keys}", str(keys)) for name, value in values.items()}


SASL = {"security": "SASL_PLAINTEXT", "username": "u", "password_file": "{keys}/ca.pem"}
TLS = {"security": "SSL", "ca_file": "{keys}/ca.pem"}


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("bootstrap", {"bootstrap": "broker-without-port"}),
        ("bootstrap", {"bootstrap": " , "}),
        ("username", SASL | {"username": ""}),
        ("password_file", SASL | {"password_file": ""}),
        ("password_file", SASL | {"password_file": "{keys}/absent"}),
        ("password_file", SASL | {"password_file": "{keys}/empty"}),
        ("ca_file", TLS | {"ca_file": "{keys}/absent"}),
        ("ca_file", TLS | {"ca_file": "{keys}/empty"}),
        ("cert_file", TLS | {"cert_file": "{keys}/absent"}),
        ("cert_file", TLS | {"cert_file": "{keys}/empty"}),
        ("cert_file", TLS | {"cert_file": "{keys}/client.crt"}),
        ("cert_file", TLS | {"cert_file": "{keys}/client.crt", "key_file": "{keys}/ca.key"}),
        ("cert_file", TLS | {"key_file": "{keys}/client.key"}),
        ("key_file", TLS | {"cert_file": "{keys}/client.crt", "key_file": "{keys}/absent"}),
        ("ca_file", {"ca_file": "{keys}/ca.pem"}),
        ("username", {"username": "u"}),
        ("password_file", TLS | {"password_file": "{keys}/ca.pem"}),
    ],
)
def test_what_cannot_be_used_is_named(keys: Path, tmp_path: Path, setting: str, values: dict[str, str]) -> None:
    """A setting that is missing, unreadable or without effect is named by every client's options, in both languages."""
    own = shutil.copytree(keys, tmp_path / "own")
    (own / "empty").write_text("\n")
    settings = _settings(**_named(values, own))
    for options in (aiokafka_options, kafka_python_options, faust_options):
        with pytest.raises(InvalidInputError, match=f"setting kafka.{setting}") as caught:
            options(settings)
        assert f"设置 kafka.{setting}" in caught.value.zh  # type: ignore[attr-defined]


def test_two_processes_of_one_host_have_names_of_their_own() -> None:
    """The default name holds host and port; where any port is taken there is none, and a name that is given counts."""
    first = Settings()
    second = first.model_copy(update={"cluster": first.cluster.model_copy(update={"port": 8400})})
    free = first.model_copy(update={"cluster": first.cluster.model_copy(update={"port": 0})})
    named = free.model_copy(update={"kafka": free.kafka.model_copy(update={"instance": "a"})})
    assert instance(first, "detect") != instance(second, "detect")
    assert instance(free, "detect") is None
    assert instance(named, "detect") == "detect-a"
