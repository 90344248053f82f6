"""The in-memory stores keep the contracts of their ports, so that tests on them say something of the real ones."""

from __future__ import annotations

import pytest

from tests.warning.service.alerts import NOW
from tests.warning.service.contracts import AlertStoreContract, Made, PlanStoreContract
from tests.warning.service.fakes import MemoryAlertStore, MemoryPlanStore
from warning.service.ports import PlanStore


class TestMemoryAlertStore(AlertStoreContract):
    @pytest.fixture
    def made(self) -> Made:
        store = MemoryAlertStore()
        return store, store.put


class TestMemoryPlanStore(PlanStoreContract):
    @pytest.fixture
    def plan_store(self) -> PlanStore:
        return MemoryPlanStore(lambda: NOW)
