"""Where chance comes from: a generator of its own for every city, seed, day and purpose.

What is drawn for a day depends on nothing before it, so a stream can begin on any day and go on for ever, and another
purpose more changes no other draw.
"""

from __future__ import annotations

from datetime import date
from enum import IntEnum
from zlib import crc32

import numpy as np


class Purpose(IntEnum):
    """What is drawn. The numbers never change: they would change every city."""

    WEATHER = 1
    BASELINE = 2
    PLAN = 3
    EFFECT = 4
    AFFINITY = 5
    PEOPLE = 6
    TARGETS = 7
    NEGATIVES = 8


def generator(city: str, seed: int, purpose: Purpose, day: date | None = None, more: int = 0) -> np.random.Generator:
    """Return the generator for a purpose on a day; ``more`` tells several of a day apart."""
    entropy = [crc32(city.encode()), seed, int(purpose), day.toordinal() if day else 0, more]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))
