"""Fixture: settings of a small city over a real Kafka and a PostgreSQL database of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kafka.harness import Brokers
from tests.kafka.plugin import delete_topics
from tests.postgres import Postgres
from warning.settings import Settings


def city_settings(bootstrap: str, prefix: str, store: dict[str, str], data: Path, **kafka: object) -> Settings:
    """Settings of a cluster whose snapshots are frequent and whose city is small."""
    return Settings.model_validate(
        {
            "jurisdiction": "Testville",
            "zone": "UTC",
            "engine": {"shards": 8},
            "policy": {"minimum_tickets": 5, "false_alerts_per_week": 1.0},
            "service": {"data": str(data)},
            "store": store,
            "kafka": {"bootstrap": bootstrap, "prefix": prefix, "input_partitions": 2} | kafka,
            "cluster": {"snapshot_seconds": 2, "snapshot_tickets": 500},
        }
    )


def store_at(postgres: Postgres, name: str) -> dict[str, str]:
    """Settings of a database."""
    return {"url": postgres.url(name), "password_file": str(postgres.password_file)}


@pytest.fixture
def cluster_settings(
    kafka: Brokers, prefix: str, postgres: Postgres, postgres_name: str, tmp_path: Path
) -> Iterator[Settings]:
    """Settings of the test's own cluster; six partitions unless a test asks for others (``with_partitions``)."""
    settings = city_settings(kafka.bootstrap, prefix, store_at(postgres, postgres_name), tmp_path)
    yield settings
    delete_topics(settings)


def with_partitions(settings: Settings, partitions: int) -> Settings:
    """Return the settings with another number of partitions of the log."""
    return settings.model_copy(update={"kafka": settings.kafka.model_copy(update={"partitions": partitions})})
