"""What the policy is told when it is built."""

from __future__ import annotations

from dataclasses import dataclass

from warning.domain.bucket import BucketLength


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyConfig:
    """See the settings of the same names."""

    false_alerts_per_week: float = 0.5
    minimum_tickets: int = 5
    minimum_ratio: float = 1.5
    merge_hours: int = 24

    @property
    def least_recurrence_days(self) -> float:
        """Shortest recurrence interval that alerts: the budget is shared evenly by the bucket lengths (Bonferroni)."""
        return len(BucketLength) * 7.0 / self.false_alerts_per_week
