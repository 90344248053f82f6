"""When a signal alone is reason enough: the alert budget, the fewest tickets, the least ratio."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warning.policy.signals import WITHDRAWN, signal
from warning.domain.bucket import BucketLength
from warning.domain.signal import EvidenceState
from warning.policy.config import BUDGET_SHARE, PolicyConfig
from warning.policy.episode import excess, qualifies


def test_the_lengths_share_out_the_whole_budget() -> None:
    """Every bucket length has a share of the false alerts, and the shares sum to one."""
    assert set(BUDGET_SHARE) == set(BucketLength)
    assert math.fsum(BUDGET_SHARE.values()) == pytest.approx(1.0)
    assert all(share > 0 for share in BUDGET_SHARE.values())


@given(st.floats(0.001, 1000))
@settings(deadline=None)
def test_the_lengths_together_give_the_expected_false_alerts(per_week: float) -> None:
    """Chance at each length's threshold, added up over the lengths, is the budget a week."""
    config = PolicyConfig(false_alerts_per_week=per_week)
    assert math.fsum(7 / config.least_recurrence_days(length) for length in BucketLength) == pytest.approx(per_week)


@pytest.mark.parametrize("length", BucketLength)
def test_recurrence_thresholds_by_length(length: BucketLength) -> None:
    """Evidence at a length must be rarer than that length's share of the weekly budget, and just that suffices."""
    config = PolicyConfig(false_alerts_per_week=0.5)
    days = 7 / (0.5 * BUDGET_SHARE[length])
    assert config.least_recurrence_days(length) == pytest.approx(days)
    assert qualifies(signal(length=length, recurrence=days * 1.0001), config)
    assert not qualifies(signal(length=length, recurrence=days * 0.9999), config)


@pytest.mark.parametrize(
    ("change", "enough"),
    [
        ({"observed": 7, "expected": 1.0}, True),
        ({"observed": 6, "expected": 1.0}, False),
        ({"observed": 15, "expected": 10.0}, True),
        ({"observed": 14, "expected": 10.0}, False),
        ({"observed": 7, "expected": 0.0}, True),
        ({"recurrence": 0.0}, False),
        ({"recurrence": math.inf}, True),
    ],
)
def test_fewest_tickets_and_least_ratio(change: dict[str, Any], enough: bool) -> None:
    """Seven tickets and half as many again as expected are the least, exactly."""
    assert qualifies(signal(**change), PolicyConfig()) is enough


def test_the_limits_are_the_settings() -> None:
    """Fewer tickets, a smaller ratio or a larger budget let weaker evidence qualify."""
    evidence = signal(observed=3, expected=2.5, recurrence=30.0)
    loose = {"minimum_tickets": 3, "minimum_ratio": 1.2, "false_alerts_per_week": 1.0}
    assert qualifies(evidence, PolicyConfig(**loose))  # type: ignore[arg-type]
    for name in loose:
        rest = {other: value for other, value in loose.items() if other != name}
        assert not qualifies(evidence, PolicyConfig(**rest))  # type: ignore[arg-type]


@pytest.mark.parametrize("state", EvidenceState)
def test_withdrawn_evidence_never_qualifies(state: EvidenceState) -> None:
    """Open and closed buckets qualify alike; what was withdrawn does not, however unusual."""
    assert qualifies(signal(state=state), PolicyConfig()) is (state is not WITHDRAWN)


def test_excess_is_what_came_beyond_what_was_expected() -> None:
    """The excess is observed less expected, also where that is negative."""
    assert excess(signal(observed=40, expected=5.5)) == 34.5
    assert excess(signal(observed=1, expected=5.5)) == -4.5
