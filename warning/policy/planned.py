"""Whether something planned explains a signal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from warning.policy.episode import SHARE_EXPLAINED, excess

if TYPE_CHECKING:
    from warning.domain.planned import PlannedEvents
    from warning.domain.signal import Signal


def explained(signal: Signal, plans: PlannedEvents) -> bool:
    """Whether a plan covers a signal's series where its window starts, or the parts that carry half of its excess.

    So a street festival that shows in its district shows in the city as a whole without raising an alert there.
    """
    moment = round(signal.window_start.timestamp() * 1000)
    if not plans.during(moment, moment + 1):
        return False
    if plans.covers(signal.series, moment):
        return True
    covered = sum(
        observed - expected
        for area, observed, expected in signal.parts
        if plans.covers(replace(signal.series, area=area), moment)
    )
    return covered > 0 and covered >= SHARE_EXPLAINED * excess(signal)
