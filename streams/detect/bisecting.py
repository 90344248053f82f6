"""Finding the tickets of a batch that end the process, on copies of the state before it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from streams.detect.stage import restored

if TYPE_CHECKING:
    from streams.detect.stage import DetectStage
    from warning.intake.columns import TicketColumns

MOST = 16
"""Tickets that are looked for one by one in a batch: of one with more of them all that is left is left out."""

Fails = Callable[[Sequence[int]], str]
"""Says why a batch of these rows cannot be applied; empty: it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisonous:
    """Rows without which a batch can be applied, and why the first of them cannot."""

    rows: list[int]
    reason: str


def bisected(stage: DetectStage, batch: TicketColumns) -> Poisonous:
    """Return what must be left out of a batch; no rows where all of it can be applied."""
    before = msgspec.msgpack.encode(stage.state())

    def fails(rows: Sequence[int]) -> str:
        copy = restored(stage, msgspec.msgpack.decode(before))
        return why_not(copy, batch.take(np.array(rows, np.int64)))

    return search(fails, len(batch))


def why_not(stage: DetectStage, batch: TicketColumns) -> str:
    """Apply a batch; returns what befell it, in words that hold nothing of the tickets."""
    try:
        stage.apply(batch)
    except Exception as error:  # noqa: BLE001  whatever a ticket does to the engine is what is looked for
        return said_of(error)
    return ""


def said_of(error: BaseException) -> str:
    """Say what was raised and where, without the message: it may hold a ticket's text."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" in {frames[-1].name}" if frames else ""
    return f"{type(error).__name__}{where}"


def search(fails: Fails, rows: int) -> Poisonous:
    """Find, one after the other, the shortest beginnings that fail: their last row is to blame."""
    kept = list(range(rows))
    left_out: list[int] = []
    passes, reason = 0, ""
    while kept and (why := fails(kept)):
        reason = reason or why
        if len(left_out) == MOST:
            left_out += kept[passes:]
            break
        low, high = passes, len(kept)
        while high - low > 1:
            middle = (low + high) // 2
            if fails(kept[:middle]):
                high = middle
            else:
                low = middle
        left_out.append(kept.pop(high - 1))
        passes = high - 1
    return Poisonous(rows=left_out, reason=reason)
