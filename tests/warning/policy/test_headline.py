"""Headlines: one sentence in each language that says what, where, when and how much."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warning.policy.signals import (
    CATEGORY,
    CHANNEL,
    DAY,
    DEPARTMENT,
    HOUR,
    MONDAY,
    QUARTER,
    TOTAL,
    WEEK,
    Desk,
    hours,
    register,
    signal,
)
from warning.domain.area import AreaRegister
from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKind
from warning.policy.headline import headline_of


def _worded(name: str = "Noise", area: str = "City", **changes: Any) -> tuple[str, str]:
    headline = headline_of(signal(name, area, **changes), register())
    return headline.en, headline.zh


@pytest.mark.parametrize(
    ("kind", "name", "en", "zh"),
    [
        (CATEGORY, "Noise", "Noise", "Noise"),
        (CATEGORY, "停车", "停车", "停车"),
        (TOTAL, "", "All tickets", "全部工单"),
        (DEPARTMENT, "Roads", "Department Roads", "部门 Roads"),
        (CHANNEL, "app", "Channel app", "渠道 app"),
    ],
)
def test_what_by_kind_of_series(kind: SeriesKind, name: str, en: str, zh: str) -> None:
    """A headline begins with the category, or with what the totals, departments and channels count."""
    worded = _worded(name, kind=kind)
    assert worded == (
        f"{en}: 40 tickets in the city on 2024-05-06, about 5.0 expected (8.0 times)",
        f"{zh}: 本市 2024-05-06 当天共 40 件, 预计约 5.0 件 (8.0 倍)",
    )


@pytest.mark.parametrize("name", ["{}", "{0}", "100 % {name}", "a: b"])
def test_names_are_taken_as_they_are(name: str) -> None:
    """Braces and signs in a name are shown, not filled in."""
    for kind in (CATEGORY, DEPARTMENT, CHANNEL):
        assert all(name in worded for worded in _worded(name, kind=kind))


@pytest.mark.parametrize(
    ("length", "start", "en", "zh"),
    [
        (QUARTER, 9.25, "between 2024-05-06 09:15 and 09:30", "2024-05-06 09:15-09:30 共"),
        (HOUR, 23, "between 2024-05-06 23:00 and 00:00", "2024-05-06 23:00-00:00 共"),
        (DAY, 0, "on 2024-05-06", "2024-05-06 当天共"),
        (WEEK, 0, "in the week 2024-05-06 to 05-12", "2024-05-06 至 05-12 一周共"),
    ],
)
def test_when_by_bucket_length(length: BucketLength, start: float, en: str, zh: str) -> None:
    """A quarter and an hour give their times, a day its date, a week its first and last day."""
    worded = _worded(length=length, start=MONDAY + hours(start))
    assert f" {en}, about" in worded[0]
    assert f" {zh} 40 件" in worded[1]


@pytest.mark.parametrize(
    ("area", "en", "zh"),
    [
        ("City", "the city", "本市"),
        ("City/East", "East End", "东区"),
        ("City/East/Old Town", "Old Town", "Old Town"),
        ("Elsewhere", "Elsewhere", "Elsewhere"),
    ],
)
def test_where_by_the_registers_names(area: str, en: str, zh: str) -> None:
    """A registered area goes by its name in each language, another by the last part of its path."""
    worded = _worded(area=area)
    assert f" in {en} on " in worded[0]
    assert f": {zh} 2024" in worded[1]


@pytest.mark.parametrize(
    ("observed", "expected", "en", "zh"),
    [
        (40, 5.0, "about 5.0 expected (8.0 times)", "预计约 5.0 件 (8.0 倍)"),
        (40, 9.94, "about 9.9 expected (4.0 times)", "预计约 9.9 件 (4.0 倍)"),
        (15, 10.0, "about 10 expected (1.5 times)", "预计约 10 件 (1.5 倍)"),
        (123_456, 12_345.6, "about 12346 expected (10 times)", "预计约 12346 件 (10 倍)"),
        (7, 0.1, "about 0.1 expected (70 times)", "预计约 0.1 件 (70 倍)"),
        (7, 0.0999, "less than 0.1 expected (over 70 times)", "预计不到 0.1 件 (超过 70 倍)"),
        (17, 1e-9, "less than 0.1 expected (over 170 times)", "预计不到 0.1 件 (超过 170 倍)"),
        (9, 0.0, "less than 0.1 expected (over 90 times)", "预计不到 0.1 件 (超过 90 倍)"),
    ],
)
def test_how_much_in_figures_a_person_would_say(observed: int, expected: float, en: str, zh: str) -> None:
    """From ten on whole numbers, below one decimal, and next to nothing is said to be that."""
    worded = _worded(observed=observed, expected=expected)
    assert worded[0].endswith(f": {observed} tickets in the city on 2024-05-06, {en}")
    assert worded[1].endswith(f" {observed} 件, {zh}")


@given(
    st.sampled_from(SeriesKind),
    st.sampled_from(BucketLength),
    st.integers(1, 10**7),
    st.floats(0, 1e7, allow_subnormal=True),
)
@settings(deadline=None)
def test_every_headline_is_one_plain_line(
    kind: SeriesKind, length: BucketLength, observed: int, expected: float
) -> None:
    """No headline shows an exponent, a doubled blank, an empty place or a figure that is none."""
    for text in _worded("Noise", "City/East", kind=kind, length=length, observed=observed, expected=expected):
        assert not re.search(r"\de[+-]?\d|nan|inf|\n|  | ,|{|}|None", text)
        assert str(observed) in text


def test_an_alerts_headline_is_its_leads() -> None:
    """The headline follows the leading signal and the register the policy was given."""
    desk = Desk(areas=register())
    assert "本市" in desk.one(signal()).headline.zh
    alert = desk.one(signal(area="City/East", length=HOUR, recurrence=1e6), later=hours(1))
    assert alert.headline == headline_of(signal(area="City/East", length=HOUR), register())
    assert Desk().one(signal(area="City/East")).headline == headline_of(signal(area="City/East"), AreaRegister())
