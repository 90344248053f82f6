"""A part of the log through a fresh engine, and the whole log as a file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.admin import apply_topics
from streams.reading import RangeReader
from streams.replay import Position, parse_position
from streams.topics import Name, topics
from tests.cluster.logs import LogWriter, judged
from tests.cluster.workers import environment_of, wait_for
from tests.kafka.broker import free_ports
from tests.streams.places import trim
from tests.warning.engine.tickets import CITY, START, city, log
from warning.bootstrap import run_backtest_log
from warning.cli import main
from warning.domain.bucket import DAY_MS
from warning.domain.control import Control, ControlKind
from warning.engine.records import Record, Tick
from warning.engine.shard_stage import shard_of
from warning.intake.columns import TicketColumns
from warning.runtime.clock import now_ms
from warning.service.errors import BadInputError
from warning.settings import Settings
from warning.store.files import RESULT_FILES, read_result

AWAY = shard_of(CITY, "Meters", 8)
"""The shard of a burst on the third day, of which the others' ticks are judged without it."""


def _without_a_shard(records: Sequence[Record]) -> list[Record]:
    """Leave the shard out from a moment of the first day until a moment after its burst."""
    told = list(records)
    for kind, days in ((ControlKind.SHARD_LEFT_OUT, 0.4), (ControlKind.SHARD_BACK, 2.9)):
        at = START + int(days * DAY_MS)
        place = next(i for i, each in enumerate(told) if isinstance(each, Tick) and each.watermark >= at)
        told.insert(place, Control(kind=kind, jurisdiction=CITY, effective_from=at, shard=AWAY))
    return told


RECORDS = _without_a_shard(log(city(days=3.2)))


@pytest.fixture
def moments() -> list[str]:
    """When the log was written: until a shard was left out, until just before it was back, and to its end."""
    return []


@pytest.fixture
def settings(kafka_settings: Settings, tmp_path: Path, moments: list[str]) -> Settings:
    """Settings of a small city with a log of three days."""
    made = Settings.model_validate(
        {
            "jurisdiction": CITY,
            "zone": "UTC",
            "engine": {"shards": 8},
            "policy": {"minimum_tickets": 5, "false_alerts_per_week": 1.0},
            "service": {"data": str(tmp_path / "data")},
            "kafka": kafka_settings.kafka.model_dump() | {"partitions": 3},
        }
    )
    apply_topics(made)
    writer = LogWriter(made)
    out, back = (place for place, record in enumerate(RECORDS) if isinstance(record, Control))
    for first, end in ((0, out + 1), (out + 1, back), (back, len(RECORDS))):
        writer.write(RECORDS[first:end])
        at = now_ms() + 1
        wait_for(lambda at=at: now_ms() > at, "the next record is written later")  # type: ignore[misc]
        moments.append(datetime.fromtimestamp(at / 1000, UTC).isoformat())
    writer.close()
    return made


def run(settings: Settings, *arguments: str, code: int = 0) -> str:
    done = CliRunner(env=environment_of(settings)).invoke(main, arguments)
    assert done.exit_code == code, done.output
    return done.output


def test_the_whole_log_gives_what_a_back_test_gives(settings: Settings, tmp_path: Path) -> None:
    """Replayed, or exported and back-tested: signals and alerts are those of the log that was written."""
    expected = judged(RECORDS, settings)
    said = run(settings, "replay", "--topic", "tickets", "--out", str(tmp_path / "result"))
    assert "report.html" in said
    assert {path.name for path in (tmp_path / "result").iterdir()} == set(RESULT_FILES)
    result = read_result(tmp_path / "result")
    assert {signal.id for signal in result.signals} == set(expected.signals)
    assert {alert.id for alert in result.alerts} == set(expected.alerts) != set()
    run(settings, "cluster", "export", "--out", str(tmp_path / "whole.log"))
    again = run_backtest_log(tmp_path / "whole.log", settings=settings)
    assert {alert.id: alert for alert in again.alerts} == expected.alerts
    assert {signal.id: signal for signal in again.signals} == expected.signals


def test_a_range_is_replayed_from_nothing(settings: Settings, tmp_path: Path) -> None:
    """From an offset to another, of every partition; what the engine is told before is nothing."""
    run(settings, "replay", "--from", "10", "--to", "110", "--out", str(tmp_path / "result"), "--quiet")
    summary = read_result(tmp_path / "result").summary
    assert summary.inputs == tuple(f"{topics(settings)[Name.TICKETS].name}/{each}@10-110" for each in range(3))
    assert 0 < summary.rows < sum(len(record) for record in RECORDS if isinstance(record, TicketColumns))


def test_shards_are_left_out_where_the_range_says_so(settings: Settings, moments: list[str], tmp_path: Path) -> None:
    """Signals of the time away come with the return, and not before; a range that begins later knows of no absence."""
    left_out, back, _ = moments
    ranges = {"whole": (), "not back": ("--to", back), "not left out": ("--from", left_out, "--to", back)}
    found = {}
    for name, words in ranges.items():
        run(settings, "replay", *words, "--out", str(tmp_path / name), "--quiet")
        found[name] = {signal.series.name for signal in read_result(tmp_path / name).signals}
    assert {name for name, series in found.items() if "Meters" in series} == {"whole", "not left out"}
    assert read_result(tmp_path / "not back").summary.rows > read_result(tmp_path / "not left out").summary.rows > 0


def test_what_cannot_be_replayed_is_named(settings: Settings, tmp_path: Path) -> None:
    """A topic that is no log, an empty range, a place that is none, and a beginning that is gone; no result is left."""
    out = ("--out", str(tmp_path / "result"))
    assert "is not a log" in run(settings, "replay", "--topic", "tickets.raw", *out, code=3)
    assert "holds nothing" in run(settings, "replay", "--from", "1000000", *out, code=3)
    assert "holds nothing" in run(settings, "replay", "--from", "2999-01-01T00:00", *out, code=3)
    assert "neither an offset nor a time" in run(settings, "replay", "--from", "yesterday", *out, code=3)
    trim(settings, topics(settings)[Name.TICKETS].name, 20, partition=1)
    assert "the records 5 to 19 are needed" in run(settings, "replay", "--from", "5", *out, code=3)
    run(settings, "replay", *out, "--quiet")
    assert (tmp_path / "result").is_dir()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("17", Position(offset=17)),
        ("2026-01-31T08:00", Position(at=1_769_817_600_000)),
        ("2026-01-31T08:00+00:00", Position(at=1_769_846_400_000)),
    ],
)
def test_places_are_offsets_or_times_in_the_services_zone(text: str, wanted: Position) -> None:
    """A time that names no zone is in that of the settings."""
    assert parse_position(text, "Asia/Shanghai") == wanted


def test_a_place_that_is_none_is_refused() -> None:
    """Nobody's typing error replays the whole log."""
    with pytest.raises(BadInputError, match="neither"):
        parse_position("-5", "UTC")


def test_brokers_that_are_away_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong address is a sentence in both languages, not a traceback; no result is left."""
    monkeypatch.setattr(RangeReader.__init__, "__defaults__", (0.5,))
    (port,) = free_ports(1)
    away = Settings.model_validate(
        {"kafka": {"bootstrap": f"127.0.0.1:{port}"}, "service": {"data": str(tmp_path / "data")}}
    )
    for words in (("replay", "--out", str(tmp_path / "result")), ("cluster", "export", "--out", str(tmp_path / "log"))):
        said = run(away, *words, code=3)
        assert f"127.0.0.1:{port}" in said
        assert "kafka.bootstrap" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
