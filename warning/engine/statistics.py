"""What an engine has done, in figures: for summaries and metrics; not part of its answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from warning.domain.ticket import LifeEvent
from warning.engine.records import OUTCOME_ORDER

if TYPE_CHECKING:
    from warning.engine.jurisdiction_stage import Judgement
    from warning.engine.records import TickReport
    from warning.intake.columns import TicketColumns


@dataclass(slots=True)
class Statistics:
    """Counted since the engine was built; see :class:`warning.service.result.Summary` for what each means."""

    outcomes: dict[str, int] = field(default_factory=lambda: {outcome.value: 0 for outcome in OUTCOME_ORDER})
    life_events: dict[str, int] = field(default_factory=dict)
    backlog: dict[str, int] = field(default_factory=dict)
    first_event: int | None = None
    last_event: int | None = None
    ticks: int = 0
    decisions: int = 0
    series: int = 0
    overflowed: int = 0
    horizon_days: float = 0.0
    _last_report: int = -1

    def count_batch(self, batch: TicketColumns) -> None:
        """Note the times and departments of a batch."""
        created = batch.time[batch.kind == LifeEvent.CREATED]
        if len(created):
            first, last = int(created.min()), int(created.max())
            self.first_event = first if self.first_event is None else min(first, self.first_event)
            self.last_event = last if self.last_event is None else max(last, self.last_event)

    def count_outcomes(self, outcomes: NDArray[np.uint8]) -> None:
        """Note what became of a batch's rows."""
        for code, count in enumerate(np.bincount(outcomes, minlength=len(OUTCOME_ORDER)).tolist()):
            self.outcomes[OUTCOME_ORDER[code].value] += count

    def count_report(self, report: TickReport) -> None:
        """Note what shards report of a tick."""
        if report.tick.number != self._last_report:
            self._last_report = report.tick.number
            self.ticks += 1
            self.series = 0
            self.horizon_days = report.horizon_days
        self.series += report.series
        self.decisions += report.decisions
        self.overflowed += report.overflowed
        self.horizon_days = min(self.horizon_days, report.horizon_days)
        for department, event, count in report.life:
            self.life_events[event] = self.life_events.get(event, 0) + count
            kind = LifeEvent[event.upper()]
            change = count * (kind.starts_work - kind.ends_work)
            self.backlog[department] = self.backlog.get(department, 0) + change

    def count_judgement(self, judgement: Judgement) -> None:
        """Note what the jurisdiction stage decided."""
        self.decisions += judgement.decisions
