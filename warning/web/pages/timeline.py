"""An alert's history as one line of time: what the engine saw and what people did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from warning.domain.alert import Transition
from warning.domain.handling import HandlingEntry


@dataclass(frozen=True, slots=True)
class Line:
    """One line: either the engine's step or a person's entry."""

    at: datetime
    step: Transition | None = None
    entry: HandlingEntry | None = None

    @property
    def rule(self) -> str:
        """The named rule: OPEN-1, ACK-2."""
        return self.step.rule if self.step else self.entry.rule if self.entry else ""

    @property
    def name(self) -> str:
        """The rule's kind, as the strings call it: open, ack."""
        return self.rule.partition("-")[0].lower()


def timeline(steps: Iterable[Transition], entries: Iterable[HandlingEntry]) -> list[Line]:
    """Merge both histories, newest first; at one moment what a person did comes after what was seen."""
    lines = [Line(step.at, step=step) for step in steps] + [Line(entry.at, entry=entry) for entry in entries]
    return sorted(lines, key=lambda line: line.at)[::-1]
