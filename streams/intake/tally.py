"""The metrics of an intake worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.metrics import INPUT_LAG, INPUT_TICKETS, counter, gauge
from warning.domain.reject import RejectReason
from warning.runtime.metrics import REJECTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from prometheus_client import CollectorRegistry

    from streams.intake.judging import Judged


class IntakeTally:
    """Counts what the worker does."""

    def __init__(self, registry: CollectorRegistry, inputs: Sequence[str]) -> None:
        self._inputs = inputs
        self._lag = gauge(registry, INPUT_LAG)
        self._tickets = counter(registry, INPUT_TICKETS)
        self._rejects = counter(registry, REJECTS)
        for topic in inputs:
            self._lag.labels(topic)
            self._tickets.labels(topic)
        for reason in RejectReason:
            self._rejects.labels(reason.value)

    def judged(self, judged: Judged) -> None:
        """Count a poll that is in the log."""
        for topic, tickets in judged.tickets.items():
            self._tickets.labels(topic).inc(tickets)
        for reason, refused in judged.reasons.items():
            self._rejects.labels(reason.value).inc(refused)

    def lag(self, of: Callable[[str], int]) -> None:
        """Take over how many records wait."""
        for topic in self._inputs:
            self._lag.labels(topic).set(of(topic))
