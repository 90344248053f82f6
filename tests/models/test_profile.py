"""The seasonal profile: masses add up, factors have mean one, planted effects are learned."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.base import WEEK_HOURS, FloatArray, Window
from models.profile import DAY_HOURS, TYPICAL_DAY, WEEK_DAYS, SeasonalProfile

HOURS: FloatArray = np.repeat([0.2, 0.7, 1.9, 1.4, 1.2, 0.6], 4)
DAYS: FloatArray = np.array([1.4, 1.2, 1.1, 1.1, 1.1, 0.6, 0.5])
STEADY = np.array([True, True])


def _profile(profiles: int = 1) -> SeasonalProfile:
    profile = SeasonalProfile()
    profile.add(profiles)
    return profile


def _taught(weeks: int = 8, level: float = 200.0, *, kept: float = 1.0) -> SeasonalProfile:
    """Return a profile that learned exactly the planted week over and over, and one beside it that learned nothing."""
    profile = SeasonalProfile(keep_per_day=kept)
    profile.add(2)
    for hour in range(weeks * WEEK_HOURS):
        day, of_day = divmod(hour % WEEK_HOURS, DAY_HOURS)
        counts = np.full(2, level * DAYS[day] * HOURS[of_day])
        profile.learn_hour(counts, np.full(2, level), _hour(hour), np.array([True, False]))
        if of_day == DAY_HOURS - 1:
            profile.end_day()
    return profile


def _hour(hour: int) -> Window:
    return Window("1h", float(hour % WEEK_HOURS), 1.0)


def _factors(profile: SeasonalProfile) -> tuple[FloatArray, FloatArray]:
    state = profile.state(np.array([0]))
    return state["hour_factor"][0], state["day_factor"][0]


TAUGHT = _taught()
starts = st.floats(0.0, WEEK_HOURS, exclude_max=True)
lengths = st.floats(1e-6, float(WEEK_HOURS))


@pytest.mark.parametrize("start", [0.0, 5.0, 24.0, 130.25, 167.75])
def test_a_week_has_a_weeks_mass(start: float) -> None:
    """Any whole week has the mass of 168 average hours, wherever it starts: the factors have mean one."""
    for profile in (_profile(2), TAUGHT):
        assert profile.mass(Window("7d", start, float(WEEK_HOURS))) == pytest.approx(WEEK_HOURS)


def test_factors_have_mean_one() -> None:
    """Hours and days have factors above 0 with mean one, whatever was learned."""
    for factors in _factors(TAUGHT):
        assert factors.mean() == pytest.approx(1.0)
        assert factors.min() > 0
    assert TYPICAL_DAY.mean() == pytest.approx(1.0)


@given(starts, lengths, st.floats(0.0, 1.0))
def test_mass_is_additive(start: float, hours: float, split: float) -> None:
    """The mass of a window is that of its two parts, wherever it is cut and wherever the week ends."""
    first = max(hours * split, 1e-9)
    if hours - first <= 0:
        return
    parts = [Window("1d", start, first), Window("1d", (start + first) % WEEK_HOURS, hours - first)]
    whole = TAUGHT.mass(Window("1d", start, hours))
    assert sum(TAUGHT.mass(part) for part in parts) == pytest.approx(whole, rel=1e-9, abs=1e-9)
    assert bool((whole > -1e-12).all())


@given(st.integers(0, WEEK_HOURS - 1), st.floats(0.0, 1.0, exclude_max=True), lengths)
def test_mass_is_the_sum_of_hours(hour: int, within: float, hours: float) -> None:
    """The mass is the integral of day factor x hour factor over the window, also across the end of the week."""
    hour_factor, day_factor = _factors(TAUGHT)
    edges = np.arange(2 * WEEK_HOURS + 1.0)
    start, end = hour + within, hour + within + hours
    covered = np.clip(edges[1:], start, end) - np.clip(edges[:-1], start, end)
    density = np.tile(np.outer(day_factor, hour_factor).ravel(), 2)
    mass = TAUGHT.mass(Window("1d", start % WEEK_HOURS, hours))[0]
    assert mass == pytest.approx(covered @ density, rel=1e-9, abs=1e-9)


def test_a_planted_week_is_learned() -> None:
    """Eight exact weeks give the planted factors to 1 %; a profile that learned nothing stays as it was to the bit."""
    hour_factor, day_factor = _factors(TAUGHT)
    assert hour_factor == pytest.approx(HOURS / HOURS.mean(), rel=0.01)
    assert day_factor == pytest.approx(DAYS / DAYS.mean(), rel=0.01)
    new, untaught = _profile().state(np.array([0])), TAUGHT.state(np.array([1]))
    assert {name: column.tobytes() for name, column in untaught.items()} == {
        name: column.tobytes() for name, column in new.items()
    }


def test_what_is_expected_teaches_nothing_new() -> None:
    """A profile that sees some hours of some days only, and there what it expects, keeps its factors."""
    profile = _profile(0)
    profile.load(TAUGHT.state(np.array([0])))
    before = _factors(profile)
    for week_hour in [24 * day + hour for _ in range(16) for day in (0, 6) for hour in range(3 + day)]:
        window = _hour(week_hour)
        profile.learn_hour(200.0 * profile.mass(window), np.array([200.0]), window, np.array([True]))
    profile.end_day()
    assert _factors(profile)[0] == pytest.approx(before[0], rel=0.01)
    assert _factors(profile)[1] == pytest.approx(before[1], rel=0.01)


def test_days_alone_are_learned() -> None:
    """Whole days teach the effects of weekdays and leave the hours as they were assumed."""
    profile = _profile()
    for day in range(8 * WEEK_DAYS):
        window = Window("1d", float(DAY_HOURS * (day % WEEK_DAYS)), float(DAY_HOURS))
        profile.learn_day(np.array([2400.0 * DAYS[day % WEEK_DAYS]]), np.array([100.0]), window, np.array([True]))
        profile.end_day()
    hour_factor, day_factor = _factors(profile)
    assert day_factor == pytest.approx(DAYS / DAYS.mean(), rel=0.01)
    assert hour_factor == pytest.approx(TYPICAL_DAY)


def test_few_tickets_move_the_prior_a_little() -> None:
    """A profile is shrunk by ``strength`` tickets: as many tickets at three in the morning move its factor half way."""
    profile = _profile()
    profile.learn_hour(np.array([20.0]), np.array([20.0]), _hour(3), np.array([True]))
    profile.end_day()
    by_hand = TYPICAL_DAY.copy()
    by_hand[3] = (20.0 + 20.0 * TYPICAL_DAY[3]) / (20.0 + 20.0)
    assert _factors(profile)[0] == pytest.approx(by_hand * DAY_HOURS / by_hand.sum())


def test_the_past_fades() -> None:
    """What was learned long ago weighs less: a new week takes over the sooner, the less is kept from day to day."""
    long, short = _taught(kept=1.0), _taught(kept=0.9)
    for profile in (long, short):
        for hour in range(2 * WEEK_HOURS):
            profile.learn_hour(np.full(2, 200.0), np.full(2, 200.0), _hour(hour), STEADY)
            if hour % DAY_HOURS == DAY_HOURS - 1:
                profile.end_day()
    spread = [float(_factors(profile)[1].std()) for profile in (long, short)]
    assert 0.0 < spread[1] < 0.5 * spread[0]


def test_order_within_a_day_does_not_matter() -> None:
    """The hours of a day may be learned in any order: factors change only when the day ends."""
    counts = np.random.default_rng(1).poisson(10.0 * HOURS).astype(np.float64)
    orders = [np.arange(DAY_HOURS), np.random.default_rng(2).permutation(DAY_HOURS)]
    seen = []
    for order in orders:
        profile = _profile()
        for hour in order.tolist():
            before = profile.mass(Window("1d", 30.0, 9.5)).tolist()
            profile.learn_hour(counts[hour : hour + 1], np.array([10.0]), _hour(hour), np.array([True]))
            assert profile.mass(Window("1d", 30.0, 9.5)).tolist() == before
        profile.end_day()
        seen.append(_factors(profile))
    assert seen[0][0] == pytest.approx(seen[1][0], rel=1e-12)
    assert seen[0][1] == pytest.approx(seen[1][1], rel=1e-12)


def test_masses_are_never_stale() -> None:
    """A mass is that of now, also where the same window was asked before profiles were added, loaded or taught."""
    window = Window("1d", 30.0, 9.5)
    profile = _profile()
    assert profile.mass(window).shape == (1,)
    profile.add(1)
    assert profile.mass(window).shape == (2,)
    profile.load(TAUGHT.state(np.array([0])))
    assert profile.mass(window)[2] == TAUGHT.mass(window)[0]
    profile.learn_hour(np.full(3, 500.0), np.full(3, 10.0), _hour(33), np.ones(3, np.bool_))
    before = profile.mass(window)
    profile.end_day()
    assert bool((profile.mass(window) > before).all())


def test_masses_of_many_windows() -> None:
    """Asking for hundreds of windows gives each its own mass, in any order."""
    windows = [Window("1d", 24.0, minute / 60.0) for minute in range(1, 500)]
    profile = TAUGHT
    upwards = [profile.mass(window).tolist() for window in windows]
    downwards = [profile.mass(window).tolist() for window in reversed(windows)]
    assert upwards == downwards[::-1]
    assert [row[0] for row in upwards] == sorted({row[0] for row in upwards})


def test_state_goes_round() -> None:
    """A loaded profile expects the same, to the bit, and learns on alike."""
    copy = _profile(1)
    copy.load(TAUGHT.state(np.array([1, 0])))
    window = Window("1d", 160.5, 20.0)
    assert copy.mass(window)[1:].tolist() == TAUGHT.mass(window)[[1, 0]].tolist()
    assert copy.state(np.array([2]))["hour_count"].tolist() == TAUGHT.state(np.array([0]))["hour_count"].tolist()
