"""Clocks: the demonstration's fast one, and the one for durations."""

from __future__ import annotations

from warning.runtime.clock import FastClock, now_ms, steady_seconds

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
