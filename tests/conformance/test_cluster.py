"""The cluster and the back-test agree: the same log gives the same signals, alerts and courses, to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from streams.admin import apply_topics
from tests.cluster.logs import LogWriter, judged
from tests.cluster.plugin import with_partitions
from tests.cluster.stored import feed_of, judged_tick, said_of
from tests.cluster.workers import Cluster, wait_for
from tests.conftest import SharedData
from tests.warning.engine.tickets import CITY, city, log
from warning.bootstrap import export_log
from warning.domain.bucket import DAY_MS
from warning.domain.control import Control, ControlKind
from warning.engine.records import Record, Tick
from warning.settings import Settings
from warning.store.logfile import read_header, read_records


def with_controls(records: Sequence[Record]) -> list[Record]:
    """Let people have said things in the middle of a log: of one series, of one alert, and of everything."""
    from warning.domain.series import SeriesKey, SeriesKind

    middle = len(records) // 2
    at = next(record.watermark for record in records[middle:] if isinstance(record, Tick))
    series = SeriesKey(SeriesKind.AREA_CATEGORY, CITY, "Meters")
    said = [
        Control(kind=ControlKind.PROTECT, jurisdiction=CITY, effective_from=at, until=at + DAY_MS, series=series),
        Control(kind=ControlKind.SENSITIVITY, jurisdiction=CITY, effective_from=at, factor=4.0, series=series),
        Control(
            kind=ControlKind.PLANNED,
            jurisdiction=CITY,
            effective_from=at + DAY_MS // 2,
            until=at + DAY_MS,
            plan="fair",
            areas=("Testville/North",),
        ),
    ]
    return [*records[:middle], *said, *records[middle:]]


def run_cluster(records: Sequence[Record], settings: Settings, folder: Path, *, workers: int) -> None:
    """Let a cluster judge a log to its end."""
    apply_topics(settings)
    last = max(record.number for record in records if isinstance(record, Tick))
    with Cluster(settings, folder) as cluster:
        for number in range(workers):
            cluster.start("detect", f"detect-{number}")
        cluster.start("alerts", "alerts-0")
        writer = LogWriter(settings)
        try:
            writer.write(records)
        finally:
            writer.close()
        wait_for(lambda: judged_tick(settings) >= last, f"tick {last} is judged", 120)


def agree(records: Sequence[Record], settings: Settings) -> None:
    """Compare what the database holds with what one engine says of the log."""
    expected, found = judged(records, settings), said_of(settings)
    assert expected.alerts
    assert found.alerts == expected.alerts
    assert found.signals == expected.signals
    assert found.points == expected.points
    told = feed_of(settings)
    assert {alert for alert, _ in told} >= set(expected.alerts)
    raised = [alert for alert, rule in told if rule == "OPEN-1"]
    assert len(raised) == len(set(raised)), "an alert was told of as new twice"


@pytest.mark.parametrize(("workers", "partitions"), [(1, 1), (3, 6)])
def test_a_cluster_says_what_one_engine_says(
    cluster_settings: Settings, tmp_path: Path, workers: int, partitions: int
) -> None:
    """A log with controls through one worker over one partition, and three over six, gives what a back-test gives."""
    settings = with_partitions(cluster_settings, partitions)
    records = with_controls(log(city(6.0)))
    run_cluster(records, settings, tmp_path, workers=workers)
    agree(records, settings)


def test_a_real_log_gives_the_same(cluster_settings: Settings, tmp_path: Path, shared_data: SharedData) -> None:
    """January's real log through three workers over six partitions gives what a back-test gives."""
    path = tmp_path / "january.log"
    export_log([shared_data("nyc311-jan2020.csv")], mapping="nyc311-headerless", settings=Settings(), out=path)
    header = read_header(path)
    records = [record for record, _ in read_records(path)][:900]
    defaults = Settings()
    settings = cluster_settings.model_copy(
        update={
            "jurisdiction": header.jurisdiction,
            "zone": header.zone,
            "engine": defaults.engine,
            "policy": defaults.policy,
        }
    )
    run_cluster(records, settings, tmp_path, workers=3)
    agree(records, settings)
