"""What an engine is told when it is built: one jurisdiction, its calendar and its limits."""

from __future__ import annotations

from dataclasses import dataclass

from warning.domain.bucket import DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """One jurisdiction's engine; see the settings of the same names for what each limit means.

    ``signal_p`` is the p-value at which evidence becomes a signal and a series stops learning;
    ``least_observed`` the fewest tickets in a window that can be a signal.
    """

    jurisdiction: str
    zone: str
    shards: int = 64
    dedupe_horizon_days: int = 30
    dedupe_capacity: int = 30_000_000
    series_quota_per_shard: int = 2_000
    name_quota: int = 500
    warm_up_ms: int = DAY_MS
    history_days: int = 730
    protection_limit_ms: int = 14 * DAY_MS
    signal_p: float = 1e-3
    least_observed: int = 3
