"""Clocks: the demonstration's fast one, and the one for durations."""

from __future__ import annotations

import pytest

from warning.runtime.clock import FastClock, GuardedClock, now_ms, steady_seconds

START = 1_700_438_400_000


class _Elapsed:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 500.0

    def __call__(self) -> float:
        return self.seconds


def test_a_fast_clock_stands_until_it_runs() -> None:
    """Before it is told to run it shows its start, however long that takes."""
    elapsed = _Elapsed()
    clock = FastClock(START, 120.0, elapsed)
    elapsed.seconds += 3600
    assert clock() == START


def test_a_fast_clock_runs_by_its_factor() -> None:
    """From then on each second is worth as many as the factor says."""
    elapsed = _Elapsed()
    clock = FastClock(START, 120.0, elapsed)
    elapsed.seconds += 10
    clock.run()
    shown = [clock()]
    for _ in range(3):
        elapsed.seconds += 0.5
        shown.append(clock())
    assert shown == [START, START + 60_000, START + 120_000, START + 180_000]


def test_a_fast_clock_goes_on_from_where_it_was() -> None:
    """A new one that starts where the last stood continues it."""
    elapsed = _Elapsed()
    first = FastClock(START, 60.0, elapsed)
    first.run()
    elapsed.seconds += 2
    second = FastClock(first(), 60.0, elapsed)
    elapsed.seconds += 100
    second.run()
    elapsed.seconds += 1
    assert second() == START + 180_000


def test_steady_seconds_only_grow() -> None:
    """Durations are told by a clock that never goes back."""
    shown = [steady_seconds() for _ in range(1000)]
    assert shown == sorted(shown)


def test_the_time_now_is_in_milliseconds() -> None:
    """The wall clock shows milliseconds of the epoch, of this century."""
    assert 1_700_000_000_000 < now_ms() < 4_102_444_800_000


class _Wall:
    """A wall clock that a test sets."""

    def __init__(self) -> None:
        self.ms = START

    def __call__(self) -> int:
        return self.ms


def _guarded() -> tuple[GuardedClock, _Wall, _Elapsed]:
    wall, elapsed = _Wall(), _Elapsed()
    return GuardedClock(wall, elapsed, largest_ms=600_000, patience=600.0), wall, elapsed


def _pass(wall: _Wall, elapsed: _Elapsed, seconds: float) -> None:
    wall.ms += int(1000 * seconds)
    elapsed.seconds += seconds


def test_a_guarded_clock_follows_small_corrections() -> None:
    """A correction of some minutes, forward or back, is believed at once."""
    clock, wall, elapsed = _guarded()
    for shift in (-90_000, 300_000):
        _pass(wall, elapsed, 10)
        wall.ms += shift
        assert clock() == wall.ms
        assert clock.jump_ms == 0


@pytest.mark.parametrize("jump", [3_600_000, -3_600_000, 60 * 86_400_000])
def test_a_short_jump_is_not_followed(jump: int) -> None:
    """A jump that is taken back within the patience leaves the time as it passes, and is told meanwhile."""
    clock, wall, elapsed = _guarded()
    wall.ms += jump
    for _ in range(5):
        _pass(wall, elapsed, 60)
        assert clock() == wall.ms - jump
        assert clock.jump_ms == jump
    wall.ms -= jump
    assert clock() == wall.ms
    assert clock.jump_ms == 0


def test_a_jump_that_stays_is_followed() -> None:
    """After ten minutes the wall clock is believed again; another jump meanwhile begins the wait anew."""
    clock, wall, elapsed = _guarded()
    wall.ms += 3_600_000
    clock()
    _pass(wall, elapsed, 590)
    wall.ms += 3_600_000
    clock()
    _pass(wall, elapsed, 590)
    assert clock() == wall.ms - 7_200_000
    _pass(wall, elapsed, 11)
    assert clock() == wall.ms
    assert clock.jump_ms == 0
