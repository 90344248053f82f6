"""The matching rule, line by line, and the figures made of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.warning import samples
from warning.domain.alert import Alert
from warning.domain.truth import Period, Shape, Truth
from warning.service.evaluate import BANDS, GRACE, band_of, evaluate, matches, median_lead

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2025, 5, 5, 8, tzinfo=ZONE)
END = START + timedelta(hours=10)
HOUR = timedelta(hours=1)
PERIOD = Period(
    city="demo",
    seed=1,
    start=START - timedelta(weeks=4),
    measured_from=START - timedelta(weeks=1),
    end=START + timedelta(weeks=1),
)


def alert(identity: str = "a", at: datetime = START + HOUR, **changes: Any) -> Alert:
    about: dict[str, Any] = {"areas": ("C/P/D1",), "categories": ("Noise",), "departments": (), "channels": ()}
    return samples.alert(identity, raised_at=at, **(about | changes))


def truth(shape: Shape = Shape.BURST, identity: str = "t", **changes: Any) -> Truth:
    about: dict[str, Any] = {
        "incident": True,
        "start": START,
        "end": END,
        "areas": ("C/P/D1",),
        "categories": ("Noise",),
        "departments": ("Urban",),
        "size_sd": 5.0,
    }
    return Truth(id=identity, shape=shape, **(about | changes))


@pytest.mark.parametrize(
    ("at", "matched"),
    [
        (START - timedelta(seconds=1), False),
        (START, True),
        (END, True),
        (END + GRACE, True),
        (END + GRACE + timedelta(seconds=1), False),
    ],
)
def test_time(at: datetime, matched: bool) -> None:
    """An alert counts from the incident's start until a day after its end."""
    assert matches(alert(at=at), truth()) is matched


@pytest.mark.parametrize(
    ("areas", "matched"),
    [
        (("C/P/D1",), True),
        (("C",), True),
        (("C/P",), True),
        (("C/P/D1/S",), True),
        (("C/P/D2", "C/P/D1"), True),
        (("C/P/D2",), False),
        (("C/P/D11",), False),
        (("C/Q",), False),
        ((), False),
    ],
)
def test_area(areas: tuple[str, ...], matched: bool) -> None:
    """One of the alert's areas is one of the incident's, contains one or lies inside one; names are not prefixes."""
    assert matches(alert(areas=areas), truth()) is matched


def test_neighbours_count_for_a_spread_alone() -> None:
    """Beside a spread an alert matches; beside a burst it does not."""
    beside = alert(areas=("C/P/D2",))
    assert matches(beside, truth(Shape.SPATIAL_SPREAD, neighbours=("C/P/D2",)))
    assert not matches(beside, truth(Shape.BURST, neighbours=("C/P/D2",)))


NONE: dict[str, Any] = {"categories": (), "departments": (), "channels": ()}
MANY = {"categories": ("A", "B", "Z")}


@pytest.mark.parametrize(
    ("shape", "about", "matched"),
    [
        (Shape.BURST, {"categories": ("Noise", "Parking")}, True),
        (Shape.BURST, {"categories": ("Parking",), "departments": ("Urban",)}, False),
        (Shape.BURST, NONE | {"departments": ("Urban",)}, True),
        (Shape.BURST, NONE | {"departments": ("Police",)}, False),
        (Shape.BURST, NONE, False),
        (Shape.SLOW_RISE, {}, True),
        (Shape.SPATIAL_SPREAD, {}, True),
        (Shape.PLANNED_CHANGE, {}, True),
        (Shape.ONE_WRITER, {}, True),
        (Shape.NEW_TOPIC, {}, False),
        (Shape.NEW_TOPIC, {"kind": "new_topic"}, True),
        (Shape.DEPARTMENT_SLOW, {"departments": ("Urban",)}, False),
        (Shape.DEPARTMENT_SLOW, {"departments": ("Urban",), "kind": "slow"}, True),
        (Shape.DEPARTMENT_SLOW, {"departments": ("Police",), "kind": "slow"}, False),
        (Shape.TRANSFERS, NONE | {"departments": ("Urban",), "kind": "transfers"}, True),
        (Shape.TRANSFERS, NONE | {"kind": "transfers"}, False),
        (Shape.CHANNEL_SILENT, NONE | {"channels": ("phone",), "kind": "silence"}, True),
        (Shape.CHANNEL_SILENT, NONE | {"channels": ("app",), "kind": "silence"}, False),
        (Shape.CHANNEL_SILENT, NONE | {"channels": ("phone",)}, False),
        (Shape.CITY_WIDE, NONE, True),
        (Shape.CITY_WIDE, MANY, True),
        (Shape.CITY_WIDE, {"categories": ("A", "B")}, False),
        (Shape.HOLIDAY, {"categories": ("anything",)}, True),
        (Shape.LATE_BATCH, {"categories": ("anything",)}, True),
    ],
)
def test_subject(shape: Shape, about: dict[str, Any], matched: bool) -> None:
    """What an alert must name depends on the shape; a surge matches nothing that brings no more tickets."""
    channels = ("phone",) if shape is Shape.CHANNEL_SILENT else ()
    assert matches(alert(**about), truth(shape, channels=channels)) is matched


def test_the_first_warns_and_the_others_are_duplicates() -> None:
    """Of three matching alerts the first raised is the warning, whatever the order they are given in."""
    alerts = [alert("late", START + 3 * HOUR), alert("first", START + HOUR), alert("mid", START + 2 * HOUR)]
    done = evaluate(PERIOD, [truth()], alerts)
    (outcome,) = done.outcomes
    assert outcome.warning is not None
    assert outcome.warning.id == "first"
    assert (done.alerts, done.warnings, done.duplicates, done.false_alerts.total()) == (3, 1, 2, 0)
    assert (outcome.lead_hours, outcome.lead_share) == (1.0, 0.1)


def test_one_alert_can_warn_of_two_incidents() -> None:
    """An alert that is the first of two incidents warns of both and counts once."""
    done = evaluate(PERIOD, [truth(), truth(identity="u")], [alert()])
    assert all(outcome.warning is not None for outcome in done.outcomes)
    assert (done.warnings, done.duplicates, done.precision) == (1, 0, 1.0)


def test_what_matches_no_incident_is_false() -> None:
    """A false alert is one whether a hard negative explains it or nothing does; each is counted by its reason."""
    negative = truth(Shape.PLANNED_CHANGE, "n", incident=False, categories=("Waste",))
    others = [alert("b", categories=("Waste",)), alert("c", categories=("Gas",)), alert("d", areas=("X",))]
    done = evaluate(PERIOD, [truth(), negative], [alert(), *others])
    assert done.false_alerts == {"planned_change": 1, "nothing": 2}
    assert done.precision == 0.25
    assert done.false_per_week == 1.5


def test_what_is_not_measured_is_left_out() -> None:
    """Alerts of the quiet history and incidents that the end cuts off count neither way, nor do alerts on these."""
    quiet = alert("quiet", PERIOD.measured_from - HOUR)
    cut = truth(Shape.BURST, "cut", start=PERIOD.end - 2 * HOUR, end=PERIOD.end + HOUR, categories=("Gas",))
    done = evaluate(PERIOD, [truth(), cut], [quiet, alert("on cut", PERIOD.end - HOUR, categories=("Gas",))])
    assert (done.left_out, done.alerts, done.cut_off_alerts, done.cut_off_incidents) == (1, 1, 1, 1)
    assert len(done.outcomes) == 1
    assert done.false_alerts.total() == 0
    assert done.precision is None


def test_sizes_fall_into_bands() -> None:
    """Bands are closed below and open above, but for the last; sizes that rounding moved out belong to the nearest."""
    assert [band_of(size) for size in (1.7, 2, 3.99, 4, 8, 10, 10.4)] == [BANDS[i] for i in (0, 0, 0, 1, 3, 3, 3)]
    done = evaluate(PERIOD, [truth(size_sd=3.0), truth(Shape.SLOW_RISE, "u", size_sd=9.0)], [alert()])
    assert len(done.of(Shape.BURST, BANDS[0])) == len(done.of(None, BANDS[3])) == 1
    assert done.of(Shape.BURST, BANDS[3]) == []


def test_leads_are_medians_of_what_was_warned_of() -> None:
    """Lead in hours and as a share of the incident; nothing where nobody was warned."""
    done = evaluate(PERIOD, [truth(), truth(identity="u", areas=("X",))], [alert(at=END + 5 * HOUR)])
    assert median_lead(done.outcomes) == (15.0, 1.5)
    assert median_lead([outcome for outcome in done.outcomes if outcome.warning is None]) is None
