"""The negative binomial by mean and variance, against scipy's and against exact sums."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.base import FloatArray
from models.negbin import SMALLEST_P, mid_p, upper_bound

MEANS = (1e-9, 1e-4, 0.01, 0.5, 3.0, 40.0, 1e3, 1e5)
VARIANCES = ((1.3, 0.0), (2.0, 0.02), (50.0, 0.0), (1.3, 12.0))
"""How many times the mean, and how many times its square, the variance is."""
means = st.floats(1e-9, 1e5)
dispersions = st.floats(1.0, 50.0)
relatives = st.floats(0.0, 12.0)


def _one(observed: float, mean: float, variance: float) -> float:
    return float(mid_p(np.array([observed]), np.array([mean]), np.array([variance]))[0])


def _counts(mean: float, variance: float) -> list[int]:
    """Counts from nothing to far out in the tail."""
    return sorted({0, 1, 2, 7, 60, *(int(mean + sds * variance**0.5) for sds in (0, 1, 3, 10, 40))})


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize(("dispersion", "relative"), VARIANCES)
def test_mid_p_is_scipys(mean: float, dispersion: float, relative: float) -> None:
    """Mid-p is P(X > y) + P(X = y) / 2 of scipy's negative binomial, down to tails of 1e-290."""
    variance = dispersion * mean + relative * mean * mean
    size = mean * mean / (variance - mean)
    share = size / (size + mean)
    for count in _counts(mean, variance):
        expected = stats.nbinom.sf(count, size, share) + stats.nbinom.pmf(count, size, share) / 2
        if expected > 1e-290:
            assert _one(count, mean, variance) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("mean", MEANS)
def test_equal_mean_and_variance_is_poisson(mean: float) -> None:
    """A variance at or below the mean gives the Poisson distribution: to four digits up to ten standard deviations."""
    for count in _counts(mean, mean):
        if count <= mean + 10 * mean**0.5:
            expected = stats.poisson.sf(count, mean) + stats.poisson.pmf(count, mean) / 2
            assert _one(count, mean, mean) == pytest.approx(expected, rel=1e-4)
            assert _one(count, mean, 0.5 * mean) == _one(count, mean, mean)


def test_mid_p_by_hand() -> None:
    """With mean 1 and variance 2 the distribution is geometric: P(X = y) = 2^-(y + 1), so mid-p is 3/4 x 2^-y."""
    counts = np.arange(12.0)
    assert mid_p(counts, np.ones(12), np.full(12, 2.0)) == pytest.approx(0.75 * 0.5**counts)


def test_mid_p_sums_to_a_half() -> None:
    """Averaged over the counts themselves, mid-p is one half, whatever the distribution: it is centred."""
    for mean, variance in ((0.2, 0.3), (4.0, 9.0), (30.0, 400.0)):
        counts = np.arange(4000.0)
        size = mean * mean / (variance - mean)
        chance: FloatArray = stats.nbinom.pmf(counts, size, size / (size + mean))
        p_values = mid_p(counts, np.full(4000, mean), np.full(4000, variance))
        assert float(chance @ p_values) == pytest.approx(0.5)


def test_the_farthest_tail_is_finite() -> None:
    """A tail too small for a float is the smallest p-value, not zero."""
    assert _one(100_000, 1.0, 1.3) == SMALLEST_P


@given(means, dispersions, relatives, st.integers(0, 2000))
def test_mid_p_falls_with_the_count(mean: float, dispersion: float, relative: float, count: int) -> None:
    """One ticket more is never more likely, and a p-value is in (0, 1]."""
    variance = dispersion * mean + relative * mean * mean
    here, above = _one(count, mean, variance), _one(count + 1, mean, variance)
    assert 0 < above <= here <= 1


@given(means, dispersions, relatives, st.floats(1e-12, 0.4))
def test_upper_bound_is_the_smallest(mean: float, dispersion: float, relative: float, probability: float) -> None:
    """The bound's mid-p is at most the probability, and that of one ticket fewer is above it."""
    variance = dispersion * mean + relative * mean * mean
    bound = float(upper_bound(probability, np.array([mean]), np.array([variance]))[0])
    assert bound == int(bound) >= 1
    assert _one(bound, mean, variance) <= probability < _one(bound - 1, mean, variance)


def test_upper_bounds_side_by_side() -> None:
    """Bounds of many series are those of each alone, and of none there are none."""
    mean = np.array([1e-9, 0.3, 7.0, 90_000.0])
    variance = 1.7 * mean + 0.1 * mean * mean
    together = upper_bound(1e-3, mean, variance)
    alone = [upper_bound(1e-3, mean[i : i + 1], variance[i : i + 1])[0] for i in range(4)]
    assert together.tolist() == alone
    assert upper_bound(1e-3, mean[:0], variance[:0]).shape == (0,)
