"""Snapshots of the alert stage, by time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from warning.runtime.clock import steady_seconds

if TYPE_CHECKING:
    from streams.alerts.signals import Signals
    from streams.following import Follower


class Keeping:
    """Implements :class:`streams.alerts.loops.Repeated`."""

    pause = 1.0

    def __init__(self, state: Signals, follower: Follower, *, every: float) -> None:
        self._state = state
        self._follower = follower
        self._every = every
        self._due = steady_seconds() + every

    async def step(self) -> bool:
        """Store a snapshot if one is due."""
        if steady_seconds() >= self._due and self._follower.caught_up:
            await self._follower.between(self._state.save_snapshot)
            self._due = steady_seconds() + self._every
        return False

    async def stop(self) -> None:
        """Hold nothing."""
