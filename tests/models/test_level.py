"""The level: the exact conjugate update, silence, the prior."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from models.base import BoolArray
from models.level import GammaPoissonLevel

YES: BoolArray = np.array([True])
HALF_LIFE = 24.0


def _level(series: int = 1) -> GammaPoissonLevel:
    level = GammaPoissonLevel(half_life_hours=HALF_LIFE, prior_count=0.5, prior_hours=12.0)
    level.add(series)
    return level


def test_the_prior() -> None:
    """At the start a level is the prior's: half a ticket in half a day."""
    level = _level()
    assert level.shape().tolist() == [0.5]
    assert level.mean().tolist() == [0.5 / 12.0]


def test_the_update_by_hand() -> None:
    """Two hours of 3 and 5 tickets: counts and masses fade by 2^-1/24 an hour, the prior does not."""
    level = _level()
    level.learn(np.array([3.0]), np.array([1.5]), 1.0, YES)
    level.learn(np.array([5.0]), np.array([0.5]), 1.0, YES)
    keep = 0.5 ** (1 / 24)
    shape, rate = 0.5 + keep * 3 + 5, 12 + keep * 1.5 + 0.5
    assert level.shape() == pytest.approx(shape)
    assert level.mean() == pytest.approx(shape / rate)


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.1, 3.0), st.floats(0.25, 168.0)), min_size=1, max_size=20))
def test_the_update_is_a_weighted_sum(hours: list[tuple[int, float, float]]) -> None:
    """After any hours the level is (prior + counts) / (prior + masses), each weighted by its age at the end."""
    level = _level()
    ages = np.cumsum([0.0, *(length for _, _, length in reversed(hours))])[-2::-1]
    for count, mass, length in hours:
        level.learn(np.array([float(count)]), np.array([mass]), length, YES)
    weights = 0.5 ** (ages / HALF_LIFE)
    counts, masses = (np.array([hour[i] for hour in hours]) for i in (0, 1))
    assert level.shape()[0] == pytest.approx(0.5 + weights @ counts)
    assert level.mean()[0] == pytest.approx((0.5 + weights @ counts) / (12.0 + weights @ masses))


def test_the_update_is_bayes_rule() -> None:
    """Without discount, the posterior density on a grid of rates is prior x likelihood: the update is exact."""
    level = GammaPoissonLevel(half_life_hours=1e15)
    level.add(1)
    for count, mass in ((2, 0.4), (0, 1.0), (7, 1.7)):
        level.learn(np.array([float(count)]), np.array([mass]), 1.0, YES)
    rates = np.linspace(1e-4, 4.0, 200_001)
    density = stats.gamma.pdf(rates, 0.5, scale=1 / 12.0)
    for count, mass in ((2, 0.4), (0, 1.0), (7, 1.7)):
        density = density * stats.poisson.pmf(count, rates * mass)
    density = density / density.sum()
    mean = float(density @ rates)
    assert level.mean()[0] == pytest.approx(mean, rel=1e-6)
    assert level.mean()[0] ** 2 / level.shape()[0] == pytest.approx(density @ (rates - mean) ** 2, rel=1e-5)


def test_silence_lowers_the_level() -> None:
    """A silent series' level falls hour by hour; after long it rests where a half-life's mass leaves it."""
    level = _level()
    means = []
    for _ in range(1000):
        level.learn(np.array([0.0]), np.array([1.0]), 1.0, YES)
        means.append(level.mean()[0])
    assert bool((np.diff(means) <= 0).all())
    assert means[-1] == pytest.approx(0.5 / (12.0 + 1 / (1 - 0.5 ** (1 / 24))))


def test_a_series_first_seen_now_was_silent() -> None:
    """A level added late, or restarted, is to the bit that of a series that never counted anything."""
    level = _level(2)
    for hour in range(50):
        level.learn(np.array([0.0, 4.0]), np.ones(2), 1.0, np.array([True, hour % 3 > 0]))
    level.add(1)
    level.restart(np.array([1]))
    assert level.mean()[0] == level.mean()[1] == level.mean()[2]
    assert level.shape().tolist() == [0.5] * 3


def test_where_not_learning_nothing_changes() -> None:
    """A level that does not learn stays to the bit, while the time that passed goes on for those added later."""
    level = _level(2)
    level.learn(np.array([3.0, 3.0]), np.ones(2), 1.0, np.array([True, True]))
    before, elapsed = level.mean()[1], level.elapsed
    level.learn(np.array([9.0, 9.0]), np.ones(2), 1.0, np.array([True, False]))
    assert level.mean()[1] == before
    assert level.mean()[0] > before
    assert level.elapsed > elapsed


def test_some_rows() -> None:
    """Shapes and means of some rows are those of all, at these rows."""
    level = _level(4)
    level.learn(np.arange(4.0), np.ones(4), 1.0, np.ones(4, np.bool_))
    some = np.array([3, 0, 3])
    assert level.mean(some).tolist() == level.mean()[some].tolist()
    assert level.shape(some).tolist() == level.shape()[some].tolist()


def test_state_goes_round() -> None:
    """Levels loaded beside others keep count, mass and the time that passed."""
    level = _level(3)
    level.learn(np.arange(3.0), np.ones(3), 1.0, np.ones(3, np.bool_))
    other = _level(1)
    other.load(level.state(np.array([2, 0])))
    assert other.mean()[1:].tolist() == level.mean()[[2, 0]].tolist()
    assert other.elapsed == level.elapsed
