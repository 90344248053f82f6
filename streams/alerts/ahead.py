"""Reports that are too far ahead to be held in memory: passed over, and read again when what waits is judged.

A partition may be a whole past ahead of another: of a log that has just begun and one of whose partitions nobody
follows yet, and of a new era of history. Nothing is left out there, so what is held must be bounded otherwise::

    partition 0   1 2 3 4 5 6
    partition 1               1 2 3 4 5 6
    held, 3 ticks 1 2 3 - - -           ; then again from 4 of partition 0 on
    judged                    1 2 3 - -   4 5 6
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.alerts.stage import AlertStage
    from streams.records import Report

MOST_AHEAD = 2_000
"""Ticks of which reports are held, twice as many as those after which a partition is left out. Each time that so many
are judged the rest is read again: some eighteen times where a partition is a year of quarters of an hour ahead."""


class Ahead:
    """Knows which reports of one stage were passed over."""

    def __init__(self) -> None:
        self.first: int | None = None
        """The offset of the first of them; None: there are none."""
        self._last_held = -1

    def passes_over(self, report: Report, offset: int, stage: AlertStage) -> bool:
        """Whether a report is to be passed over; from the first of them on all of later ticks than are held.

        So each partition's reports come to the stage in their order, however often they are read.
        """
        number = report.report.tick.number
        if self.first is None:
            if stage.held < MOST_AHEAD or number <= stage.furthest:
                return False
            self.first, self._last_held = offset, stage.furthest
        return number > self._last_held
