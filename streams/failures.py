"""What may be logged of an error whose message may hold a ticket's text: types and places, no messages."""

from __future__ import annotations

import traceback
from pathlib import Path

_MOST = 100


def frames_of(error: BaseException) -> list[str]:
    """Return, for an error and each that caused it, its type and the places it came through, innermost last."""
    told: list[str] = []
    current: BaseException | None = error
    while current is not None and len(told) < _MOST:
        frames = traceback.extract_tb(current.__traceback__)
        told += [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]
        told.append(type(current).__name__)
        current = current.__cause__
    return told
