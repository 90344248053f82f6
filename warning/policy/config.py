"""What the policy is told when it is built."""

from __future__ import annotations

from dataclasses import dataclass

from warning.domain.bucket import BucketLength

BUDGET_SHARE = {
    BucketLength.QUARTER: 0.05,
    BucketLength.HOUR: 0.1,
    BucketLength.DAY: 0.7,
    BucketLength.WEEK: 0.15,
}
"""How the false alerts a week are shared out: most to the day, at which small areas show anything at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyConfig:
    """See the settings of the same names."""

    false_alerts_per_week: float = 0.1
    minimum_tickets: int = 7
    minimum_ratio: float = 1.5
    merge_hours: int = 24

    def least_recurrence_days(self, length: BucketLength) -> float:
        """Return the shortest recurrence interval that alerts; the lengths share the budget (Bonferroni)."""
        return 7.0 / (self.false_alerts_per_week * BUDGET_SHARE[length])
