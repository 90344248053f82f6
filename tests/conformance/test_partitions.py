"""A real log through one, six and sixty-four partitions, with restarts in the middle: identical signals and alerts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.conftest import SharedData
from warning.bootstrap import build_engine, export_log
from warning.domain.alert import Alert
from warning.domain.signal import Signal
from warning.engine.engine import Engine
from warning.engine.records import Output, Record
from warning.settings import Settings
from warning.store.logfile import read_header, read_records

SHARDS = 64
Said = tuple[dict[str, Signal], dict[str, Alert]]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Hold the recorded log, written by the first test that needs it."""
    return [tmp_path_factory.mktemp("log") / "january.log"]


def records_of(log: list[Path], shared_data: SharedData) -> tuple[Path, list[Record]]:
    """Record January's file once; returns the log's path and its records of the first six days."""
    path = log[0]
    if not path.exists():
        files = [shared_data("nyc311-jan2020.csv")]
        export_log(files, mapping="nyc311-headerless", settings=Settings(), out=path)
    return path, [record for record, _ in read_records(path)][:900]


def engine_of(path: Path, partitions: int) -> Engine:
    """Build an engine that carries its shards in so many partitions, shard modulo partitions as Kafka would."""
    header = read_header(path)
    groups = tuple(tuple(range(first, SHARDS, partitions)) for first in range(partitions))
    return build_engine(Settings(), jurisdiction=header.jurisdiction, zone=header.zone, partitions=groups)


def say(said: Said, output: Output) -> None:
    """Note an answer."""
    said[0].update({signal.id: signal for signal in output.signals})
    said[1].update({alert.id: alert for alert in output.alerts})


@pytest.mark.parametrize("partitions", [6, 64])
def test_partitions_and_restarts_change_nothing_on_a_real_log(
    log: list[Path], shared_data: SharedData, partitions: int
) -> None:
    """January's log, restarted three times into 1, 6 or 64 partitions, gives what one undisturbed partition gives."""
    path, records = records_of(log, shared_data)
    expected: Said = ({}, {})
    undisturbed = engine_of(path, 1)
    for record in records:
        say(expected, undisturbed.apply(record))
    said: Said = ({}, {})
    current = engine_of(path, partitions)
    for number, record in enumerate(records):
        if number in {250, 500, 750}:
            snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(current.snapshot()))
            current = engine_of(path, 1 if number == 500 else partitions)
            current.restore(snapshot)
        say(said, current.apply(record))
    assert expected[1]
    assert said == expected
