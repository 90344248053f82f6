"""Cardinality is bounded: series are admitted at bucket close in sorted order, up to a quota, and overflow says so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.warning.engine.tickets import START, STEP, Row, columns, engine, feed, log, tick
from warning.domain.bucket import DAY_MS, HOUR_MS, MINUTE_MS, BucketLength
from warning.domain.series import OVERFLOW
from warning.engine.engine import Engine

QUOTA = 5


def kept(subject: Engine) -> set[str]:
    """Return the names of the admitted series of area x category, without overflow series."""
    bank = subject.stages[0].bank
    admitted = bank.admitted()
    return {str(key) for key, row in bank.row_of.items() if admitted[row] and key.area != OVERFLOW}


def random_categories(count: int, *, per_hour: int) -> list[Row]:
    """Return tickets that each have a category of their own."""
    return [
        Row(time=START + i * HOUR_MS // per_hour, id=f"R{i}", category=f"Random {i}", area="Testville")
        for i in range(count)
    ]


def test_series_beyond_the_quota_share_an_overflow_series_and_nothing_is_lost() -> None:
    """With one shard and a quota of five, five categories are kept and all other tickets are counted as overflow."""
    subject = engine(shards=1, series_quota_per_shard=QUOTA)
    rows = random_categories(400, per_hour=40)
    feed(subject, log(rows))
    bank = subject.stages[0].bank
    overflow = next(row for key, row in bank.row_of.items() if key.area == OVERFLOW)
    counted = bank.counts.open[BucketLength.DAY][START // DAY_MS]
    assert len(kept(subject)) == QUOTA
    assert counted[overflow] == len(rows) - QUOTA
    assert counted[: bank.rows][bank.admitted()].sum() == len(rows)
    assert subject.statistics.overflowed == len(rows) - QUOTA


def test_admission_follows_event_time_not_arrival() -> None:
    """Of four new series for two places the first two by event time are kept, whichever arrived first."""
    before = random_categories(3, per_hour=240)
    contest = [replace(row, time=row.time + 20 * MINUTE_MS) for row in random_categories(7, per_hour=240)[3:]]
    engines = [engine(shards=1, series_quota_per_shard=QUOTA) for _ in range(2)]
    for subject, rows in zip(engines, (contest, contest[::-1]), strict=True):
        feed(subject, [tick(START // STEP, START), columns(before), tick(START // STEP + 1, START + HOUR_MS)])
        feed(subject, [columns(rows), tick(START // STEP + 2, START + 2 * HOUR_MS)])
    assert kept(engines[0]) == kept(engines[1]) == {f"area_category:Testville:Random {i}" for i in range(QUOTA)}


def test_a_deep_area_that_finds_no_place_still_counts_above() -> None:
    """When the quota holds the city's series but not the district's, the city counts the ticket, and it is reported."""
    rows = [Row(time=START + i * 4 * MINUTE_MS, id=f"D{i}", area=f"Testville/District {i}") for i in range(10)]
    subject = engine(shards=1, series_quota_per_shard=3)
    feed(subject, log(rows))
    assert kept(subject) == {
        "area_category:Testville:Noise",
        "area_category:Testville/District 0:Noise",
        "area_category:Testville/District 1:Noise",
    }
    bank = subject.stages[0].bank
    city_row = next(row for key, row in bank.row_of.items() if key.area == "Testville")
    assert bank.counts.open[BucketLength.DAY][START // DAY_MS][city_row] == 10
    assert subject.statistics.overflowed == 8


def test_a_flood_inside_the_lateness_is_bounded_too() -> None:
    """Before any bucket closes, no more series are held for admission than the quota."""
    subject = engine(shards=1, series_quota_per_shard=QUOTA)
    feed(subject, [tick(START // STEP, START), columns(random_categories(500, per_hour=5000))])
    assert subject.stages[0].bank.rows <= QUOTA + 1


def test_departments_and_channels_have_quotas() -> None:
    """The jurisdiction stage keeps no more departments than its quota."""
    rows = [Row(time=START + i * MINUTE_MS, id=f"D{i}", department=f"Department {i}") for i in range(60)]
    subject = engine(name_quota=4)
    feed(subject, log(rows + [Row(time=START + 4 * HOUR_MS, id="end", department="Department 0")]))
    assert subject.jurisdiction.kept()["department"] == 4


def test_the_state_of_refused_series_does_not_grow_with_the_flood() -> None:
    """Twenty times the flood leaves no more rows, and no more open tickets than the lateness holds."""
    small, large = (engine(shards=1, series_quota_per_shard=QUOTA) for _ in range(2))
    feed(small, log(random_categories(400, per_hour=40)))
    feed(large, log(random_categories(8000, per_hour=40)))
    assert large.stages[0].bank.rows == small.stages[0].bank.rows
    assert len(large.stages[0].pending) < 100
    assert np.all(large.stages[0].bank.admitted().sum() == QUOTA + 1)
