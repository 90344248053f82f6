"""Tickets as columns, before their texts are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from warning.simulator.days import IntArray

NO_TOPIC = -1
BASELINE = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Tickets, one a row. Times are milliseconds of the epoch; the others index the city's lists.

    ``other`` is the department that a transferred ticket goes to.
    ``opening``, ``body``, ``closing``, ``person``, ``street`` and ``when`` choose words; ``topic`` is a new topic or
    NO_TOPIC; ``origin`` numbers the incident that added the row, or is BASELINE.
    """

    time: IntArray
    received: IntArray
    closed: IntArray
    area: IntArray
    category: IntArray
    department: IntArray
    channel: IntArray
    transfers: IntArray
    other: IntArray
    opening: IntArray
    body: IntArray
    closing: IntArray
    person: IntArray
    street: IntArray
    when: IntArray
    topic: IntArray
    origin: IntArray

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: IntArray) -> Columns:
        """Return the given rows."""
        return Columns(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})

    @staticmethod
    def joined(parts: Sequence[Columns]) -> Columns:
        """Put tickets one after the other."""
        names = [field.name for field in fields(Columns)]
        return Columns(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})
