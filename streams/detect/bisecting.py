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

FEW = 16
"""After so many were found they are taken to stand close together, and each is looked for just after the last."""

Fails = Callable[[Sequence[int]], str]
"""Says why a batch of these rows cannot be applied; empty: it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisonous:
    """Rows without which a batch can be applied, and why the first of them cannot."""

    rows: list[int]
    reason: str


def bisected(stage: DetectStage, batch: TicketColumns, tried: Callable[[], None] = lambda: None) -> Poisonous:
    """Return what must be left out of a batch; no rows where all of it can be applied.

    tried : called before each try; a batch of many such tickets takes minutes, in which the process is well
    """
    before = msgspec.msgpack.encode(stage.state())

    def fails(rows: Sequence[int]) -> str:
        tried()
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
        low, high = passes, len(kept)
        if len(left_out) >= FEW:
            low, high = _near(fails, kept, passes)
        while high - low > 1:
            middle = (low + high) // 2
            if fails(kept[:middle]):
                high = middle
            else:
                low = middle
        left_out.append(kept.pop(high - 1))
        passes = high - 1
    return Poisonous(rows=left_out, reason=reason)


def _near(fails: Fails, kept: Sequence[int], passes: int) -> tuple[int, int]:
    """Return lengths of a beginning that passes and one that fails, looked for in steps that double."""
    low, step = passes, 1
    while low + step < len(kept):
        if fails(kept[: low + step]):
            return low, low + step
        low, step = low + step, step * 2
    return low, len(kept)
