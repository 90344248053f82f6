"""An alert as the feed and the queue show it: one card."""

from __future__ import annotations

from dataclasses import dataclass

from warning.domain.alert import Alert
from warning.service.ports import AlertView
from warning.web.scales import nice_top

WIDTH = 240
"""Of the small picture of observed against expected, in its own units."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """Observed, expected and the bound as lengths on one scale of ``WIDTH``."""

    observed: float
    expected: float
    bound: float
    width: int = WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """An alert's view with what its card draws; ``version`` changes whenever the card would look different."""

    view: AlertView
    gauge: Gauge
    version: str


def card(view: AlertView) -> Card:
    """Lay out an alert's card."""
    alert = view.alert
    stamp = f"{alert.updated_at.timestamp():.3f}-{len(alert.history)}-{view.handling.version}-{view.status.value}"
    return Card(view=view, gauge=_gauge(alert), version=stamp)


def _gauge(alert: Alert) -> Gauge:
    top = nice_top(max(alert.observed, alert.expected, alert.upper_bound))
    observed, expected, bound = (
        round(WIDTH * value / top, 1) for value in (alert.observed, alert.expected, alert.upper_bound)
    )
    return Gauge(observed, expected, bound)
