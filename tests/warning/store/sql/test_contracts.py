"""The SQL stores keep the contracts of their ports."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.warning.service.alerts import NOW
from tests.warning.service.contracts import AlertStoreContract, Made, PlanStoreContract
from tests.warning.store.sql.steps import said
from warning.domain.alert import Alert
from warning.domain.evidence import EvidencePoint
from warning.domain.signal import Signal
from warning.service.ports import PlanStore
from warning.store.sql.alerts import SqlAlerts
from warning.store.sql.database import Database
from warning.store.sql.plans import SqlPlans


class TestSqlAlerts(AlertStoreContract):
    @pytest.fixture
    def made(self, database: Database) -> Made:
        def put(alert: Alert, signals: Sequence[Signal], course: Sequence[EvidencePoint]) -> None:
            said(database, alerts=[alert], signals=signals, points=course)

        return SqlAlerts(database), put


class TestSqlPlans(PlanStoreContract):
    @pytest.fixture
    def plan_store(self, database: Database) -> PlanStore:
        return SqlPlans(database, lambda: NOW)
