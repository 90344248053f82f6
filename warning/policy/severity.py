"""Severity: how urgent an alert is, 0 to 100, by a formula a person can check."""

from __future__ import annotations

import math

LONGEST_RECURRENCE_DAYS = 1e6
"""Beyond some two thousand years "never by chance" is all there is to say: longer intervals count as this."""


def severity(
    *, recurrence_days: float, least_recurrence_days: float, observed: int, expected: float, areas: int
) -> int:
    """Return 20 for barely alerting, plus up to 30 for surprise, 20 for ratio, 20 for volume and 10 for spread.

    surprise : log10(recurrence / least that alerts), full at four orders of magnitude
    ratio : log2(observed / expected), full at 16 times
    volume : log10(observed - expected), full at 1,000 tickets too many
    spread : areas that carry it, full at eight
    """
    surprise = math.log10(min(recurrence_days, LONGEST_RECURRENCE_DAYS) / least_recurrence_days) / 4
    ratio = math.log2(max(observed, 1) / max(expected, 1e-3)) / 4
    volume = math.log10(max(observed - expected, 1.0)) / 3
    spread = math.log2(max(areas, 1)) / 3
    points = 20 + 30 * _share(surprise) + 20 * _share(ratio) + 20 * _share(volume) + 10 * _share(spread)
    return round(points)


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)
