"""What people say reaches learning and alerts through the log: resets, plans, and all of it under replay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.warning.engine.test_controls import NOISE, TOTAL, control, hourly, rate
from tests.warning.engine.tickets import CITY, START, STEP, city, engine, feed, log
from warning.domain.bucket import DAY_MS, HOUR_MS
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.engine import Engine
from warning.engine.records import Record, Tick
from warning.policy.alerting import AlertPolicy

BURST = START + 2 * DAY_MS + 10 * HOUR_MS
METERS = SeriesKey(SeriesKind.AREA_CATEGORY, "Testville", "Meters")
LATER = SeriesKey(SeriesKind.AREA_CATEGORY, "Testville/North", "Not yet")


def at(records: list[Record], moment: int) -> int:
    """Return the place after the first tick whose watermark has reached a moment."""
    return 1 + next(i for i, r in enumerate(records) if isinstance(r, Tick) and r.watermark >= moment)


def planned(start: int, until: int, **scope: tuple[str, ...]) -> Control:
    control = Control(kind=ControlKind.PLANNED, jurisdiction=CITY, effective_from=start, until=until, plan="fair")
    return replace(control, areas=scope.get("areas", ()), categories=scope.get("categories", ()))


def policy_of(subject: Engine) -> AlertPolicy:
    policy = subject.jurisdiction.policy
    assert isinstance(policy, AlertPolicy)
    return policy


@pytest.mark.parametrize("key", [NOISE, TOTAL], ids=["shard stage", "jurisdiction stage"])
@pytest.mark.parametrize("first", [ControlKind.PROTECT, ControlKind.RELEASE])
def test_a_reset_series_learns_as_if_nothing_had_been_said(key: SeriesKey, first: ControlKind) -> None:
    """PROTECT or RELEASE in an alert's name, taken back before a shift, leaves the level as it would have been."""
    shift = START + 6 * DAY_MS
    rows = hourly(6, per_hour=2) + hourly(3, start=shift, per_hour=12, prefix="s")
    records = log(rows)
    plain = engine()
    feed(plain, records)
    records.insert(at(records, shift - DAY_MS), control(first, at=START, series=key, alert="a1"))
    records.insert(at(records, shift - DAY_MS) + 1, control(ControlKind.RESET, at=START, series=None, alert="a1"))
    subject = engine()
    feed(subject, records)
    assert rate(subject, key) == rate(plain, key)


def test_after_a_reset_own_evidence_counts_again() -> None:
    """A released series learns a shift; once the release is taken back, the shift is not learned further."""
    shift = START + 10 * DAY_MS
    records = log(hourly(10, per_hour=2) + hourly(6, start=shift, per_hour=12, prefix="s"))
    rates = []
    for reset_at in (shift + HOUR_MS, shift + 6 * DAY_MS):
        subject, mine = engine(protection_limit_ms=60 * DAY_MS), list(records)
        mine.insert(at(mine, shift), control(ControlKind.RELEASE, at=shift, alert="a1"))
        if reset_at < shift + 6 * DAY_MS:
            mine.insert(at(mine, reset_at), control(ControlKind.RESET, at=shift, alert="a1"))
        feed(subject, mine)
        rates.append(rate(subject))
    assert rates[1] > 1.5 * rates[0]


@pytest.mark.parametrize("key", [NOISE, TOTAL], ids=["shard stage", "jurisdiction stage"])
@pytest.mark.parametrize(
    ("areas", "learned"), [((), False), (("Testville",), False), (("Testville/North",), True), (("Elsewhere",), True)]
)
def test_a_plan_is_not_learned_where_it_is(key: SeriesKey, areas: tuple[str, ...], learned: bool) -> None:
    """Series in its areas keep their level through its time; others learn it, and all learn what comes after."""
    start = START + 3 * DAY_MS
    records = log(hourly(3, per_hour=2) + hourly(2, start=start, per_hour=9, prefix="p"))
    levels = []
    for scope in (("Nowhere",), areas):
        subject = engine(warm_up_ms=100 * DAY_MS)
        feed(subject, [planned(start, start + 2 * DAY_MS, areas=scope), *records])
        levels.append(rate(subject, key))
    assert (levels[0] == levels[1]) is learned
    assert (levels[1] < 0.8 * levels[0]) is not learned


def test_a_plan_called_off_is_learned() -> None:
    """The series learns from the moment the plan is called off, as if it had not been made."""
    start = START + 3 * DAY_MS
    records = log(hourly(3, per_hour=2) + hourly(2, start=start, per_hour=9, prefix="p"))
    plain, off = engine(warm_up_ms=100 * DAY_MS), engine(warm_up_ms=100 * DAY_MS)
    feed(plain, records)
    feed(off, [planned(start, start + 2 * DAY_MS), planned(start, start), *records])
    assert rate(off) == rate(plain)


def test_a_planned_burst_raises_no_alert() -> None:
    """The city's burst raises an alert, and none where a plan covers it; its evidence is given all the same."""
    records = log(city(days=4))
    found = feed(engine(), records)
    assert any("Meters" in alert.categories for alert in found.alerts.values())
    fair = planned(BURST // DAY_MS * DAY_MS, BURST // DAY_MS * DAY_MS + DAY_MS, areas=("Testville",))
    quiet = feed(engine(), [fair, *records])
    assert not any("Meters" in alert.categories for alert in quiet.alerts.values())
    assert any(signal.series.name == "Meters" for signal in quiet.final().values())


def everything_said(records: list[Record]) -> list[Record]:
    """Put every kind of record that people write into a log of the city, around its burst."""
    alerts = feed(engine(), records).alerts
    (burst,) = [alert.id for alert in alerts.values() if "Meters" in alert.categories]
    said = [
        (START + DAY_MS, control(ControlKind.PROTECT, at=START, series=replace(NOISE, name="Category 1"), alert="x")),
        (START + DAY_MS, control(ControlKind.PROTECT, at=START, series=LATER, alert="x")),
        (START + DAY_MS, planned(START + DAY_MS, START + 3 * DAY_MS, areas=("Testville/South",))),
        (START + 1.5 * DAY_MS, control(ControlKind.SENSITIVITY, at=START, series=TOTAL, factor=4.0, alert="x")),
        (START + 1.7 * DAY_MS, control(ControlKind.RESET, at=START, series=None, alert="x")),
        (BURST + 2 * HOUR_MS, control(ControlKind.REVIEWED, at=BURST, series=None, alert=burst)),
        (BURST + 3 * HOUR_MS, control(ControlKind.RELEASE, at=BURST, series=METERS, alert=burst)),
        (BURST + 3 * HOUR_MS, control(ControlKind.SENSITIVITY, at=BURST, series=METERS, factor=16.0, alert=burst)),
    ]
    told = list(records)
    for moment, record in said:
        told.insert(at(told, int(moment)), record)
    history = Control(kind=ControlKind.HISTORY, jurisdiction=CITY, effective_from=0, until=START + int(1.2 * DAY_MS))
    return [history, *told]


def test_what_people_say_is_the_same_however_shards_are_grouped_and_restarted() -> None:
    """A log with every kind of record, cut after each of them and after hundreds of ticks, gives the same answers."""
    records = everything_said(log(city(days=4.5)))
    whole = feed(engine(), records)
    assert whole.alerts
    groups = [((0, 3), (1, 2, 4, 5), (6, 7)), (tuple(range(8)),), tuple((shard,) for shard in range(8))]
    cuts = sorted({i + 1 for i, r in enumerate(records) if isinstance(r, Control)} | {200, 400})
    subject, heard = engine(groups[0]), feed(engine(), [])
    for number, record in enumerate(records):
        if number in cuts:
            restarted = engine(groups[cuts.index(number) % len(groups)])
            restarted.restore(subject.snapshot())
            subject = restarted
        heard.take(subject.apply(record))
    assert heard.signals == whole.signals
    assert heard.alerts == whole.alerts
    assert policy_of(subject).factor(METERS) == 16.0
    assert policy_of(subject).factor(TOTAL) == 1.0


def test_records_said_twice_change_nothing() -> None:
    """Each record people write may come again at once: the answers and the state are the same."""
    records = everything_said(log(city(days=4)))
    once, twice = engine(), engine()
    heard = feed(once, records)
    again = feed(
        twice, [r for record in records for r in ([record, record] if isinstance(record, Control) else [record])]
    )
    assert again.alerts == heard.alerts
    assert twice.snapshot() == once.snapshot()


def test_a_ticks_step_is_what_the_tests_think() -> None:
    """The places of records above rest on ticks a quarter of an hour apart."""
    assert STEP * 96 == DAY_MS
