"""Severity: a formula a person can check, with stated corners, between 0 and 100."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warning.domain.bucket import BucketLength
from warning.policy.config import PolicyConfig
from warning.policy.severity import LONGEST_RECURRENCE_DAYS, severity

BARELY: dict[str, Any] = {
    "recurrence_days": 100.0,
    "least_recurrence_days": 100.0,
    "observed": 2,
    "expected": 2.0,
    "areas": 1,
}


def _severity(**changes: Any) -> int:
    return severity(**(BARELY | changes))


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, 20),
        ({"recurrence_days": 1_000.0}, 28),
        ({"recurrence_days": 10_000.0}, 35),
        ({"recurrence_days": 1e6}, 50),
        ({"recurrence_days": 1e9}, 50),
        ({"recurrence_days": math.inf}, 50),
        ({"recurrence_days": 1.0}, 20),
        ({"recurrence_days": 1e6, "least_recurrence_days": 1e6}, 20),
        ({"observed": 4}, 27),
        ({"observed": 32}, 50),
        ({"observed": 64}, 52),
        ({"observed": 1}, 20),
        ({"observed": 7, "expected": 0.0}, 46),
        ({"observed": 1_001_000, "expected": 1e6}, 40),
        ({"observed": 1_000_100, "expected": 1e6}, 33),
        ({"observed": 50_000_000, "expected": 1e6}, 60),
        ({"areas": 0}, 20),
        ({"areas": 2}, 23),
        ({"areas": 8}, 30),
        ({"areas": 5_000}, 30),
        ({"recurrence_days": 1e9, "observed": 100_000, "expected": 1.0, "areas": 99}, 100),
    ],
)
def test_corners_of_the_formula(changes: dict[str, Any], points: int) -> None:
    """Twenty for barely alerting; 30 for surprise, 20 for ratio, 20 for volume, 10 for spread, each full at its end."""
    assert _severity(**changes) == points


inputs = st.fixed_dictionaries(
    {
        "recurrence_days": st.floats(1e-6, 1e12) | st.just(math.inf),
        "least_recurrence_days": st.floats(0.1, 1e7),
        "observed": st.integers(0, 10**9),
        "expected": st.floats(0, 1e9),
        "areas": st.integers(0, 100_000),
    }
)


@given(inputs)
@settings(deadline=None)
def test_severity_is_a_whole_number_from_20_to_100(given_: dict[str, Any]) -> None:
    """Whatever comes in, the answer is within the scale, and never below what barely alerting gives."""
    points = severity(**given_)
    assert isinstance(points, int)
    assert 20 <= points <= 100


@given(inputs, st.sampled_from(["recurrence_days", "observed", "areas"]), st.floats(1, 1e3))
@settings(deadline=None)
def test_more_is_never_less_severe(given_: dict[str, Any], name: str, times: float) -> None:
    """A longer recurrence, more tickets or more areas never lower it; a larger expectation never raises it."""
    larger = type(given_[name])(min(given_[name] * times, 1e15))
    assert severity(**(given_ | {name: larger})) >= severity(**given_)
    assert severity(**(given_ | {"expected": given_["expected"] * times})) <= severity(**given_)


def test_intervals_beyond_doubt_count_as_one() -> None:
    """Beyond two thousand years a longer interval says no more, at the default thresholds of every length."""
    for length in BucketLength:
        least = PolicyConfig().least_recurrence_days(length)
        at_end, beyond = (
            _severity(recurrence_days=days, least_recurrence_days=least) for days in (LONGEST_RECURRENCE_DAYS, 1e200)
        )
        assert at_end == beyond > 40
