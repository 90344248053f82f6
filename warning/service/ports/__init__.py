"""What the services need of a store and of a runtime: ports, and what passes through them.

Implementations: :mod:`warning.store.sql` (SQLite now) and :mod:`warning.runtime`; hand-written fakes in tests. Every
implementation passes the same contract tests. Times are aware datetimes; ids are text.
"""

from warning.service.ports.accounts import AccountStore, ApiKey, Session, User
from warning.service.ports.alerts import SORTS, AlertQuery, AlertStore, AlertView, FeedEvent, ReviewQueue
from warning.service.ports.common import ConflictError, Page, StoreBusyError
from warning.service.ports.planning import Freshness, Plan, PlanStore, Source
from warning.service.ports.running import Condition, Runtime
from warning.service.ports.tickets import (
    DeadLetter,
    DeadLetterStore,
    HistoryLoader,
    ItemAnswer,
    Loaded,
    PastLoad,
    Replay,
    TicketIntake,
    TicketStatus,
    Unread,
)

__all__ = [
    "SORTS",
    "AccountStore",
    "AlertQuery",
    "AlertStore",
    "AlertView",
    "ApiKey",
    "Condition",
    "ConflictError",
    "DeadLetter",
    "DeadLetterStore",
    "FeedEvent",
    "Freshness",
    "HistoryLoader",
    "ItemAnswer",
    "Loaded",
    "Page",
    "PastLoad",
    "Plan",
    "PlanStore",
    "Replay",
    "ReviewQueue",
    "Runtime",
    "Session",
    "Source",
    "StoreBusyError",
    "TicketIntake",
    "TicketStatus",
    "Unread",
    "User",
]
