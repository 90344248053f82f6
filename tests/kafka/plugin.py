"""Fixtures: a Kafka for the whole test run, and for each test names of its own in it."""

import uuid
from collections.abc import Generator, Iterator

import pytest

from tests.kafka.harness import Brokers, Elsewhere, Kafka, existing_bootstrap
from warning.settings import Settings


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the brokers said beside a failed test that used them."""
    report = yield
    used = getattr(item, "funcargs", {}) if report.failed else {}
    for name, value in used.items():
        if isinstance(value, Kafka):
            report.sections.append((f"brokers of {name}", value.logs()))
    return report


@pytest.fixture(scope="session")
def kafka() -> Iterator[Brokers]:
    """One broker, shared by all tests of the run; who harms it starts a ``Kafka()`` of their own."""
    given = existing_bootstrap()
    if given is not None:
        yield Elsewhere(given)
        return
    with Kafka() as started:
        yield started


@pytest.fixture(scope="session")
def kafka3() -> Iterator[Kafka]:
    """Three brokers; a test that stops one starts it again."""
    with Kafka(3) as started:
        yield started


@pytest.fixture
def prefix() -> str:
    """Before the names of a test's topics and groups."""
    return f"t{uuid.uuid4().hex[:10]}-"


@pytest.fixture
def kafka_settings(kafka: Brokers, prefix: str) -> Iterator[Settings]:
    """Settings for the one broker with names of the test's own; the topics are deleted afterwards."""
    settings = Settings.model_validate({"kafka": {"bootstrap": kafka.bootstrap, "prefix": prefix}})
    yield settings
    delete_topics(settings)


@pytest.fixture
def kafka3_settings(kafka3: Kafka, prefix: str) -> Iterator[Settings]:
    """Settings for the three brokers: every topic has three copies, two of which must have a record."""
    kafka3.restart()
    place = {"bootstrap": kafka3.bootstrap, "prefix": prefix, "replication": 3, "min_insync": 2}
    settings = Settings.model_validate({"kafka": place})
    yield settings
    kafka3.restart()
    delete_topics(settings)


def delete_topics(settings: Settings) -> None:
    """Delete every topic with the settings' prefix."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=settings.kafka.bootstrap)
    try:
        names = [name for name in admin.list_topics() if name.startswith(settings.kafka.prefix)]
        if settings.kafka.prefix and names:
            admin.delete_topics(names)
    finally:
        admin.close()
