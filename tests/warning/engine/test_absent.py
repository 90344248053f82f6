"""Shards that are left out for a while: the others go on, nothing is missed in the end, and every runtime agrees."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.warning.engine.test_controls import control
from tests.warning.engine.test_determinism import ONE_BY_ONE, UNEVEN, evidence
from tests.warning.engine.test_migration import second_stage
from tests.warning.engine.tickets import START, Heard, city, engine, feed, log
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.engine.records import Record, Tick
from warning.engine.shard_stage import shard_of, shard_of_series
from warning.engine.snapshot import migrated

AWAY_FROM = START + 2 * DAY_MS + 9 * HOUR_MS
"""An hour before the burst of Meters."""
AWAY_UNTIL = AWAY_FROM + 20 * HOUR_MS
METERS = shard_of("Testville", "Meters", 8)
OTHER = next(shard for shard in range(8) if shard not in {METERS, shard_of("Testville", "Lamps", 8)})


def shards(kind: ControlKind, *which: int) -> list[Control]:
    """Write a control record for each shard."""
    return [control(kind, at=AWAY_FROM, series=None, shard=shard) for shard in which]


def said_before(records: list[Record], at: int, *said: Control) -> list[Record]:
    """Put records before the first tick with a watermark at a time or later."""
    place = next(i for i, record in enumerate(records) if isinstance(record, Tick) and record.watermark >= at)
    return [*records[:place], *said, *records[place:]]


def away(records: list[Record], *which: int, since: int = AWAY_FROM, until: int = AWAY_UNTIL) -> list[Record]:
    """Leave shards out between two times."""
    out = said_before(records, since, *shards(ControlKind.SHARD_LEFT_OUT, *which))
    return said_before(out, until, *shards(ControlKind.SHARD_BACK, *which))


@pytest.fixture(scope="module")
def undisturbed() -> list[Record]:
    """A log of four days and a half with two bursts at the same time on the third, in different shards."""
    rows = city(days=4.5)
    burst = [replace(row, id=f"L{row.id}", category="Lamps") for row in rows if row.category == "Meters"]
    return log(sorted([*rows, *burst], key=lambda row: (row.time, row.id)))


@pytest.fixture(scope="module")
def usual(undisturbed: list[Record]) -> Heard:
    """What an engine says of it."""
    return feed(engine(), undisturbed)


@pytest.fixture(scope="module")
def disturbed(undisturbed: list[Record]) -> list[Record]:
    """The same, in which the shard of the burst and another are away, the one longer than the other."""
    return away(away(undisturbed, METERS), OTHER, until=AWAY_UNTIL - 5 * HOUR_MS)


@pytest.fixture(scope="module")
def expected(disturbed: list[Record]) -> Heard:
    """What one engine says of it."""
    return feed(engine(), disturbed)


@pytest.mark.parametrize("partitions", [ONE_BY_ONE, UNEVEN], ids=["one by one", "uneven"])
def test_partitions_change_nothing(
    disturbed: list[Record], expected: Heard, partitions: tuple[tuple[int, ...], ...]
) -> None:
    """Tick by tick it does not matter whether a shard that is left out has others beside it, and reports in time."""
    heard = feed(engine(partitions), disturbed)
    said = [(output.signals, output.alerts) for output in heard.outputs]
    assert said == [(output.signals, output.alerts) for output in expected.outputs]
    assert expected.alerts


@settings(max_examples=5, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(
    which=st.sets(st.integers(0, 7), min_size=1, max_size=8),
    since=st.integers(6, 60),
    hours=st.integers(0, 40),
    grouped=st.sampled_from([ONE_BY_ONE, UNEVEN]),
)
def test_whatever_is_left_out_and_when(
    undisturbed: list[Record],
    usual: Heard,
    which: set[int],
    since: int,
    hours: int,
    grouped: tuple[tuple[int, ...], ...],
) -> None:
    """Any shards, for any time, all of them too: groupings agree, and the final evidence is the undisturbed run's."""
    at = START + since * HOUR_MS
    records = away(undisturbed, *which, since=at, until=at + hours * HOUR_MS)
    one, other = feed(engine(), records), feed(engine(grouped), records)
    assert (one.signals, one.alerts) == (other.signals, other.alerts)
    assert _final(one) == _final(usual) != {}


def test_nothing_is_missed_in_the_end(usual: Heard, expected: Heard) -> None:
    """When all are back, every bucket has had its final evidence, as if nobody had been away; totals learned none."""
    assert _final(expected) == _final(usual) != {}


def test_the_others_are_judged_meanwhile(
    undisturbed: list[Record], usual: Heard, disturbed: list[Record], expected: Heard
) -> None:
    """While shards are away nothing is said of them or of sums over all; of the rest what would be said anyway."""
    anyway = _by_tick(undisturbed, usual)
    told = _by_tick(disturbed, expected)
    during = [number for number, (tick, _) in told.items() if AWAY_FROM <= tick.watermark < AWAY_UNTIL - 5 * HOUR_MS]
    for number in during:
        assert list(map(_said, told[number][1])) == [_said(s) for s in anyway[number][1] if _in(s)]
    assert any(told[number][1] for number in during)
    assert any(len(told[number][1]) < len(anyway[number][1]) for number in during)


def _in(signal: Signal) -> bool:
    """Whether a signal is of a shard that is not left out."""
    shard = shard_of_series("Testville", signal.series, 8)
    return signal.series.kind is SeriesKind.AREA_CATEGORY and shard not in {METERS, OTHER}


def test_what_came_meanwhile_is_told_at_the_return(disturbed: list[Record], expected: Heard) -> None:
    """A burst in a shard that was away raises its alert at the first tick with it, late but not never."""
    alerts = [alert for alert in expected.alerts.values() if "Meters" in alert.categories]
    assert alerts
    told = _by_tick(disturbed, expected)
    first = min(tick.watermark for tick, signals in told.values() if any(s.series.name == "Meters" for s in signals))
    assert first == min(tick.watermark for tick, _ in told.values() if tick.watermark >= AWAY_UNTIL)


def test_a_repeated_report_counts_once() -> None:
    """A late report of a shard that is left out is taken in once, and one of a shard that is in never."""
    records = log(city(days=2.0, burst=False))
    whole, twice = engine(ONE_BY_ONE, warm_up_ms=0), engine(ONE_BY_ONE, warm_up_ms=0)
    for subject, times in ((whole, 1), (twice, 2)):
        for shard in range(4):
            subject.jurisdiction.control(shards(ControlKind.SHARD_LEFT_OUT, shard)[0])
        for record in records:
            if not isinstance(record, Tick):
                subject.apply(record)
                continue
            reports = [report for stage in reversed(subject.stages) if (report := stage.tick(record)) is not None]
            for report in reports * times:
                subject.jurisdiction.report(report)
    assert _plain(whole.jurisdiction.state()) == _plain(twice.jurisdiction.state())
    assert whole.jurisdiction.absent.caught_up(whole.jurisdiction.last_tick) == frozenset(range(4))
    assert whole.jurisdiction.absent.state()["counts"]


def test_restarting_at_every_record_changes_nothing(undisturbed: list[Record]) -> None:
    """With shards away, a restart after each record, into other groups, gives what the undisturbed engine gives."""
    records = away(undisturbed[:140], 0, 5, since=START + 8 * HOUR_MS, until=START + 13 * HOUR_MS)
    expected = feed(engine(warm_up_ms=0), records)
    heard, current = Heard(), engine(warm_up_ms=0)
    for number, record in enumerate(records):
        heard.take(current.apply(record))
        snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(current.snapshot()))
        current = engine(UNEVEN if number % 2 else None, warm_up_ms=0)
        current.restore(snapshot)
    assert (heard.signals, heard.alerts) == (expected.signals, expected.alerts)
    assert any(record in records for record in shards(ControlKind.SHARD_BACK, 0)[:1])


def test_a_snapshot_of_version_2_goes_on(undisturbed: list[Record]) -> None:
    """It held only which shards were left out."""
    subject = engine()
    feed(subject, undisturbed[:150])
    subject.apply(shards(ControlKind.SHARD_LEFT_OUT, 3)[0])
    now = subject.snapshot()
    old = now | {"version": 2, "stage": second_stage(now["stage"])}
    assert migrated(old)["stage"]["absent"] == now["stage"]["absent"]
    restored = engine()
    restored.restore(old)
    assert restored.jurisdiction.left_out == {3}


def _final(heard: Heard) -> dict[str, tuple[object, ...]]:
    return {i: evidence(signal) for i, signal in heard.signals.items() if signal.state is EvidenceState.FINAL}


def _said(signal: Signal) -> tuple[object, ...]:
    return (signal.id, signal.state, *evidence(signal))


def _by_tick(records: list[Record], heard: Heard) -> dict[int, tuple[Tick, list[Signal]]]:
    """Return what was said at each tick."""
    pairs = zip(records, heard.outputs, strict=True)
    return {record.number: (record, output.signals) for record, output in pairs if isinstance(record, Tick)}


def _plain(state: dict[str, Any]) -> str:
    return repr({name: value for name, value in state.items() if name in {"absent", "analysed", "last_tick"}})
