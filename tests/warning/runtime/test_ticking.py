"""When ticks of the live clock are due.

A tick carries the clock less the lateness, down to a whole step:

    clock      10:00        10:01        10:02   ...    10:15
    tickets    *                         *
    ticks      09:00 (1)                 09:02 (2)      09:15 (a quarter closes)
"""

from __future__ import annotations

import random
from itertools import pairwise

from warning.domain.bucket import HOUR_MS, MINUTE_MS, QUARTER_MS
from warning.engine.records import Tick
from warning.runtime.ticking import LiveTicks

TEN = 1_700_474_400_000
"""20 November 2023, 10:00 UTC."""


def _ticks() -> LiveTicks:
    return LiveTicks("Testville", step_ms=MINUTE_MS, lateness_ms=HOUR_MS)


def _written(ticks: LiveTicks, clock: int) -> Tick | None:
    tick = ticks.due(clock)
    if tick is not None:
        ticks.wrote(tick)
    return tick


def test_nothing_is_due_before_the_first_ticket() -> None:
    """A service that was never told of a ticket writes no ticks, however long it runs."""
    ticks = _ticks()
    ticks.resume(None, None)
    assert [ticks.due(TEN + minute * MINUTE_MS) for minute in range(60)] == [None] * 60


def test_a_tick_a_step_when_tickets_came() -> None:
    """Tickets make the next whole step due, once, with the clock less the lateness as its watermark."""
    ticks = _ticks()
    ticks.read(TEN - 5000)
    tick = _written(ticks, TEN + 500)
    number = (TEN - HOUR_MS) // MINUTE_MS
    assert tick == Tick(jurisdiction="Testville", number=number, watermark=TEN - HOUR_MS, read_to=TEN - 5000)
    ticks.read(TEN + 600)
    assert _written(ticks, TEN + 30_000) is None
    later = _written(ticks, TEN + MINUTE_MS)
    assert later is not None
    assert (later.number, later.read_to) == (number + 1, TEN + 600)
    assert _written(ticks, TEN + 2 * MINUTE_MS) is None


def test_quiet_times_tick_on_quarters_only() -> None:
    """Without tickets a tick is due when the watermark passes a quarter of an hour, and no other."""
    ticks = _ticks()
    ticks.read(TEN)
    assert _written(ticks, TEN + MINUTE_MS) is not None
    seconds = range(60, 2 * 3600, 5)
    marks = [tick.watermark for s in seconds if (tick := _written(ticks, TEN + 1000 * s)) is not None]
    assert marks == [TEN - HOUR_MS + n * QUARTER_MS for n in range(1, 8)]


def test_a_clock_that_goes_back_gives_no_tick() -> None:
    """After a jump back nothing is due, tickets or not, until the clock is where it was."""
    ticks = _ticks()
    ticks.read(TEN)
    first = _written(ticks, TEN)
    assert first is not None
    for minute in range(60):
        ticks.read(TEN - HOUR_MS + minute * MINUTE_MS)
        assert _written(ticks, TEN - HOUR_MS + minute * MINUTE_MS) is None
    again = _written(ticks, TEN + MINUTE_MS)
    assert again is not None
    assert again.number == first.number + 1


def test_a_restart_goes_on_from_the_last_number() -> None:
    """After a restart no number comes twice, and the next tick tells of all event times that the log holds."""
    ticks = _ticks()
    last = Tick(jurisdiction="Testville", number=TEN // MINUTE_MS, watermark=TEN, read_to=TEN + 2 * HOUR_MS)
    ticks.resume(last, TEN + HOUR_MS)
    assert _written(ticks, TEN + HOUR_MS) is None
    tick = _written(ticks, TEN + HOUR_MS + MINUTE_MS)
    assert tick is not None
    assert (tick.number, tick.read_to) == (last.number + 1, last.read_to)


def test_a_restart_with_tickets_and_no_tick_yet_ticks() -> None:
    """What was accepted before the first tick was written makes one due after the restart."""
    ticks = _ticks()
    ticks.resume(None, TEN)
    tick = _written(ticks, TEN)
    assert tick is not None
    assert tick.read_to == TEN


def test_read_to_never_falls() -> None:
    """Whatever the order of event times and the clock, ticks rise in number, watermark and read_to."""
    rng = random.Random(5)
    ticks = _ticks()
    written = []
    for second in range(0, 7200, 7):
        if rng.random() < 0.3:
            ticks.read(TEN + 1000 * second - rng.randrange(3 * HOUR_MS))
        tick = _written(ticks, TEN + 1000 * (second - rng.randrange(120)))
        written += [tick] if tick is not None else []
    assert len(written) > 60
    assert all(a.number < b.number and a.watermark < b.watermark for a, b in pairwise(written))
    assert all(a.read_to <= b.read_to for a, b in pairwise(written))


def test_a_tick_stays_due_until_it_is_written() -> None:
    """A tick that the store refused is given again, with what came in meanwhile."""
    ticks = _ticks()
    ticks.read(TEN)
    first = ticks.due(TEN)
    ticks.read(TEN + 1)
    again = _written(ticks, TEN + 1000)
    assert first is not None
    assert again is not None
    assert (again.number, again.read_to) == (first.number, TEN + 1)
    assert ticks.due(TEN + 2000) is None
