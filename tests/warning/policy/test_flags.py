"""Review flags: when each is set, and the sentence that says why in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.warning.policy.signals import (
    CONFIG,
    HOUR,
    MONDAY,
    PROVISIONAL,
    QUARTER,
    WEEK,
    Desk,
    department,
    hours,
    signal,
)
from warning.domain.alert import Flag, ReviewFlag
from warning.domain.bucket import BucketLength
from warning.domain.signal import Signal
from warning.policy.flags import flags_of

LOW, SPARSE, IMPACT, SPANS = (
    ReviewFlag.LOW_CONFIDENCE,
    ReviewFlag.SPARSE_DATA,
    ReviewFlag.HIGH_IMPACT,
    ReviewFlag.SPANS_DEPARTMENTS,
)


def _flags(lead: Signal, **changes: Any) -> dict[ReviewFlag, Flag]:
    given: dict[str, Any] = {"confirmed": True, "severity": 50, "departments": ("Roads",), "config": CONFIG}
    flags = flags_of(lead, **(given | changes))
    assert len({flag.code for flag in flags}) == len(flags)
    return {flag.code: flag for flag in flags}


def test_strong_confirmed_evidence_of_a_busy_series_has_no_flag() -> None:
    """Nothing to say means no flag."""
    assert _flags(signal()) == {}


def test_open_evidence_is_low_confidence() -> None:
    """While nothing final bears it out, the flag says that the window is still open."""
    flag = _flags(signal(state=PROVISIONAL, recurrence=1e9), confirmed=False)[LOW]
    assert flag.reason_en == "the window is still open: the evidence is provisional"
    assert flag.reason_zh == "时段尚未结束, 证据为初步"
    assert LOW not in _flags(signal(state=PROVISIONAL, recurrence=1e9), confirmed=True)


@pytest.mark.parametrize("length", BucketLength)
def test_evidence_that_barely_alerts_is_low_confidence(length: BucketLength) -> None:
    """Below four times the shortest interval that alerts at its length, the flag says how often chance brings it."""
    least = CONFIG.least_recurrence_days(length)
    flag = _flags(signal(length=length, recurrence=3.99 * least, expected=500.0))[LOW]
    assert flag.reason_en == f"chance alone would bring this about once in {3.99 * least:.0f} days"
    assert flag.reason_zh == f"纯属偶然约每 {3.99 * least:.0f} 天也会出现一次"
    assert LOW not in _flags(signal(length=length, recurrence=4.01 * least, expected=500.0))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"history_days": 27.4}, "only 27 days of history, about 5 tickets on a usual day"),
        ({"history_days": 0.0, "expected": 0.004}, "only 0 days of history, about 0.004 tickets on a usual day"),
        ({"expected": 0.9}, "only 90 days of history, about 0.9 tickets on a usual day"),
        ({"length": WEEK, "expected": 6.3}, "only 90 days of history, about 0.9 tickets on a usual day"),
        ({"length": HOUR, "expected": 0.04}, "only 90 days of history, about 0.96 tickets on a usual day"),
        ({"length": QUARTER, "expected": 0.01}, "only 90 days of history, about 0.96 tickets on a usual day"),
    ],
)
def test_little_history_or_few_tickets_are_sparse(change: dict[str, Any], reason: str) -> None:
    """Under four weeks of history, or less than a ticket a day, are sparse; the figures stand in the reason."""
    flag = _flags(signal(**change))[SPARSE]
    assert flag.reason_en == reason
    days, tickets = re.findall(r"[\d.]+", reason)
    assert flag.reason_zh == f"历史仅 {days} 天, 平常每天约 {tickets} 件"


@pytest.mark.parametrize(
    "change",
    [
        {"history_days": 28.0},
        {"expected": 1.0},
        {"length": WEEK, "expected": 7.0},
        {"length": HOUR, "expected": 0.042},
        {"length": QUARTER, "expected": 0.0105},
    ],
)
def test_four_weeks_and_a_ticket_a_day_are_not_sparse(change: dict[str, Any]) -> None:
    """The limits themselves are enough."""
    assert SPARSE not in _flags(signal(**change))


def test_what_has_passed_of_an_open_window_is_what_is_expected_so_far() -> None:
    """A day looked at after three hours expects an eighth of its tickets so far: that is no sparse series."""
    early = signal(state=PROVISIONAL, updated_at=MONDAY + hours(3), expected=1.0)
    assert SPARSE not in _flags(early)
    sparse = signal(state=PROVISIONAL, updated_at=MONDAY + hours(3), expected=0.1)
    assert "about 0.8 tickets on a usual day" in _flags(sparse)[SPARSE].reason_en
    at_once = signal(state=PROVISIONAL, updated_at=MONDAY - hours(1), expected=0.0001)
    assert "about 0.14 tickets" in _flags(at_once)[SPARSE].reason_en


@pytest.mark.parametrize(("severity", "flagged"), [(74, False), (75, True), (100, True)])
def test_high_severity_is_high_impact(severity: int, flagged: bool) -> None:
    """From 75 on the flag gives the severity."""
    flags = _flags(signal(), severity=severity)
    assert (IMPACT in flags) is flagged
    if flagged:
        assert flags[IMPACT].reason_en == f"severity {severity} of 100"
        assert flags[IMPACT].reason_zh == f"严重程度 {severity} (满分 100)"


def test_several_departments_are_named() -> None:
    """Two departments or more are named in the reason; one or none set no flag."""
    flag = _flags(signal(), departments=("Parks", "Roads"))[SPANS]
    assert flag.reason_en == "several departments: Parks, Roads"
    assert flag.reason_zh == "涉及多个部门: Parks, Roads"
    assert SPANS not in _flags(signal(), departments=())


def test_all_flags_come_in_a_fixed_order() -> None:
    """Whatever the evidence, flags stand in one order."""
    lead = signal(state=PROVISIONAL, history_days=1.0)
    flags = flags_of(lead, confirmed=False, severity=90, departments=("a", "b"), config=CONFIG)
    assert [flag.code for flag in flags] == [LOW, SPARSE, IMPACT, SPANS]


def test_flags_of_an_alert_follow_its_evidence() -> None:
    """An alert loses its low confidence when a bucket closes, and gains the departments of what joins it."""
    desk = Desk()
    first = desk.one(signal(state=PROVISIONAL, updated_at=MONDAY + hours(9), departments=("Roads",)))
    assert {flag.code for flag in first.flags} == {LOW}
    alert = desk.one(signal(departments=("Roads",)), department("Parks", observed=39), later=hours(16))
    assert {flag.code for flag in alert.flags} == {SPANS}
