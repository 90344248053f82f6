"""A week that closes after its alert has ended: it raises no second alert for what was told already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.warning.policy.signals import DAY, HOUR, MONDAY, WEEK, Desk, signal, total
from warning.domain.area import AreaRegister
from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKind
from warning.domain.signal import Signal
from warning.policy import alerting
from warning.policy.episode import told

TUESDAY = MONDAY + timedelta(days=1)
NEXT_MONDAY = MONDAY + timedelta(days=7)


def ended_desk(*evidence: Signal) -> Desk:
    """Return a desk whose alert of these signals has ended on Thursday."""
    desk = Desk()
    desk.tick(*evidence)
    (alert,) = desk.tick(watermark=MONDAY + timedelta(days=3))
    assert alert.history[-1].rule == "CLOSE-1"
    return desk


def week(name: str = "Noise", area: str = "City", *, excess: int = 40) -> Signal:
    """Give a whole week's final evidence."""
    return signal(name, area, length=WEEK, observed=20 + excess, expected=20.0, updated_at=NEXT_MONDAY)


def test_a_week_whose_excess_an_ended_alert_told_of_raises_none() -> None:
    """The burst of one day, 35 too many, explains the week's 40 too many: no second alert."""
    desk = ended_desk(signal(length=DAY, start=TUESDAY))
    assert desk.tick(week()) == []


def test_the_largest_evidence_counts_not_the_leading_one() -> None:
    """An alert led by one hour but resting on a day is remembered by the day."""
    hour = signal(length=HOUR, start=TUESDAY, observed=9, expected=0.5, recurrence=1e6)
    desk = ended_desk(signal(length=DAY, start=TUESDAY), hour)
    assert desk.tick(week()) == []


def test_every_series_of_an_ended_alert_is_remembered() -> None:
    """Not only its largest evidence was told: also the category under a total, and each of several districts."""
    day: dict[str, Any] = {"length": DAY, "start": TUESDAY}
    desk = ended_desk(
        signal(**day), total(observed=60, **day), signal(area="City/East", **day), signal(area="City/West", **day)
    )
    assert desk.tick(week(), week(area="City/East"), week(area="City/West")) == []
    assert desk.tick(total(length=WEEK, observed=65, updated_at=NEXT_MONDAY)) == []
    assert [alert.areas for alert in desk.tick(week("Water"))] == [("City",)]


def test_a_flood_of_weeks_is_compared_with_its_own_series_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand weeks after a storm of a thousand alerts are compared with a few ended ones each."""
    names = [f"Category {i}" for i in range(1_000)]
    desk = Desk()
    desk.tick(*(signal(name, length=DAY, start=TUESDAY) for name in names))
    desk.tick(watermark=MONDAY + timedelta(days=3))
    compared = 0

    def counting(*arguments: Any) -> bool:
        nonlocal compared
        compared += 1
        return told(*arguments)

    monkeypatch.setattr(alerting, "told", counting)
    assert desk.tick(*map(week, names)) == []
    assert compared <= 2_000
    desk.tick(*(signal(name, length=DAY, start=NEXT_MONDAY) for name in names))
    assert compared <= 2_000


@pytest.mark.parametrize(
    "other",
    [week(excess=80), week("Parking"), week(area="City/East")],
    ids=["twice the excess", "another category", "elsewhere"],
)
def test_a_week_that_tells_more_raises_its_own_alert(other: Signal) -> None:
    """A week with far more than the ended alert told, of another category or elsewhere is news."""
    desk = ended_desk(signal(area="City/West", length=DAY, start=TUESDAY))
    assert [alert.lead_signal_id for alert in desk.tick(other)] == [other.id]


def test_a_day_is_never_taken_for_told() -> None:
    """A new burst after the alert has ended is a new alert, though an older one told of the same series."""
    desk = ended_desk(signal(length=DAY, start=TUESDAY))
    assert len(desk.tick(signal(length=DAY, start=MONDAY + timedelta(days=5)))) == 1


def test_the_week_after_is_news() -> None:
    """An alert of last week does not silence this week."""
    desk = ended_desk(signal(length=DAY, start=TUESDAY))
    later = signal(length=WEEK, start=NEXT_MONDAY, observed=60, expected=20.0)
    assert len(desk.tick(later)) == 1


def test_what_ended_is_remembered_across_a_restart_and_forgotten_in_time() -> None:
    """A restored policy knows what was told; ten days later it is forgotten."""
    desk = ended_desk(signal(length=DAY, start=TUESDAY))
    restarted = Desk()
    restarted.policy.load(desk.policy.state())
    assert restarted.tick(week()) == []
    desk.tick(watermark=TUESDAY + timedelta(days=11))
    assert desk.policy.state()["ended"] == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, True),
        ({"length": HOUR}, True),
        ({"length": WEEK, "start": MONDAY}, True),
        ({"start": MONDAY}, True),
        ({"start": NEXT_MONDAY - timedelta(days=1)}, True),
        ({"start": NEXT_MONDAY}, False),
        ({"start": MONDAY - timedelta(days=1)}, False),
        ({"observed": 25}, True),
        ({"observed": 24}, False),
        ({"name": "Water"}, False),
        ({"kind": SeriesKind.DEPARTMENT}, False),
        ({"kind": SeriesKind.DEPARTMENT, "length": WEEK, "start": MONDAY}, False),
        ({"area": "City/East"}, True),
        ({"area": "Town"}, False),
    ],
)
def test_what_tells_of_a_week(change: dict[str, Any], says: bool) -> None:
    """Evidence of the same series or an overlapping area, inside the week, with at least half of its excess."""
    given: dict[str, Any] = {"length": DAY, "start": TUESDAY}
    assert told(week(), signal(**(given | change)), AreaRegister()) is says


def test_only_weeks_are_ever_told() -> None:
    """Of the same figures, a day's are news and a week's are not."""
    earlier = signal(length=HOUR)
    assert told(signal(length=WEEK), earlier, AreaRegister())
    assert not told(signal(length=DAY), earlier, AreaRegister())


def test_what_is_over_early_in_the_week_is_remembered_until_the_week_has_closed() -> None:
    """The first quarter of an hour of a week is still remembered when the week closes, and no crash comes after it."""
    desk = Desk()
    desk.tick(signal(length=BucketLength.QUARTER))
    desk.tick(watermark=MONDAY + timedelta(days=3))
    assert desk.tick(watermark=NEXT_MONDAY) == []
    assert desk.tick(week()) == []
    desk.tick(watermark=NEXT_MONDAY + timedelta(days=3))
    assert len(desk.tick(week())) == 1
