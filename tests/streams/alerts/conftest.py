"""A cluster of one alert worker: a real Kafka with the topics, and a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.admin import apply_topics
from tests.cluster.workers import Cluster
from tests.postgres import Postgres
from tests.warning.engine.tickets import CITY
from warning.bootstrap.folder import store_of
from warning.settings import Settings
from warning.store.sql.database import Database


@pytest.fixture
def settings(
    request: pytest.FixtureRequest, kafka_settings: Settings, postgres: Postgres, postgres_name: str
) -> Settings:
    """Settings of the test city's cluster, its topics made; snapshots are taken every second.

    A module's WAIT_SECONDS says how long partitions are waited for.
    """
    told = kafka_settings.model_dump()
    told |= {"jurisdiction": CITY, "zone": "UTC"}
    told["kafka"] |= {"partitions": 3, "input_partitions": 1}
    told["engine"] |= {"shards": 8}
    told["policy"] |= {"minimum_tickets": 5, "false_alerts_per_week": 1.0}
    told["cluster"] |= {"snapshot_seconds": 1, "wait_seconds": getattr(request.module, "WAIT_SECONDS", 60)}
    told["store"] = {"url": postgres.url(postgres_name), "password_file": str(postgres.password_file)}
    made = Settings.model_validate(told)
    apply_topics(made)
    return made


@pytest.fixture
def database(settings: Settings) -> Iterator[Database]:
    """The cluster's database, open."""
    database = store_of(settings)
    yield database
    database.close()


@pytest.fixture
def cluster(settings: Settings, tmp_path: Path) -> Iterator[Cluster]:
    """Its workers; none is started yet."""
    with Cluster(settings, tmp_path) as cluster:
        yield cluster


@pytest.fixture
def nowhere(tmp_path: Path) -> Settings:
    """Settings of a cluster that nothing connects to."""
    told = {"kafka": {"bootstrap": "127.0.0.1:1"}, "service": {"data": str(tmp_path)}}
    return Settings.model_validate(told | {"jurisdiction": CITY, "zone": "UTC"})


@pytest.fixture
def file_database(tmp_path: Path) -> Iterator[Database]:
    """An empty database in a file."""
    database = Database(tmp_path / "x.db")
    database.migrate()
    yield database
    database.close()
