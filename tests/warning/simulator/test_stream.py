"""The stream: endless, by the time of receipt, the same however it is asked, and the same as the simulation."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.warning.simulator.lives import CITY, START, spec, stream
from warning.domain.errors import InvalidInputError
from warning.simulator import Shape, Simulation, Stream, load_city, simulate
from warning.simulator.days import DAY_MS, HOUR_MS, hour_starts, midnight
from warning.simulator.stream import LONGEST_DELAY_MS

DAYS = 30


@pytest.fixture(name="simulation", scope="module")
def _simulation() -> Simulation:
    return simulate(CITY, 3, START, DAYS)


def test_a_shorter_simulation_is_the_beginning_of_a_longer_one(simulation: Simulation) -> None:
    """The first ten days are the same whether ten or thirty are simulated, and the same again."""
    short = simulate(CITY, 3, START, 10)
    end = midnight(START + timedelta(days=10), CITY.zone)
    assert short.tickets == [one for one in simulation.tickets if one.event_time < end]
    assert short.identities == simulation.identities[: len(short.identities)]
    assert simulate(CITY, 4, START, 2).tickets != simulate(CITY, 3, START, 2).tickets


def test_tickets_are_in_order_with_ids_of_their_own(simulation: Simulation) -> None:
    """A simulation has its tickets by event time, each with an id of its own, in local days that it names."""
    times = [one.event_time for one in simulation.tickets]
    assert times == sorted(times)
    assert len({one.ticket_id for one in simulation.tickets}) == len(times)
    assert simulation.period.start.timestamp() * 1000 <= times[0]
    assert times[-1] < simulation.period.end.timestamp() * 1000


def test_the_stream_gives_every_ticket_once_by_receipt(simulation: Simulation) -> None:
    """Steps of seven hours give, in order of receipt, exactly the simulated tickets received by then."""
    live, at = Stream(CITY, 3, START), midnight(START, CITY.zone)
    end = at + 20 * DAY_MS
    received = []
    while at < end:
        at += 7 * HOUR_MS
        step = live.until(at)
        assert all(at - 7 * HOUR_MS <= one.received_time < at for one in step)
        received += step
    assert [one.received_time for one in received] == sorted(one.received_time for one in received)
    assert set(received) == {one for one in simulation.tickets if one.received_time < at}


def test_any_stretch_can_be_asked_for(simulation: Simulation) -> None:
    """A stretch in the middle, asked of a new stream, is what was received in it; an empty one is empty."""
    start = midnight(START + timedelta(days=12), CITY.zone) + 5 * HOUR_MS
    asked = Stream(CITY, 3, START).between(start, start + DAY_MS)
    assert set(asked) == {one for one in simulation.tickets if start <= one.received_time < start + DAY_MS}
    assert Stream(CITY, 3, START).between(start, start) == []


def test_a_stream_can_begin_on_any_day(simulation: Simulation) -> None:
    """Without incidents, a stream that begins years later gives the days that an earlier one would have given."""
    far = START + timedelta(days=900)
    early = Stream(CITY, 3, START, incidents=False)
    assert early.day(far) == Stream(CITY, 3, far, incidents=False).day(far)


def test_no_ticket_is_received_later_than_stated(simulation: Simulation) -> None:
    """Reporting delay is at least nothing and at most what the stream looks back for, late batches included."""
    delays = [one.received_time - one.event_time for one in simulation.tickets]
    assert 0 <= min(delays) <= max(delays) <= LONGEST_DELAY_MS


def test_the_truth_names_tickets_that_are_there(simulation: Simulation) -> None:
    """Every ticket of the truth exists, and the added ones are in their window and subject."""
    by_id = {one.ticket_id: one for one in simulation.tickets}
    assert {true.shape for true in simulation.truth if true.incident} > {Shape.BURST}
    for true in simulation.truth:
        mine = [by_id[name] for name in true.ticket_ids]
        assert all(true.start.timestamp() * 1000 <= one.event_time < true.end.timestamp() * 1000 for one in mine)
        assert {one.category for one in mine} <= set(true.categories or CITY.category_names())
        if true.extra_tickets > 0:
            assert true.extra_tickets == len(mine)


def test_quiet_days_are_quiet() -> None:
    """In quiet days nothing begins but holidays, and the ordinary tickets are those of a life without incidents."""
    quiet = simulate(CITY, 3, START, 14, quiet_days=14)
    assert all(true.shape is Shape.HOLIDAY for true in quiet.truth)
    plain = Stream(CITY, 3, START, incidents=False)
    assert quiet.tickets == [one for offset in range(14) for one in plain.day(START + timedelta(days=offset)).tickets]


def test_asked_incidents_come_beside_the_drawn_ones() -> None:
    """An extra incident adds its tickets to a stream that goes on drawing its own."""
    burst = spec(Shape.BURST, areas=("Riverside",), category="Noise", size=9.0)
    with_it, without = Stream(CITY, 3, START, extra_incidents=[burst]), Stream(CITY, 3, START)
    day = START + timedelta(days=2)
    added = len(with_it.day(day).tickets) - len(without.day(day).tickets)
    assert added == len(with_it.day(day).belonging["asked-1"]) > 5


@pytest.mark.parametrize(("city", "day"), [("fairmont", date(2025, 3, 9)), ("fairmont", date(2025, 11, 2))])
def test_days_when_clocks_change_are_whole(city: str, day: date) -> None:
    """On the days of 23 and 25 hours every ticket lies in its day and no hour's start goes back."""
    described = load_city(city)
    tickets = Stream(described, 3, day, incidents=False).day(day).tickets
    starts = hour_starts(day, described.zone)
    assert list(starts) == sorted(starts)
    assert midnight(day, described.zone) <= tickets[0].event_time
    assert tickets[-1].event_time < midnight(day + timedelta(days=1), described.zone)


def test_a_year_beyond_the_calendar_is_told() -> None:
    """Days that no calendar knows are refused, not made up."""
    with pytest.raises(InvalidInputError, match="not 2101"):
        stream().day(date(2101, 1, 3))
