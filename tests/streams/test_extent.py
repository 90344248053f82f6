"""How far the cluster's log reaches, and a load of history that goes by it, over a real Kafka."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.admin import apply_topics
from streams.extent import extent_of
from tests.cluster.logs import LogWriter
from tests.streams.alerts.reports import surging
from tests.warning.engine.tickets import CITY, log
from warning.bootstrap.folder import open_store
from warning.bootstrap.history import LogExtent, load_history
from warning.domain.bucket import DAY_MS
from warning.engine.records import Tick
from warning.settings import Settings
from warning.store.sql import meta

CSV = "ticket_id,created_at,category,area_1\nold-1,2023-01-02T08:00:00Z,Noise,Testville\nnew-1,{new},Noise,Testville\n"


@pytest.fixture
def settings(kafka_settings: Settings, tmp_path: Path) -> Settings:
    """A cluster's settings over a database file, its topics made."""
    told = kafka_settings.model_dump() | {"jurisdiction": CITY, "zone": "UTC"}
    told["kafka"] |= {"partitions": 2, "input_partitions": 1}
    told["engine"] |= {"shards": 8}
    told["service"] |= {"data": str(tmp_path)}
    made = Settings.model_validate(told)
    apply_topics(made)
    return made


def test_a_load_goes_by_the_clocks_first_and_last_tick(settings: Settings, tmp_path: Path) -> None:
    """Before there is a log nothing bounds a load; then what is history lies before the first tick, up to the last."""
    database = open_store(settings)
    extent = extent_of(settings, database)
    assert extent() == LogExtent(since=None, until=None, whole=True)
    records = log(surging(1.0))
    writer = LogWriter(settings)
    writer.write(records)
    writer.close()
    ticks = [record for record in records if isinstance(record, Tick)]
    assert extent() == LogExtent(since=ticks[0].watermark, until=ticks[-1].watermark, whole=True)
    database.close()
    file = tmp_path / "old.csv"
    file.write_text(CSV.format(new=_iso(ticks[0].watermark + DAY_MS)))
    loaded = load_history([file], mapping="canonical", settings=settings, source="desk", extent=extent_of)
    assert (loaded.rows, loaded.newer, loaded.gap) == (1, 1, None)
    database = open_store(settings)
    with database.read() as connection:
        assert (meta.get_number(connection, meta.ERA), meta.get(connection, meta.FORCED)) == (1, None)
    database.close()


def test_a_forced_load_over_a_log_without_its_beginning_says_so(settings: Settings, tmp_path: Path) -> None:
    """The era is marked as one that may begin in the middle: the workers would refuse it otherwise."""
    file = tmp_path / "old.csv"
    file.write_text(CSV.format(new="2023-01-03T08:00:00Z"))
    since = LogExtent(since=DAY_MS * 19_700, until=DAY_MS * 19_701, whole=False)
    load_history(
        [file], mapping="canonical", settings=settings, source="desk", force=True, extent=lambda *_: lambda: since
    )
    database = open_store(settings)
    with database.read() as connection:
        assert meta.get_number(connection, meta.FORCED) == meta.get_number(connection, meta.ERA) == 1
    database.close()


def _iso(ms: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()
