"""The running service as the API and the page see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warning.service.ports.planning import Freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """How the service does: what health checks, the header and metrics are made of."""

    ready: bool
    progress: str
    """In words, while it is not ready: what it is doing and how far it is."""
    applied_position: int
    newest_position: int
    applied_at: datetime | None
    """When the applied position last moved."""
    watermark: datetime | None
    snapshot_at: datetime | None
    freshness: tuple[Freshness, ...] = ()
    stuck: bool = False
    """Records wait and none was applied for longer than the limit."""
    problem: str = ""
    """Why writes fail at present (a full disk), empty when all is well."""
    problem_zh: str = ""
    notice: str = ""
    """What an operator must know although the service runs (a clock that jumped), empty when there is nothing."""
    notice_zh: str = ""


class Runtime(Protocol):
    """The running service as the API and the page see it."""

    def condition(self) -> Condition: ...

    def now(self) -> datetime:
        """Return the service's clock, in its own zone."""

    def wait_for_feed(self, sequence: int, timeout: float) -> bool:
        """Block until the feed has something after ``sequence`` (True), or the time is over."""
