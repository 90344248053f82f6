"""Planned events."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select

from warning.domain.control import Control
from warning.service.ports import Plan
from warning.store.sql.alert_rows import tell
from warning.store.sql.bodies import from_body, to_body
from warning.store.sql.database import Database
from warning.store.sql.log import SqlLog
from warning.store.sql.moments import milliseconds
from warning.store.sql.statements import upsert
from warning.store.sql.tables import plans

PLAN = "plan"
"""Kind of feed events."""


class SqlPlans:
    """Implements :class:`warning.service.ports.PlanStore`; what is past is told by the clock given."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._log = SqlLog(database)

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        wanted = select(plans.c.body).order_by(plans.c.start, plans.c.id)
        if not include_past:
            wanted = wanted.where(plans.c.end > self._now())
        with self._database.read() as connection:
            return [from_body(body, Plan) for body in connection.execute(wanted).scalars()]

    def save(self, plan: Plan, control: Control) -> None:
        now = self._now()
        row = {"id": plan.id, "start": plan.start, "end": plan.end, "body": to_body(plan)}
        with self._database.write() as connection:
            upsert(connection, plans, [row])
            self._log.append(connection, [control], milliseconds(now))
            change = "PLAN-1" if plan.cancelled_at is None else "PLAN-2"
            tell(connection, [(PLAN, plan.id, change)], now)
