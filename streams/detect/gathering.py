"""Batches of the log that wait for others, so that all are applied together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warning.domain.errors import EarlyWarningError

if TYPE_CHECKING:
    from streams.reading import Message
    from warning.intake.columns import TicketColumns

GATHER_SECONDS = 0.2
"""So long a batch waits for others: to apply one has a price whatever it holds."""
GATHER_TICKETS = 5_000
"""So many tickets wait for no others: by then that price has vanished."""


class BatchesFailedError(EarlyWarningError):
    """Of several batches that were applied together one failed; the next processes apply each by itself."""

    def __init__(self, first: Message, last: Message, cause: BaseException) -> None:
        super().__init__(f"one of {first.place} to @{last.offset} could not be applied ({type(cause).__name__})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """A batch of the log, without what is left out of it."""

    message: Message
    kept: TicketColumns
