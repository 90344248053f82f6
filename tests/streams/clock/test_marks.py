"""What was flushed -> the watermark and its ticks."""

from hypothesis import given
from hypothesis import strategies as st

from streams.clock.marks import Marks
from streams.records import Flushed
from warning.domain.bucket import MINUTE_MS, QUARTER_MS
from warning.engine.records import Tick

START = 1_777_888_800_000 // QUARTER_MS * QUARTER_MS
A, B = ("raw", 0), ("raw", 1)
HOUR = 60 * MINUTE_MS


def _marks(*inputs: tuple[str, int], lateness: int = 0) -> Marks:
    return Marks("city", inputs, step_ms=MINUTE_MS, lateness_ms=lateness)


def _flushed(
    place: tuple[str, int], next_offset: int, latest: float | None, *, at: float = 1e3, end: bool = False
) -> Flushed:
    """Times in minutes after the start."""
    return Flushed(
        topic=place[0],
        partition=place[1],
        next_offset=next_offset,
        latest=None if latest is None else START + int(latest * MINUTE_MS),
        at=START + int(at * MINUTE_MS),
        end=end,
    )


def _note(marks: Marks, *flushed: Flushed, clock: float = 1e4) -> None:
    for each in flushed:
        marks.note(each, START + int(clock * MINUTE_MS))


def _due(marks: Marks) -> tuple[int, int] | None:
    """Return the tick's watermark and what was read, in minutes after the start."""
    tick = marks.due()
    return None if tick is None else ((tick.watermark - START) // MINUTE_MS, (tick.read_to - START) // MINUTE_MS)


def test_an_input_that_was_never_heard_holds_the_clock() -> None:
    """No tick is written before every input partition was heard, and what it says tells a time."""
    marks = _marks(A, B)
    _note(marks, _flushed(A, 10, 5))
    assert _due(marks) is None
    _note(marks, _flushed(B, 0, None))
    assert _due(marks) is None
    _note(marks, _flushed(B, 0, None, at=4, end=True))
    assert _due(marks) == (4, 5)


def test_a_backlog_holds_the_clock_where_it_was_read_to() -> None:
    """The slowest input's latest event time, less the lateness, is the watermark."""
    marks = _marks(A, B, lateness=HOUR)
    _note(marks, _flushed(A, 10, 100), _flushed(B, 99, None, at=200, end=True))
    assert _due(marks) == (40, 100)


def test_an_input_read_to_its_end_counts_by_the_clock() -> None:
    """An input without a backlog is read up to the moment at which its end was looked at."""
    marks = _marks(A, lateness=HOUR)
    _note(marks, _flushed(A, 10, 3, at=90, end=True))
    assert _due(marks) == (30, 3)


def test_a_ticket_ahead_of_the_clock_is_read_by_the_clock() -> None:
    """An event time in the future carries the watermark no further than the clock that it was read by."""
    marks = _marks(A)
    _note(marks, _flushed(A, 10, 500, at=20))
    assert _due(marks) == (20, 20)


def test_a_worker_with_a_fast_clock_is_not_believed() -> None:
    """What a worker dates ahead of the sequencer's clock counts up to that clock."""
    marks = _marks(A)
    _note(marks, _flushed(A, 10, None, at=5000, end=True), _flushed(A, 11, 400, at=5000), clock=7)
    assert _due(marks) == (7, 7)


def test_what_an_older_owner_says_late_takes_nothing_back() -> None:
    """A worker that lost its partition and says what it had flushed does not move the watermark back."""
    marks = _marks(A)
    _note(marks, _flushed(A, 50, 30), _flushed(A, 20, 10), _flushed(A, 20, None))
    assert _due(marks) == (30, 30)


def test_a_tick_stays_due_until_it_is_written() -> None:
    """The broker may refuse: the same tick is due again."""
    marks = _marks(A)
    _note(marks, _flushed(A, 1, 3))
    tick = marks.due()
    assert tick is not None
    assert marks.due() == tick
    marks.wrote(tick)
    assert marks.due() is None


def test_a_tick_that_would_change_nothing_is_left_out() -> None:
    """Without new records only the end of a quarter of an hour is worth a tick."""
    marks = _marks(A)
    _note(marks, _flushed(A, 1, 3, at=3, end=True))
    first = marks.due()
    assert first is not None
    marks.wrote(first)
    _note(marks, _flushed(A, 1, 3, at=14, end=True))
    assert _due(marks) is None
    _note(marks, _flushed(A, 1, 3, at=15, end=True))
    assert _due(marks) == (15, 3)
    _note(marks, _flushed(A, 2, 4, at=15, end=True))
    second = marks.due()
    assert second is not None
    marks.wrote(second)
    _note(marks, _flushed(A, 3, 4, at=16, end=True))
    assert _due(marks) == (16, 4)


def test_it_goes_on_after_the_last_tick_that_is_written() -> None:
    """A new sequencer writes no number again, and no tick that is behind."""
    marks = _marks(A)
    watermark = START + 20 * MINUTE_MS
    marks.resume(Tick(jurisdiction="city", number=watermark // MINUTE_MS, watermark=watermark, read_to=watermark))
    _note(marks, _flushed(A, 1, 19))
    assert _due(marks) is None
    _note(marks, _flushed(A, 2, 21))
    assert _due(marks) == (21, 21)


def test_partitions_that_are_added_are_waited_for() -> None:
    """An input that gets more partitions holds the clock until the new ones were heard."""
    marks = _marks(A)
    _note(marks, _flushed(A, 1, 3))
    marks.expect([A, B])
    assert _due(marks) is None
    _note(marks, _flushed(B, 1, 2))
    assert _due(marks) == (2, 3)


def test_other_inputs_do_not_count() -> None:
    """What stands in the topic of an input that is none any more is passed over."""
    marks = _marks(A)
    _note(marks, _flushed(B, 1, 3), _flushed(A, 1, 1))
    assert _due(marks) == (1, 1)


MINUTES = st.integers(0, 300)
SAID = st.builds(
    lambda place, offset, latest, at, end: _flushed(place, offset, latest, at=at, end=end),
    st.sampled_from([A, B]),
    st.integers(0, 50),
    st.none() | MINUTES,
    MINUTES,
    st.booleans(),
)


@given(st.lists(SAID, max_size=40), st.integers(0, 90))
def test_ticks_grow_and_never_pass_an_input_that_is_not_flushed(said: list[Flushed], lateness: int) -> None:
    """Whatever is said in whatever order: numbers grow, and no tick passes what is known of every input."""
    marks = _marks(A, B, lateness=lateness * MINUTE_MS)
    known: dict[tuple[str, int], int] = {}
    last = -1
    for flushed in said:
        _note(marks, flushed)
        place = (flushed.topic, flushed.partition)
        time = flushed.at if flushed.end else flushed.latest
        if time is not None:
            known[place] = max(known.get(place, 0), min(time, flushed.at))
        tick = marks.due()
        if tick is not None:
            marks.wrote(tick)
            assert tick.number > last
            assert len(known) == 2
            assert tick.watermark <= min(known.values()) - lateness * MINUTE_MS
            last = tick.number
