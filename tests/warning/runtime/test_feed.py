"""From files to a log: batches in order, ticks between them, and nothing known before its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.warning.runtime.parts import Event, Row, batches, events, part, ticks
from warning.domain.bucket import HOUR_MS, MINUTE_MS
from warning.domain.ticket import LifeEvent
from warning.engine.records import Record, Tick
from warning.intake.normalise import Normalised
from warning.runtime.feed import Feed

STEP = 15 * MINUTE_MS
NOON = 473_364 * HOUR_MS
ORDERS = ["by_event_time", "by_arrival"]


def _feed(step: int = STEP, lateness: int = HOUR_MS) -> Feed:
    return Feed("Testville", step_ms=step, lateness_ms=lateness)


def _records(order: str, parts: Iterable[Normalised], **settings: int) -> list[Record]:
    return list(getattr(_feed(**settings), order)(parts))


def _all_events(records: Sequence[Record]) -> list[Event]:
    return [event for record in records for event in events(record)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("parts", [[], [part([])], [part([]), part([])]], ids=["none", "empty", "two empty"])
def test_an_empty_input_is_an_empty_log(order: str, parts: list[Normalised]) -> None:
    """Without tickets there is no time: no tick and no batch."""
    assert _records(order, parts) == []


@pytest.mark.parametrize("order", ORDERS)
def test_a_single_row_is_a_tick_a_batch_and_a_last_tick(order: str) -> None:
    """The first tick stands at the row's time less the lateness, the last at the last whole step of its time."""
    first, batch, last = _records(order, [part([Row(time=NOON + 7, id="a")])])
    assert events(batch) == [("a", LifeEvent.CREATED, NOON + 7)]
    assert [first, last] == [
        Tick(jurisdiction="Testville", number=n, watermark=n * STEP, read_to=NOON + 7)
        for n in ((NOON - HOUR_MS) // STEP, NOON // STEP)
    ]


@pytest.mark.parametrize("order", ORDERS)
def test_equal_times_are_one_batch(order: str) -> None:
    """Tickets of one moment need one tick before and one after, however many they are."""
    records = _records(order, [part([Row(time=NOON) for _ in range(50)])])
    assert [len(events(record)) for record in records] == [0, 50, 0]


@pytest.mark.parametrize("order", ORDERS)
def test_a_gap_of_months_is_one_tick(order: str) -> None:
    """Time without tickets is crossed at once: ticks that would change nothing are left out."""
    later = NOON + 200 * 24 * HOUR_MS
    records = _records(order, [part([Row(time=NOON), Row(time=later)])])
    assert [tick.watermark for tick in ticks(records)] == [NOON - HOUR_MS, later - HOUR_MS, later]
    assert [len(events(record)) for record in records] == [0, 2, 0, 0]


def test_a_tick_follows_the_first_event_that_lets_the_watermark_pass_a_step() -> None:
    """The batch ends with the event that made the tick possible; events of the same step stay together."""
    minutes = [0, 1, 14, 15, 16, 29, 30, 31]
    records = _records("by_event_time", [part([Row(time=NOON + m * MINUTE_MS, id=f"{m}") for m in minutes])])
    shape = [[event[0] for event in events(record)] or record.number - NOON // STEP for record in records]  # type: ignore[union-attr]
    assert shape == [-4, ["0", "1", "14", "15"], -3, ["16", "29", "30"], -2, ["31"], 2]


def test_without_lateness_a_tick_never_passes_the_event_before_it() -> None:
    """With no lateness the watermark is the last whole step of the last event itself."""
    records = _records("by_event_time", [part([Row(time=NOON), Row(time=NOON + STEP)])], lateness=0)
    assert [tick.watermark for tick in ticks(records)] == [NOON, NOON + STEP]


@pytest.mark.parametrize("order", ORDERS)
def test_the_last_tick_knows_of_everything_that_was_read(order: str) -> None:
    """Events after the last step are read too: the tick at the end carries their time and their watermark."""
    rows = [Row(time=NOON + m * MINUTE_MS) for m in (0, 15, 20)]
    assert ticks(_records(order, [part(rows)]))[-1].read_to == NOON + 20 * MINUTE_MS
    rows = [Row(time=NOON + m * MINUTE_MS) for m in (0, 14, 16)]
    last = ticks(_records(order, [part(rows[:2]), part(rows[2:])], lateness=7 * MINUTE_MS))[-1]
    assert (last.watermark, last.read_to) == (NOON + STEP, NOON + 16 * MINUTE_MS)


def test_events_of_one_moment_come_ticket_by_ticket() -> None:
    """At one time a ticket is created, then resolved, then comes the next ticket, in the order of their hashes."""
    rows = [Row(time=NOON, id=f"{i}", resolved=(NOON,)) for i in range(20)]
    found = [(name, kind) for name, kind, _ in _all_events(_records("by_event_time", [part(rows)]))]
    names = sorted((row.id for row in rows), key=lambda name: xxhash.xxh3_64_intdigest(name.encode()))
    assert found == [(name, kind) for name in names for kind in (LifeEvent.CREATED, LifeEvent.RESOLVED)]


@pytest.mark.parametrize("order", ORDERS)
def test_records_belong_to_the_jurisdiction_of_the_run(order: str) -> None:
    """Batches and ticks carry the jurisdiction the feed was told, not the mapping's."""
    records = _records(order, [part([Row(time=NOON, resolved=(NOON + STEP,))])])
    assert {record.jurisdiction for record in records} == {"Testville"}


@pytest.mark.parametrize("order", ORDERS)
def test_life_events_are_read_at_their_own_time(order: str) -> None:
    """What a row tells of later times comes after all that was known by then, with ticks of its own."""
    rows = [Row(time=NOON, id="a", resolved=(NOON + 3 * HOUR_MS,)), Row(time=NOON + 2 * HOUR_MS, id="b")]
    records = _records(order, [part(rows)])
    assert _all_events(records) == [
        ("a", LifeEvent.CREATED, NOON),
        ("b", LifeEvent.CREATED, NOON + 2 * HOUR_MS),
        ("a", LifeEvent.RESOLVED, NOON + 3 * HOUR_MS),
    ]
    assert ticks(records)[-1].watermark == NOON + 3 * HOUR_MS


def test_rows_keep_their_order_of_arrival() -> None:
    """In order of arrival rows come as they stand, over part borders too, also those far behind the watermark."""
    hours = [5, 3, 9, 0, 9, 12, 1]
    rows = [Row(time=NOON + hour * HOUR_MS, id=f"{i}") for i, hour in enumerate(hours)]
    records = _records("by_arrival", [part(rows[:3]), part([]), part(rows[3:])])
    assert [name for name, _, _ in _all_events(records)] == [f"{i}" for i in range(7)]
    assert [tick.read_to for tick in ticks(records)] == [NOON + hour * HOUR_MS for hour in (5, 9, 12, 12)]


def test_rows_are_sorted_over_all_files_by_event_time() -> None:
    """By event time the order of parts and rows does not matter; ties go by ticket, kind and content."""
    rows = [Row(time=NOON + hour * HOUR_MS, id=f"{hour}") for hour in (5, 3, 9, 0)]
    together = _records("by_event_time", [part(rows)])
    assert [name for name, _, _ in _all_events(together)] == ["0", "3", "5", "9"]
    apart = _records("by_event_time", [part([row]) for row in reversed(rows)])
    assert [events(record) or record for record in apart] == [events(record) or record for record in together]


def test_nothing_that_a_later_row_tells_is_known_before_it_is_read() -> None:
    """A row that arrives late brings its past with it: its life events wait for the row, and then come at once."""
    late = Row(time=NOON - 9 * HOUR_MS, id="late", resolved=(NOON - 8 * HOUR_MS,))
    rows = [Row(time=NOON, id="a"), Row(time=NOON + HOUR_MS, id="b"), late, Row(time=NOON + 2 * HOUR_MS, id="c")]
    for parts in ([part(rows)], [part([row]) for row in rows], [part(rows[:2]), part(rows[2:])]):
        records = _records("by_arrival", parts)
        assert isinstance(records[0], Tick)
        names = [f"{name}{kind}" for name, kind, _ in _all_events(records)]
        assert names == ["a0", "b0", "late0", "c0", "late4"]


def test_a_ticket_told_of_twice_in_a_part_waits_for_its_last_row() -> None:
    """Where a part has two rows of a ticket, what they tell waits for the later one."""
    rows = [
        Row(time=NOON, id="a"),
        Row(time=NOON + 2 * HOUR_MS, id="b"),
        Row(time=NOON, id="a", resolved=(NOON + HOUR_MS,)),
        Row(time=NOON + 4 * HOUR_MS, id="c"),
    ]
    names = [f"{name}{kind}" for name, kind, _ in _all_events(_records("by_arrival", [part(rows)]))]
    assert names == ["a0", "b0", "a0", "c0", "a4"]


minutes = st.integers(0, 20) | st.integers(0, 600)
rows = st.lists(
    st.builds(
        lambda time, waits: Row(
            time=NOON + time * MINUTE_MS, resolved=tuple(NOON + (time + w) * MINUTE_MS for w in waits)
        ),
        minutes,
        st.lists(st.integers(0, 9) | st.integers(0, 400), max_size=2),
    ),
    max_size=25,
)
cuts = st.lists(st.integers(0, 25), max_size=3)
steps = st.sampled_from([MINUTE_MS, 5 * MINUTE_MS, STEP])
latenesses = st.sampled_from([0, 0, 1, 7 * MINUTE_MS, HOUR_MS, 24 * HOUR_MS])


def _parts(some: list[Row], cut: list[int]) -> list[Normalised]:
    named = [Row(time=row.time, id=f"T{i}", resolved=row.resolved) for i, row in enumerate(some)]
    edges = [0, *sorted(at for at in cut if at <= len(some)), len(some)]
    return [part(named[a:b]) for a, b in pairwise(edges)]


@pytest.mark.parametrize("order", ORDERS)
@given(rows, cuts, steps, latenesses)
@settings(deadline=None)
def test_ticks_say_how_far_time_has_come(order: str, some: list[Row], cut: list[int], step: int, lateness: int) -> None:
    """A tick comes first, numbers grow, read_to is the largest time so far, and at the end nothing more can be late."""
    records = _records(order, _parts(some, cut), step=step, lateness=lateness)
    if not some:
        assert records == []
        return
    assert isinstance(records[0], Tick)
    marks, largest = ticks(records), 0
    assert [tick.number for tick in marks] == sorted({tick.number for tick in marks})
    for at, record in enumerate(records):
        if isinstance(record, Tick):
            first = events(records[1])[0][2] if order == "by_event_time" else some[0].time
            assert record.read_to == (largest or first)
            assert record.watermark == record.number * step
            last = at == len(records) - 1
            assert record.number == (record.read_to - (0 if last and at else lateness)) // step
        else:
            largest = max(largest, *(time for _, _, time in events(record)))
    everything = [row.time for row in some] + [time for row in some for time in row.resolved]
    assert largest == max(everything)
    assert marks[-1].watermark == largest // step * step
    assert marks[-1].read_to == largest or lateness < step


@given(rows, cuts, steps, latenesses)
@settings(deadline=None)
def test_by_event_time_nothing_is_late_and_all_is_in_order(
    some: list[Row], cut: list[int], step: int, lateness: int
) -> None:
    """Events come sorted and complete, none behind a watermark already told, and shuffled parts change nothing."""
    parts = _parts(some, cut)
    records = _records("by_event_time", parts, step=step, lateness=lateness)
    found = _all_events(records)
    assert [time for _, _, time in found] == sorted(time for _, _, time in found)
    assert sorted(found) == sorted(event for one in parts for side in (one.tickets, one.life) for event in events(side))
    watermark = -(10**18)
    for record in records:
        if isinstance(record, Tick):
            watermark = record.watermark
        else:
            assert all(time >= watermark for _, _, time in events(record))
    again = _records("by_event_time", parts[::-1], step=step, lateness=lateness)
    assert [events(record) or record for record in again] == [events(record) or record for record in records]


@given(rows, cuts, steps, latenesses)
@settings(deadline=None)
def test_by_arrival_rows_keep_their_order_and_life_waits(
    some: list[Row], cut: list[int], step: int, lateness: int
) -> None:
    """Rows come as they stand; a life event only after its own row and not before its time, and then without delay."""
    parts = _parts(some, cut)
    records = _records("by_arrival", parts, step=step, lateness=lateness)
    created = [event for event in _all_events(records) if event[1] == LifeEvent.CREATED]
    assert created == [event for one in parts for event in events(one.tickets)]
    waiting: list[Event] = []
    told = {event[0]: [life for one in parts for life in events(one.life) if life[0] == event[0]] for event in created}
    read_to, rest = 0, len(created)
    for record in records:
        batch = events(record)
        if isinstance(record, Tick):
            read_to = record.read_to
            overdue = [event for event in waiting if event[2] <= read_to]
            assert not overdue or not rest
        elif batch[0][1] == LifeEvent.CREATED:
            rest -= len(batch)
            waiting += [life for name, _, _ in batch for life in told[name]]
        for event in batch:
            if event[1] != LifeEvent.CREATED:
                waiting.remove(event)
        if rest:
            largest = max((time for _, _, time in _read(records, record)), default=0)
            assert all(time <= largest for _, kind, time in batch if kind != LifeEvent.CREATED)
    assert waiting == []


def _read(records: Sequence[Record], last: Record) -> list[Event]:
    """List the rows read up to and with a record."""
    found: list[Event] = []
    for record in records:
        found += [event for event in events(record) if event[1] == LifeEvent.CREATED]
        if record is last:
            break
    return found


@given(rows, cuts, cuts)
@settings(deadline=None)
def test_by_arrival_the_size_of_parts_does_not_matter(some: list[Row], one: list[int], other: list[int]) -> None:
    """However a file is cut into parts, the same is read between the same ticks."""

    def between(cut: list[int]) -> list[Any]:
        merged: list[Any] = []
        for record in _records("by_arrival", _parts(some, cut)):
            if isinstance(record, Tick) or not merged or isinstance(merged[-1], Tick):
                merged.append(events(record) or record)
            else:
                merged[-1] += events(record)
        return [sorted(each) if isinstance(each, list) else each for each in merged]

    assert between(one) == between(other)


def test_batches_are_as_large_as_their_steps() -> None:
    """A busy day is a batch a step, not a batch a row."""
    busy = [Row(time=NOON + i * MINUTE_MS // 10) for i in range(6_000)]
    records = _records("by_event_time", [part(busy)])
    assert len(batches(records)) <= 10 * 4 + 2
    assert sum(len(batch) for batch in batches(records)) == 6_000
