"""Control records: protection and release of series, shards left out, and the limit of protection without a review."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.warning.engine.tickets import CITY, START, STEP, Row, city, engine, feed, log, tick
from warning.domain.bucket import DAY_MS, HOUR_MS, BucketLength
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.engine import Engine
from warning.engine.records import TickReport

NOISE = SeriesKey(SeriesKind.AREA_CATEGORY, "Testville", "Noise")
TOTAL = SeriesKey(SeriesKind.TOTAL, "Testville")


def hourly(days: float, *, start: int = START, per_hour: int = 1, prefix: str = "H") -> list[Row]:
    """Return the same number of tickets every hour."""
    return [
        Row(time=start + hour * HOUR_MS + i * HOUR_MS // per_hour, id=f"{prefix}{hour}-{i}", area="Testville")
        for hour in range(int(24 * days))
        for i in range(per_hour)
    ]


def rate(subject: Engine, key: SeriesKey = NOISE) -> float:
    """Return what a series expects of an average week, as known now."""
    bank = subject.jurisdiction.bank if key.kind is not SeriesKind.AREA_CATEGORY else subject.stages[0].bank
    week = replace(bank.grid.window(BucketLength.WEEK, 2813), ahead=True)
    import numpy as np

    return float(bank.detectors[0].expect(np.array([bank.row_of[key]]), week)[0])


def control(kind: ControlKind, *, at: int, series: SeriesKey | None = NOISE, **more: object) -> Control:
    """Write a control record."""
    return Control(kind=kind, jurisdiction=CITY, effective_from=at, series=series, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", [NOISE, TOTAL], ids=["shard stage", "jurisdiction stage"])
def test_a_protected_series_does_not_learn_until_released(key: SeriesKey) -> None:
    """Between PROTECT and RELEASE a series' level stands still, to the bit; after that it learns again."""
    subject = engine(warm_up_ms=100 * DAY_MS)
    feed(subject, log(hourly(3)))
    at = START + 3 * DAY_MS
    subject.apply(control(ControlKind.PROTECT, at=at, series=key))
    feed(subject, log(hourly(0.2, start=at, per_hour=1, prefix="a")))
    before = rate(subject, key)
    feed(subject, log(hourly(2, start=at + 6 * HOUR_MS, per_hour=9, prefix="b")))
    held = rate(subject, key)
    subject.apply(control(ControlKind.RELEASE, at=at + 3 * DAY_MS, series=key))
    feed(subject, log(hourly(2, start=at + 3 * DAY_MS, per_hour=9, prefix="c")))
    assert held == pytest.approx(before, rel=0.1)
    assert rate(subject, key) > 1.5 * held


def test_protection_can_end_by_itself() -> None:
    """With ``until`` a series learns again from that moment."""
    at = START + DAY_MS
    held, free = engine(warm_up_ms=100 * DAY_MS), engine(warm_up_ms=100 * DAY_MS)
    for subject, until in ((held, None), (free, at + HOUR_MS)):
        subject.apply(control(ControlKind.PROTECT, at=at, until=until))
        feed(subject, log(hourly(1) + hourly(2, start=at, per_hour=8, prefix="b")))
    assert rate(free) > 1.5 * rate(held)


def test_a_control_about_a_series_that_comes_later_is_obeyed() -> None:
    """Protection may be announced before the first ticket of its series."""
    subject = engine(warm_up_ms=100 * DAY_MS)
    subject.apply(control(ControlKind.PROTECT, at=START))
    feed(subject, log(hourly(2, per_hour=20)))
    assert rate(subject) < 20


def test_controls_survive_a_restart() -> None:
    """A snapshot carries protection, also of series that have not come yet."""
    subject = engine(warm_up_ms=100 * DAY_MS)
    subject.apply(control(ControlKind.PROTECT, at=START))
    restored = engine(warm_up_ms=100 * DAY_MS)
    restored.restore(subject.snapshot())
    feed(restored, log(hourly(2, per_hour=20)))
    assert rate(restored) < 20


def test_own_evidence_protects_but_not_for_ever() -> None:
    """A lasting shift is not learned at once, and is learned once the protection limit is over."""
    rows = hourly(10, per_hour=2) + hourly(6, start=START + 10 * DAY_MS, per_hour=12, prefix="s")
    short, long = engine(protection_limit_ms=2 * DAY_MS), engine(protection_limit_ms=60 * DAY_MS)
    feed(short, log(rows))
    feed(long, log(rows))
    assert rate(long) < 1.5 * 2 * 168
    assert rate(short) > 2 * rate(long)


def test_a_release_lets_a_shifted_series_learn() -> None:
    """expected_change: after RELEASE the series' own evidence no longer keeps it from learning."""
    shift = START + 10 * DAY_MS
    rows = hourly(10, per_hour=2) + hourly(4, start=shift, per_hour=12, prefix="s")
    kept, released = engine(protection_limit_ms=30 * DAY_MS), engine(protection_limit_ms=30 * DAY_MS)
    feed(kept, log(rows))
    released.apply(control(ControlKind.RELEASE, at=shift))
    feed(released, log(rows))
    assert rate(released) > 2 * rate(kept)


def test_a_tick_waits_for_every_shard() -> None:
    """The jurisdiction stage judges a tick when the last shard has reported it, and not before."""
    subject = engine(tuple((shard,) for shard in range(8))).jurisdiction
    reports = [TickReport(tick=tick(5, START), shards=(shard,)) for shard in range(8)]
    for report in reports:
        report.analysed = dict.fromkeys(BucketLength, 0)
    assert [len(subject.report(report)) for report in reports] == [0] * 7 + [1]


def test_a_shard_left_out_is_not_waited_for_until_it_is_back() -> None:
    """SHARD_LEFT_OUT completes the ticks that waited for it, in order; SHARD_BACK makes them wait again."""
    subject = engine().jurisdiction

    def report(number: int) -> int:
        shards = TickReport(tick=tick(number, START), shards=tuple(range(7)))
        shards.analysed = dict.fromkeys(BucketLength, 0)
        return len(subject.report(shards))

    assert (report(5), report(6)) == (0, 0)
    left_out = control(ControlKind.SHARD_LEFT_OUT, at=START, series=None, shard=7)
    assert [judgement.tick.number for judgement in subject.control(left_out)] == [5, 6]
    assert report(7) == 1
    subject.control(control(ControlKind.SHARD_BACK, at=START, series=None, shard=7))
    assert report(8) == 0


def test_controls_of_a_log_are_replayed() -> None:
    """A log with controls in the middle gives the same answers again, with a restart in between."""
    rows = city(days=4.5)
    records = log(rows)
    at = next(i for i, r in enumerate(records) if hasattr(r, "number") and r.number > (START + 2 * DAY_MS) // STEP)
    records.insert(at, control(ControlKind.PROTECT, at=START, series=SeriesKey(NOISE.kind, "Testville", "Category 1")))
    whole = feed(engine(), records)
    first = engine()
    heard = feed(first, records[: at + 3])
    second = engine(((0, 3), (1, 2, 4, 5), (6, 7)))
    second.restore(first.snapshot())
    for record in records[at + 3 :]:
        heard.take(second.apply(record))
    assert heard.signals == whole.signals
    assert heard.alerts == whole.alerts
