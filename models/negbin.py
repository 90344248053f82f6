"""The negative binomial distribution by mean and variance: mid-p values and upper bounds.

Parametrised as size r = mean^2 / (variance - mean) and probability r / (r + mean); where the variance hardly exceeds
the mean it is the Poisson distribution to within rounding (Johnson, Kemp & Kotz, Univariate Discrete Distributions,
3rd ed., chapter 5). Mid-p: P(X > y) + P(X = y) / 2 (Lancaster 1961).
"""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from models.base import BoolArray, CountArray, FloatArray

SMALLEST_P = 1e-300
"""Tails below this are reported as this, so that a recurrence interval stays finite."""
_LEAST_EXTRA = 1e-6
"""Least share of variance above the mean: keeps the size finite (at most a million times the mean)."""


def mid_p(observed: CountArray | FloatArray, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the upper mid-p value of each count; arrays of one shape, mean > 0, observed >= 0."""
    size, share = _size_and_share(mean, variance)
    counts = np.asarray(observed, dtype=np.float64)
    some = counts > 0
    at_least = betainc(counts, size, share) if some.all() else _at_least(counts, some, size, share)
    above = betainc(counts + 1.0, size, share)
    middle: FloatArray = 0.5 * (at_least + above)
    return np.maximum(middle, SMALLEST_P)


def _at_least(counts: FloatArray, some: BoolArray, size: FloatArray, share: FloatArray) -> FloatArray:
    """Return the chance of at least so many where some counts are zero, for which betainc is not defined."""
    return np.where(some, betainc(np.maximum(counts, 1.0), size, share), 1.0)


def upper_bound(probability: float, mean: FloatArray, variance: FloatArray) -> FloatArray:
    """Return the smallest count whose mid-p value is at most ``probability``, by doubling and bisection."""
    high = np.ones_like(mean)
    while True:
        short = mid_p(high, mean, variance) > probability
        if not short.any():
            break
        high = np.where(short, 2.0 * high, high)
    low = np.zeros_like(mean)
    while np.any(high - low > 1.0):
        middle = np.floor(0.5 * (low + high))
        unusual = mid_p(middle, mean, variance) <= probability
        high = np.where(unusual, middle, high)
        low = np.where(unusual, low, middle)
    return high


def _size_and_share(mean: FloatArray, variance: FloatArray) -> tuple[FloatArray, FloatArray]:
    extra = np.maximum(variance - mean, _LEAST_EXTRA * mean)
    size = mean * mean / extra
    return size, mean / (size + mean)
