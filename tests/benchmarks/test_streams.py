"""The benchmarks of the cluster: what contestants are given and do is the same for all, and the cluster's own race."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from benchmarks.city import City
from benchmarks.streams.contest import contest
from benchmarks.streams.job import EngineJob, IntakeJob, Out, read_ticks, regular_ticks, write_ticks
from benchmarks.streams.memory import slope
from benchmarks.streams.preload import beginning, values
from benchmarks.streams.race import ACCEPTED, Result, differences
from benchmarks.streams.stadium import Stadium
from streams.records import Outcomes, decode, decode_report
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.domain.signal import EvidenceState
from warning.settings import Settings

CITY = City(tickets=3_000, days=4)
BEGIN = 1_792_972_800_000


def test_the_topic_is_the_same_each_time_and_ends_in_the_past() -> None:
    """Tickets are made anew to the byte, in the order of their times, and the last lies less than two days back."""
    now = int(datetime(2026, 11, 24, 13, tzinfo=UTC).timestamp() * 1000)
    begin = beginning(now, CITY.days)
    made = list(values(CITY, begin))
    assert made == list(values(CITY, begin))
    times = [datetime.fromisoformat(msgspec.json.decode(value)["created_at"]) for value in made]
    assert times == sorted(times)
    assert len(made) == CITY.tickets
    assert now - 2 * DAY_MS < times[-1].timestamp() * 1000 < now


def test_every_transport_says_the_same(tmp_path: Path) -> None:
    """However many records a transport gathers, every ticket is accepted once and final evidence is the same."""
    said = [_run(tmp_path, gathered) for gathered in (100, 700)]
    assert [tickets for tickets, _ in said] == [CITY.tickets] * 2
    assert said[0][1] == said[1][1]
    assert said[0][1]


def test_differing_signals_are_counted_where_both_have_closed() -> None:
    """Signals that one alone gave, or gave otherwise, count; those of buckets that only one has closed do not."""
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)
    early, late = noon - timedelta(hours=1), noon + timedelta(hours=1)
    one = _result({"same": (early, 1, 0.1), "other": (early, 2, 0.1), "open": (late, 3, 0.1)}, late)
    other = _result({"same": (early, 1, 0.1), "other": (early, 3, 0.1), "new": (early, 1, 0.1)}, noon)
    assert differences(one, other) == (3, 2)
    assert differences(one, _result(None, None)) == (0, 0)


def test_a_slope_is_what_grows_an_hour() -> None:
    """A process that grows by 2 MiB in each of 60 minutes has a slope of 120 MiB an hour, a steady one none."""
    assert slope([(60.0 * minute, 100 + 2 * minute) for minute in range(60)]) == pytest.approx((120, 0), abs=1e-6)
    assert slope([(60.0 * minute, 100 + minute % 2) for minute in range(60)])[0] == pytest.approx(0, abs=1)


def test_the_cluster_runs_its_race(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The cluster applies a small topic, and its table says so."""
    with Stadium(tmp_path_factory.mktemp("race"), CITY) as stadium:
        (table,) = contest(stadium, ("cluster",), lambda _: None)
    assert [row[table.header.index("tickets")] for row in table.rows] == ["3,000"]


def _run(folder: Path, gathered: int) -> tuple[int, dict[str, tuple[datetime, int, float]]]:
    settings = Settings()
    ticks = folder / "ticks"
    write_ticks(ticks, regular_ticks(settings, BEGIN, CITY.days, 6 * HOUR_MS))
    assert len(list(read_ticks(ticks))) == 4 * CITY.days
    intake, detect = IntakeJob(settings, str(ticks)), EngineJob(settings)
    made = list(values(CITY, BEGIN))
    log: list[Out] = []
    for first in range(0, len(made), gathered):
        rows = range(first, min(first + gathered, len(made)))
        log += intake.take([intake.received(row % 6, row // 6, made[row]) for row in rows])
    tickets, finals = 0, {}
    for offset, record in enumerate(log):
        for out in detect.take(record.partition, offset, record.value):
            if out.topic == "outcomes":
                tickets += decode(out.value, Outcomes).outcome.count(ACCEPTED)
                continue
            for signal in decode_report(out.value).report.signals:
                if signal.state is EvidenceState.FINAL:
                    finals[signal.id] = (signal.window_end, signal.observed, signal.p_value)
    return tickets, finals


def _result(finals: dict[str, tuple[datetime, int, float]] | None, until: datetime | None) -> Result:
    return Result(tickets=1, seconds=1, cpu={}, started={}, broker=0, finals=finals, until=until)
