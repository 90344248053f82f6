"""What an operator must know although the service runs, in both languages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warning.domain.bucket import MINUTE_MS
from warning.runtime.clock import Clock, GuardedClock
from warning.service.words import Words

if TYPE_CHECKING:
    from warning.runtime.ticking import LiveTicks

AHEAD_MS = 5 * MINUTE_MS
"""A log whose clock is further ahead than this is worth an operator's attention."""


def notice_of(clock: Clock, ticks: LiveTicks) -> Words:
    """Say what is odd about the clock; empty when nothing is."""
    now = clock()
    if isinstance(clock, GuardedClock) and clock.jump_ms:
        return _clock_jumped(clock.jump_ms)
    ahead = ticks.ahead_ms(now)
    return _log_is_ahead(ahead) if ahead > AHEAD_MS else Words("", "")


def _clock_jumped(jump_ms: int) -> Words:
    minutes = round(jump_ms / MINUTE_MS)
    return Words(
        f"本机时钟跳变了 {minutes:+,} 分钟。服务暂按流逝的时间继续,若时钟持续如此,10 分钟后采用。请检查时间同步。",
        f"This machine's clock jumped by {minutes:+,} minutes. The service goes on by the time that passes, and "
        "follows the clock if it stays so for 10 minutes. Check the time synchronisation.",
    )


def _log_is_ahead(ahead_ms: int) -> Words:
    minutes = round(ahead_ms / MINUTE_MS)
    return Words(
        f"日志的时钟比现在快 {minutes:,} 分钟:在此之前收到的工单都记为迟到,不会产生预警。本机时钟曾经过快。",
        f"The log's clock is {minutes:,} minutes ahead: until then every ticket is late and raises nothing. "
        "This machine's clock was fast before.",
    )
