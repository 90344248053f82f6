"""Human-review flags: why a person must look before an alert leaves the house."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from warning.domain.alert import Flag, ReviewFlag
from warning.domain.signal import EvidenceState
from warning.policy.episode import seen_until

if TYPE_CHECKING:
    from warning.domain.signal import Signal
    from warning.policy.config import PolicyConfig

_BARELY = 4.0
"""A recurrence interval less than this many times the least that alerts is weak evidence."""
_HISTORY_DAYS = 28.0
"""Four weeks show each weekday four times: less is little."""
_SPARSE_PER_DAY = 1.0
_HIGH_SEVERITY = 75


def flags_of(
    lead: Signal, *, confirmed: bool, severity: int, departments: tuple[str, ...], config: PolicyConfig
) -> tuple[Flag, ...]:
    """Return the flags of an alert, in a fixed order, each with its reason."""
    flags: list[Flag] = []
    if not confirmed or lead.recurrence_interval_days < _BARELY * config.least_recurrence_days(lead.length):
        flags.append(_low_confidence(lead, confirmed=confirmed))
    per_day = _usual_per_day(lead)
    if lead.history_days < _HISTORY_DAYS or per_day < _SPARSE_PER_DAY:
        flags.append(
            Flag(
                code=ReviewFlag.SPARSE_DATA,
                reason_zh=f"历史仅 {lead.history_days:.0f} 天, 平常每天约 {per_day:.2g} 件",
                reason_en=f"only {lead.history_days:.0f} days of history, about {per_day:.2g} tickets on a usual day",
            )
        )
    if severity >= _HIGH_SEVERITY:
        flags.append(
            Flag(
                code=ReviewFlag.HIGH_IMPACT,
                reason_zh=f"严重程度 {severity} (满分 100)",
                reason_en=f"severity {severity} of 100",
            )
        )
    if len(departments) > 1:
        names = ", ".join(departments)
        flags.append(
            Flag(
                code=ReviewFlag.SPANS_DEPARTMENTS,
                reason_zh=f"涉及多个部门: {names}",
                reason_en=f"several departments: {names}",
            )
        )
    return tuple(flags)


def _usual_per_day(lead: Signal) -> float:
    """Return what is expected of a day, going by the part of the window that the evidence has seen."""
    passed = max(seen_until(lead) - lead.window_start, timedelta(minutes=1))
    return lead.expected * (timedelta(days=1) / passed)


def _low_confidence(lead: Signal, *, confirmed: bool) -> Flag:
    days = lead.recurrence_interval_days
    if not confirmed and lead.state is EvidenceState.PROVISIONAL:
        return Flag(
            code=ReviewFlag.LOW_CONFIDENCE,
            reason_zh="时段尚未结束, 证据为初步",
            reason_en="the window is still open: the evidence is provisional",
        )
    return Flag(
        code=ReviewFlag.LOW_CONFIDENCE,
        reason_zh=f"纯属偶然约每 {days:.0f} 天也会出现一次",
        reason_en=f"chance alone would bring this about once in {days:.0f} days",
    )
