"""The benchmark of looks at open buckets: its exact figures against a simulation and against what is known."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.looks import LEAST_OBSERVED, inflation, smallest_unusual
from models.negbin import mid_p


@pytest.mark.parametrize("dispersion", [1.0, 2.0])
def test_inflation_is_what_a_simulation_sees(dispersion: float) -> None:
    """The share of simulated buckets with a look at or below p agrees within four standard errors."""
    mean, looks, p_value, buckets = 5.0, 16, 1e-2, 100_000
    rng = np.random.default_rng(1)
    if dispersion == 1.0:
        steps = rng.poisson(mean / looks, (buckets, looks))
    else:
        steps = rng.negative_binomial(mean / looks / (dispersion - 1.0), 1.0 / dispersion, (buckets, looks))
    counts = steps.cumsum(axis=1).astype(np.int32)
    so_far = np.broadcast_to(mean * np.arange(1, looks + 1) / looks, counts.shape)
    unusual = (mid_p(counts, so_far, dispersion * so_far) <= p_value) & (counts >= LEAST_OBSERVED)
    share = inflation(mean, looks, p_value, dispersion=dispersion) * p_value
    error = (share * (1 - share) / buckets) ** 0.5
    assert float(unusual.any(axis=1).mean()) == pytest.approx(share, abs=4 * error)


def test_one_look_is_the_final_test() -> None:
    """With one look, the chance is that of the final count to be unusual."""
    bound = int(smallest_unusual(20.0, 1, 1e-3)[0])
    assert inflation(20.0, 1, 1e-3) * 1e-3 == pytest.approx(stats.poisson.sf(bound - 1, 20.0))


def test_more_looks_find_more() -> None:
    """Looking at the same moments and at more can only find more."""
    seen = [inflation(20.0, looks, 1e-3) for looks in (1, 4, 16, 96, 1_440)]
    assert seen == sorted(seen)


def test_few_tickets_are_never_unusual() -> None:
    """However early the look, it takes three tickets."""
    assert smallest_unusual(1.0, 1_440, 1e-2).min() == LEAST_OBSERVED
