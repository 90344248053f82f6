"""Surge: dispersion, shared profiles, bases of bucket lengths, uncertainty of the profile."""

import doctest

import numpy as np
import pytest

from models import surge as module
from models.base import NO_PARENT, BoolArray, CountArray, FloatArray, IntArray, Window
from models.simulation import WEEK, Walk, add_up, clean_quarters
from models.surge import Surge

ROW = np.array([0])
FAMILY: IntArray = np.array([NO_PARENT, 0, 0, 0])
NOON = Window("1h", 36.0, 1.0)
MONDAY = Window("1d", 0.0, 24.0)


def _walk(parents: IntArray = FAMILY) -> Walk:
    walk = Walk(Surge())
    walk.detector.add_rows(parents)
    return walk


def _taught(means: FloatArray, weeks: int, *, dispersion: float = 1.0, parents: IntArray = FAMILY) -> Surge:
    walk = _walk(parents)
    counts = clean_quarters(np.random.default_rng(5), means, 7 * weeks, dispersion=dispersion)
    walk.close(add_up(counts, parents))
    assert isinstance(walk.detector, Surge)
    return walk.detector


def _relative_variance(surge: Surge, window: Window) -> FloatArray:
    """Return the variance over the squared mean, less what chance and dispersion explain."""
    rows = np.arange(surge.rows)
    mean = surge.expect(rows, window)
    return (surge._variance(rows, mean, window) - _dispersion(surge, window.length) * mean) / mean**2


def _dispersion(surge: Surge, length: str) -> FloatArray:
    """Return the learned dispersion of each series: prior and residuals by hand."""
    state = surge.state(np.arange(surge.rows))
    square, total = state[f"row.square:{length}"], state[f"row.mean:{length}"]
    prior = surge.prior_strength
    return np.asarray(np.maximum((square + prior * surge.prior_dispersion) / (total + prior), 1.0))


def test_the_example_runs() -> None:
    """The example in the class's docstring gives what it says."""
    ran = doctest.testmod(module)
    assert ran.attempted > 0
    assert ran.failed == 0


@pytest.mark.parametrize("dispersion", [1.0, 2.0, 4.0])
def test_dispersion_is_learned(dispersion: float) -> None:
    """After half a year the variance of hours and days is known, of quiet and busy series (of busy days the doubt about
    the profile hides it).
    """
    surge = _taught(np.array([0.0, 0.3, 1.0, 5.0]), 26, dispersion=dispersion)
    for found in (_dispersion(surge, "1h")[1:], _dispersion(surge, "1d")[1:3]):
        assert bool((found > 0.6 * dispersion).all())
        assert bool((found < 1.25 * dispersion).all())


def test_one_outbreak_teaches_a_bounded_residual() -> None:
    """However high one count is, dispersion learns no more of it than of a count just beyond the bound."""
    means = np.array([0.0, 0.3, 1.0, 5.0])
    learned = []
    for count in (300, 30_000):
        surge = _taught(means, 8)
        mean = surge.expect(np.arange(4), MONDAY)
        before = surge._variance(np.arange(4), mean, MONDAY)
        surge.learn(np.full(4, count, np.int32), MONDAY, np.zeros(4, np.bool_))
        gain = surge.state(np.arange(4))["row.square:1d"]
        learned.append(gain[1:])
        at_most = module._BOUNDED_SDS * np.sqrt(before) + (2 * before / mean) * module._BOUNDED_SDS**2 / 6
        assert bool((gain < before * 60 + at_most**2)[1:].all())
    assert learned[0].tolist() == learned[1].tolist()


def test_a_residual_within_the_bound_is_learned_whole() -> None:
    """A count two standard deviations high adds its whole squared residual, less what the level's doubt explains."""
    surge = _taught(np.array([0.0, 0.3, 1.0, 5.0]), 8)
    rows = np.arange(4)
    before, mean = surge.state(rows)["row.square:1d"], surge.expect(rows, MONDAY)
    variance = surge._variance(rows, mean, MONDAY)
    counts = np.floor(mean + 2.0 * np.sqrt(variance)).astype(np.int32)
    known = (variance - _dispersion(surge, "1d") * mean) / mean**2
    surge.learn(counts, MONDAY, np.zeros(4, np.bool_))
    expected = before * 0.5 ** (1 / 90) + np.maximum((counts - mean) ** 2 - known * mean**2, 0.0)
    assert surge.state(rows)["row.square:1d"] == pytest.approx(expected)


def test_dispersion_is_never_below_poissons() -> None:
    """A series steadier than Poisson is judged as Poisson."""
    walk = _walk(np.array([NO_PARENT]))
    walk.close(np.ones((4 * 24 * 7 * 20, 1), np.int32))
    surge = walk.detector
    assert isinstance(surge, Surge)
    mean = surge.expect(ROW, NOON)
    doubt = mean**2 * (1 / surge.state(ROW)["row.shape:1h"] + surge._profile_variance(NOON))
    assert surge._variance(ROW, mean, NOON) == pytest.approx(mean + doubt)


def test_children_use_their_parents_profile() -> None:
    """A child that has hardly counted expects its few tickets when its parent has them, a stranger does not yet."""
    parents = np.array([NO_PARENT, 0, 0, NO_PARENT])
    surge = _taught(np.array([0.0, 20.0, 0.01, 0.01]), 8, parents=parents)
    rows = np.arange(4)
    hours = [surge.expect(rows, Window("1h", float(hour), 1.0)) for hour in range(24)]
    by_hour = np.array(hours) / np.sum(hours, axis=0)
    planted = WEEK[:96].reshape(24, 4).sum(axis=1)
    assert by_hour[:, 2] == pytest.approx(by_hour[:, 0])
    assert by_hour[:, 2] == pytest.approx(planted / planted.sum(), rel=0.2)
    assert abs(by_hour[:, 3] * planted.sum() / planted - 1.0).max() > 0.3


def test_children_keep_their_own_level() -> None:
    """Children of one parent expect what they themselves had."""
    surge = _taught(np.array([0.0, 0.5, 2.0, 8.0]), 8)
    week = surge.expect(np.arange(4), Window("7d", 0.0, 168.0)) / 168.0
    assert week[1:] == pytest.approx([0.5, 2.0, 8.0], rel=0.1)
    assert week[0] == pytest.approx(10.5, rel=0.1)


def test_quarters_are_judged_by_the_hour() -> None:
    """A quarter expects its share of the hour, with the hour's dispersion and the level frozen when the hour began."""
    surge = _taught(np.array([0.0, 0.3, 1.0, 5.0]), 8, dispersion=2.0)
    rows, quarters = np.arange(4), [Window("15m", 36.0 + i / 4, 0.25) for i in range(4)]
    surge.learn(np.full(4, 9, np.int32), NOON, np.zeros(4, np.bool_))
    of_hour = surge.expect(rows, NOON)
    assert np.sum([surge.expect(rows, quarter) for quarter in quarters], axis=0) == pytest.approx(of_hour)
    mean = surge.expect(rows, quarters[0])
    doubt = surge._variance(rows, of_hour, NOON) - _dispersion(surge, "1h") * of_hour
    by_hand = _dispersion(surge, "1h") * mean + doubt * (mean / of_hour) ** 2
    assert surge._variance(rows, mean, quarters[0]) == pytest.approx(by_hand)
    assert not [name for name in surge.state(rows) if name.endswith(":15m")]
    assert bool((surge.expect(rows, Window("1h", 37.0, 1.0, ahead=True)) != of_hour).all())


def test_quarters_alone_have_their_own_basis() -> None:
    """A detector of quarters alone learns level, profile and dispersion from quarters."""
    surge = Surge(lengths=("15m",))
    surge.add_rows(np.array([NO_PARENT]))
    counts = clean_quarters(np.random.default_rng(5), np.array([8.0]), 56)
    for i, count in enumerate(counts):
        window = Window("15m", i / 4 % 168, 0.25)
        surge.begin("15m")
        surge.learn(count, window, np.array([False]))
    assert surge.state(ROW)["hours_seen"] == pytest.approx(56.0)
    assert surge.state(ROW)["days_seen"] == pytest.approx(8.0)
    expected = [float(surge.expect(ROW, Window("15m", i / 4, 0.25, ahead=True))[0]) for i in range(0, 672, 4)]
    assert expected == pytest.approx(8.0 * WEEK[::4], rel=0.35, abs=0.1)


def test_doubt_about_the_profile_shrinks() -> None:
    """A day never seen is hardly known, one seen once far better, and one seen eight times better still."""
    never, once, often = (_profile_variance(weeks, MONDAY) for weeks in (0, 1, 8))
    assert never > 6.0
    assert never > 20 * once > 60 * often


def test_doubt_is_about_the_days_not_seen() -> None:
    """After five days the coming Saturday is as little known as ever, the coming Monday is known."""
    monday, saturday = (
        _profile_variance(0, Window("1d", start, 24.0, ahead=True), hours=120) for start in (0.0, 120.0)
    )
    assert monday < 0.5
    assert saturday > 5.9


def _profile_variance(weeks: int, window: Window, hours: int = 0) -> float:
    walk = _walk(np.array([NO_PARENT]))
    walk.close(np.ones((4 * (168 * weeks + hours), 1), np.int32))
    assert isinstance(walk.detector, Surge)
    return walk.detector._profile_variance(window)


def test_longer_windows_average_the_doubt() -> None:
    """A week's doubt about its profile is less than a day's, a day's less than an hour's: effects average out."""
    doubts = [_profile_variance(4, Window(length, 0.0, hours)) for length, hours in (("7d", 168.0), ("1d", 24.0))]
    assert doubts[0] < doubts[1] < _profile_variance(4, Window("1h", 0.0, 1.0))


@pytest.mark.parametrize("shift", [0.0, 0.5, 0.75])
def test_each_day_ends_once(shift: float) -> None:
    """The profile learns at every day's end, also where hours start at half past by the wall clock."""
    surge = Surge(lengths=("1h",))
    surge.add_rows(np.array([NO_PARENT]))
    ended = 0
    previous = surge.state(ROW)["profile.hour_factor"]
    for hour in range(24 * 14):
        busy = 20 if 9 <= hour % 24 < 17 else 0
        window = Window("1h", (hour + shift) % 168, 1.0)
        surge.begin("1h")
        surge.learn(np.array([busy], np.int32), window, np.array([False]))
        now = surge.state(ROW)["profile.hour_factor"]
        ended += int(now.tobytes() != previous.tobytes())
        previous = now
    assert ended == 14


def test_upper_bound_follows_its_probability() -> None:
    """A smaller bound probability puts the bound higher, where the score is then 1."""
    bounds = []
    for bound_p in (1e-2, 1e-3, 1e-6):
        surge = Surge(lengths=("1d",), bound_p=bound_p)
        surge.add_rows(np.array([NO_PARENT]))
        bound = surge.score(ROW, np.array([0], np.int32), MONDAY).upper_bound
        assert surge.p_values(ROW, bound.astype(np.int32), MONDAY)[0] <= bound_p
        bounds.append(float(bound[0]))
    assert bounds == sorted(bounds)
    assert bounds[0] < bounds[-1]


def test_no_series() -> None:
    """A detector without series learns time, and answers about no series with empty arrays."""
    surge = Surge()
    surge.begin("1h")
    nothing: tuple[CountArray, BoolArray] = (np.zeros(0, np.int32), np.zeros(0, np.bool_))
    surge.learn(nothing[0], NOON, nothing[1])
    evidence = surge.score(np.zeros(0, np.int64), nothing[0], NOON)
    assert evidence.p_value.shape == evidence.upper_bound.shape == (0,)
    assert surge.rows == 0


def test_a_window_is_within_a_week() -> None:
    """A window that starts outside the week, or covers nothing or more than a week, is refused."""
    for start, hours in ((-0.5, 1.0), (168.0, 1.0), (0.0, 0.0), (0.0, 168.5)):
        with pytest.raises(ValueError, match="a window starts in"):
            Window("1h", start, hours)
