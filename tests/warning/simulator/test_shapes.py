"""Every shape changes what it says, by as much as it says, and nothing else."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import exp, log
from typing import Any

import numpy as np
import pytest

from tests.warning.simulator.lives import BEGIN, CITY, spec, stream, tickets, truth, without
from warning.domain.errors import InvalidInputError
from warning.simulator import Shape, SimulatedTicket, Truth
from warning.simulator.days import days_touched
from warning.simulator.draws import ordinary_day
from warning.simulator.incidents import IncidentSpec
from warning.simulator.rates import Rates

PLAIN = tickets(stream())


def _life(shape: Shape, **asked: Any) -> tuple[list[SimulatedTicket], Truth]:
    life = stream(spec(shape, **asked))
    return tickets(life), truth(life)


def _window(one: SimulatedTicket, true: Truth) -> bool:
    return true.start.timestamp() * 1000 <= one.event_time < true.end.timestamp() * 1000


def _pairs(lived: list[SimulatedTicket]) -> list[tuple[SimulatedTicket, SimulatedTicket]]:
    """Pair the tickets of a life that added and lost none with those of ordinary life."""
    return list(zip(PLAIN, lived, strict=True))


ADDING: dict[Shape, dict[str, Any]] = {
    Shape.BURST: {"areas": ("Riverside",), "category": "Noise", "size": 8.0},
    Shape.SLOW_RISE: {"areas": ("Riverside",), "category": "Noise", "size": 8.0},
    Shape.SPATIAL_SPREAD: {"areas": ("Riverside", "Downtown", "University"), "category": "Noise", "size": 8.0},
    Shape.CITY_WIDE: {"size": 5.0},
    Shape.PLANNED_CHANGE: {"category": "Noise", "size": 6.0},
    Shape.ONE_WRITER: {"areas": ("Riverside",), "category": "Noise"},
}


@pytest.mark.parametrize("shape", ADDING)
def test_extra_tickets_are_added_and_nothing_else(shape: Shape) -> None:
    """Ordinary tickets stay as they are; the added ones are those named, in the window, the areas and the category."""
    lived, true = _life(shape, **ADDING[shape])
    added = [one for one in lived if one.ticket_id in set(true.ticket_ids)]
    rest = Counter(without(one) for one in lived if one.ticket_id not in set(true.ticket_ids))
    assert rest == Counter(map(without, PLAIN))
    assert len(added) == true.extra_tickets == len(lived) - len(PLAIN) > 0
    assert all(_window(one, true) for one in added)
    assert all("/".join(one.area).startswith(true.areas) for one in added)
    assert {one.category for one in added} <= set(true.categories or CITY.category_names())


@pytest.mark.parametrize("shape", [Shape.BURST, Shape.SLOW_RISE, Shape.SPATIAL_SPREAD, Shape.CITY_WIDE])
def test_extra_tickets_have_the_size_stated(shape: Shape) -> None:
    """Extra tickets over the standard deviation found in 300 ordinary lives are the size, within 15 percent."""
    _, true = _life(shape, **ADDING[shape])
    rates = stream().rates
    start, end = (int(moment.timestamp() * 1000) for moment in (true.start, true.end))
    days = days_touched(start, end, CITY.zone)
    names = [str(path) for path in rates.areas]
    areas = [names.index(area) for area in true.areas if area in names] or list(range(len(names)))
    kept = [rates.categories.index(name) for name in true.categories] or list(range(len(rates.categories)))
    surprises = []
    for seed in range(300):
        own = Rates(CITY, seed)
        lived = [ordinary_day(own, day) for day in days]
        count = sum(int((np.isin(one.area, areas) & np.isin(one.category, kept)).sum()) for one in lived)
        expected = sum(float(own.day_means(day)[np.ix_(areas, kept)].sum()) for day in days)
        surprises.append((count - expected) / expected)
    here = sum(float(rates.day_means(day)[np.ix_(areas, kept)].sum()) for day in days)
    assert true.extra_tickets / (float(np.std(surprises)) * here) == pytest.approx(true.size_sd, rel=0.15)
    assert true.size_sd == pytest.approx(ADDING[shape]["size"], rel=0.15)


def test_a_slow_rise_rises() -> None:
    """Of a slow rise's tickets more than two thirds come in its second half."""
    lived, true = _life(Shape.SLOW_RISE, **(ADDING[Shape.SLOW_RISE] | {"size": 10.0}))
    middle = (true.start + (true.end - true.start) / 2).timestamp() * 1000
    late = [one.event_time >= middle for one in lived if one.ticket_id in set(true.ticket_ids)]
    assert np.mean(late) > 0.66


def test_a_spread_reaches_its_districts_in_turn() -> None:
    """The first ticket of each further district comes later; neighbours are those beside and not reached."""
    lived, true = _life(Shape.SPATIAL_SPREAD, **(ADDING[Shape.SPATIAL_SPREAD] | {"size": 30.0, "hours": 60}))
    first: dict[str, int] = {}
    for one in lived:
        if one.ticket_id in set(true.ticket_ids):
            first.setdefault("/".join(one.area), one.event_time)
    assert [area for area, _ in sorted(first.items(), key=lambda item: item[1])] == list(true.areas)
    assert "Fairmont/South/Mill End" in true.neighbours
    assert not set(true.neighbours) & set(true.areas)


def test_one_writer_is_one_person_with_one_matter() -> None:
    """Fifty tickets carry the same name and the same matter."""
    lived, true = _life(Shape.ONE_WRITER, **ADDING[Shape.ONE_WRITER])
    endings = {one.text.split(". ")[-1] for one in lived if one.ticket_id in set(true.ticket_ids)}
    assert len(true.ticket_ids) == 50
    assert len(endings) == 1
    assert not true.incident


def test_a_new_topic_changes_texts_alone() -> None:
    """As many tickets of the category as before; exactly the named ones speak of something new, all of the same."""
    lived, true = _life(Shape.NEW_TOPIC, category="Noise", size=9.0)
    changed = [new for old, new in _pairs(lived) if old.text != new.text]
    assert [without(one, "text") for one in lived] == [without(one, "text") for one in PLAIN]
    assert {one.ticket_id for one in changed} == set(true.ticket_ids)
    assert all(_window(one, true) and one.category == "Noise" for one in changed)
    texts = len([one for one in lived if one.category == "Noise" and _window(one, true)])
    assert len(changed) / (texts * 0.02 * 0.98) ** 0.5 == pytest.approx(true.size_sd, rel=0.15)


def test_a_slow_department_takes_longer_and_nothing_else() -> None:
    """Only handling times of the department's tickets in the window change: their mean logarithm by the size."""
    lived, true = _life(Shape.DEPARTMENT_SLOW, department="Housing", size=8.0, hours=200)
    assert [without(one, "closed_ms") for one in lived] == [without(one, "closed_ms") for one in PLAIN]
    slower = [(old, new) for old, new in _pairs(lived) if old.closed_ms != new.closed_ms]
    mine = [one for one in lived if one.department == "Housing" and _window(one, true)]
    assert {new.ticket_id for _, new in slower} == set(true.ticket_ids) == {one.ticket_id for one in mine}
    shifts = [
        log((new.closed_ms or 0) - new.event_time) - log((old.closed_ms or 0) - old.event_time) for old, new in slower
    ]
    assert np.ptp(shifts) < 0.01
    log_sd = CITY.departments["housing"].log_sd
    assert shifts[0] / (log_sd / len(mine) ** 0.5) == pytest.approx(8.0, rel=0.15)
    assert exp(shifts[0]) > 1


def test_a_silent_channel_loses_its_tickets() -> None:
    """All of the channel's tickets in the window are missing, no other; their number is the size, by an oracle."""
    lived, true = _life(Shape.CHANNEL_SILENT, channel="app", size=6.0)
    gone = Counter(map(without, PLAIN)) - Counter(map(without, lived))
    expected = Counter(without(one) for one in PLAIN if one.channel == "app" and _window(one, true))
    assert gone == expected
    assert true.extra_tickets == -gone.total() < 0
    assert 6.0 <= true.size_sd < 7.0
    assert not Counter(map(without, lived)) - Counter(map(without, PLAIN))


def test_people_use_another_way_while_a_channel_is_silent() -> None:
    """Tickets that another incident adds do not come through a silent channel."""
    silent = spec(Shape.CHANNEL_SILENT, channel="phone", hours=10)
    life = stream(silent, spec(Shape.CITY_WIDE, size=9.0, hours=8))
    window = BEGIN.timestamp() * 1000, (BEGIN + timedelta(hours=10)).timestamp() * 1000
    assert not [one for one in tickets(life) if one.channel == "phone" and window[0] <= one.event_time < window[1]]


def test_transfers_jump_and_nothing_else() -> None:
    """Exactly the named tickets of the department are transferred that were not; a second department closes them."""
    lived, true = _life(Shape.TRANSFERS, department="Public Works", size=7.0)
    changing = ("transfers", "final_department")
    assert [without(one, *changing) for one in lived] == [without(one, *changing) for one in PLAIN]
    moved = [(old, new) for old, new in _pairs(lived) if old.transfers != new.transfers]
    assert {new.ticket_id for _, new in moved} == set(true.ticket_ids)
    assert all(old.transfers == 0 and new.transfers == 1 for old, new in moved)
    assert all(new.final_department != new.department == "Public Works" for _, new in moved)
    size = len([one for one in lived if one.department == "Public Works" and _window(one, true)])
    assert len(moved) / (size * 0.1 * 0.9) ** 0.5 == pytest.approx(true.size_sd, rel=0.15)


def test_a_late_batch_is_only_received_late() -> None:
    """The channel's tickets of the window are all received at its end or later; nothing else changes."""
    lived, true = _life(Shape.LATE_BATCH, channel="web", hours=20)
    assert [without(one, "received_time") for one in lived] == [without(one, "received_time") for one in PLAIN]
    late = [new for old, new in _pairs(lived) if old.received_time != new.received_time]
    assert late
    assert {one.ticket_id for one in late} <= set(true.ticket_ids)
    assert {one.received_time for one in late} == {int(true.end.timestamp() * 1000)}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"shape": Shape.BURST, "category": "Nois"}, "there is no category 'Nois'"),
        ({"shape": Shape.BURST, "areas": ("Uptown",)}, "there is no district 'Uptown'"),
        ({"shape": Shape.TRANSFERS, "department": "Fire"}, "there is no department 'Fire'"),
        ({"shape": Shape.CHANNEL_SILENT, "channel": "fax"}, "there is no channel 'fax'"),
        ({"shape": Shape.HOLIDAY}, "cannot be asked for"),
        ({"shape": Shape.BURST, "size": 0.0}, "Give a number above zero"),
        ({"shape": Shape.BURST, "hours": -1.0}, "Give a number above zero"),
        ({"shape": Shape.BURST, "start": BEGIN.replace(tzinfo=None)}, "carries no zone"),
    ],
)
def test_asking_for_what_is_not_there_is_an_error(wrong: dict[str, object], named: str) -> None:
    """A specification that names what the city has not is refused with what it has."""
    asked = {"start": BEGIN} | wrong
    with pytest.raises(InvalidInputError, match=named):
        stream(IncidentSpec(**asked))  # type: ignore[arg-type]
