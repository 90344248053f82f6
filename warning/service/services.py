"""Everything the HTTP API and the operators' page call, put together by :mod:`warning.bootstrap`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warning.domain.area import AreaRegister
    from warning.service.accounts import Accounts
    from warning.service.desk import Desk
    from warning.service.planning import Planning
    from warning.service.ports import DeadLetterStore, HistoryLoader, Replay, Runtime, TicketIntake


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """One jurisdiction's services.

    metrics : gives the text that Prometheus scrapes, and its content type
    version : of the program
    prefix : path under which a proxy shows the service ("" or "/warning")
    secure_cookies : whether cookies are for HTTPS only
    """

    jurisdiction: str
    zone: str
    register: AreaRegister
    desk: Desk
    accounts: Accounts
    planning: Planning
    intake: TicketIntake
    letters: DeadLetterStore
    replay: Replay
    history: HistoryLoader
    runtime: Runtime
    metrics: Callable[[], tuple[bytes, str]]
    version: str
    prefix: str = ""
    secure_cookies: bool = False
