"""The watermark: how far time has come for everybody, and the ticks that say so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warning.domain.bucket import HOUR_MS, MINUTE_MS
from warning.engine.records import Tick
from warning.engine.watermark import Watermarks

STEP = 15 * MINUTE_MS
NOON = 473_364 * HOUR_MS


def _watermarks(*sources: str, lateness_ms: int = HOUR_MS) -> Watermarks:
    marks = Watermarks("Testville", STEP)
    for source in sources:
        marks.add_source(source, lateness_ms)
    return marks


def test_the_slowest_source_holds_the_watermark() -> None:
    """The watermark is the least of the sources' largest event times, each less its own lateness."""
    marks = _watermarks("web")
    marks.add_source("phone", 3 * HOUR_MS)
    marks.read("web", NOON)
    marks.read("phone", NOON + HOUR_MS)
    assert marks.watermark(0) == NOON - 2 * HOUR_MS
    marks.read("phone", NOON + 5 * HOUR_MS)
    assert marks.watermark(0) == NOON - HOUR_MS


def test_an_older_event_moves_nothing_back() -> None:
    """Of a source only the largest event time counts, in whatever order it is read."""
    marks = _watermarks("web")
    for latest in (NOON, NOON - 5 * HOUR_MS, NOON - 1):
        marks.read("web", latest)
        assert marks.watermark(0) == NOON - HOUR_MS
        assert marks.read_to() == NOON


def test_nothing_is_known_while_a_source_is_silent() -> None:
    """A source that is waited for and has sent nothing leaves no watermark and no tick."""
    marks = _watermarks("web", "phone")
    assert marks.watermark(NOON) is None
    marks.read("web", NOON)
    assert marks.watermark(NOON) is None
    assert marks.tick(NOON) is None
    marks.read("phone", NOON)
    assert marks.tick(NOON) is not None


def test_without_sources_there_is_no_time() -> None:
    """Nobody to wait for is no reason to close anything."""
    marks = _watermarks()
    assert (marks.watermark(NOON), marks.read_to(), marks.tick(NOON)) == (None, None, None)


def test_an_ended_source_goes_with_the_clock() -> None:
    """Once an input was read to its end the clock less the lateness counts, until it is read again."""
    marks = _watermarks("file")
    marks.read("file", NOON - 30 * HOUR_MS)
    marks.ended("file")
    assert marks.watermark(NOON) == NOON - HOUR_MS
    assert marks.watermark(NOON + 7) == NOON - HOUR_MS + 7
    marks.read("file", NOON - 20 * HOUR_MS)
    assert marks.watermark(NOON) == NOON - 21 * HOUR_MS


def test_an_ended_source_that_sent_nothing_holds_nobody() -> None:
    """An empty input that was read to its end goes with the clock too; alone it makes no tick, for nothing was read."""
    marks = _watermarks("empty")
    marks.ended("empty")
    assert marks.watermark(NOON) == NOON - HOUR_MS
    assert marks.tick(NOON) is None
    marks.add_source("web", HOUR_MS)
    marks.read("web", NOON - HOUR_MS)
    assert marks.watermark(NOON) == NOON - 2 * HOUR_MS
    assert marks.tick(NOON) is not None


def test_a_late_source_holds_nobody_until_it_is_declared_back() -> None:
    """A source declared late is not waited for, even while it catches up; declared back, it is again."""
    marks = _watermarks("web", "phone")
    marks.read("web", NOON)
    marks.declare_late("phone", late=True)
    assert marks.watermark(0) == NOON - HOUR_MS
    marks.read("phone", NOON - 9 * HOUR_MS)
    assert marks.watermark(0) == NOON - HOUR_MS
    marks.declare_late("phone", late=False)
    assert marks.watermark(0) == NOON - 10 * HOUR_MS


def test_when_all_are_late_time_stands_still() -> None:
    """With every source declared late there is no watermark: silence closes nothing."""
    marks = _watermarks("web")
    marks.read("web", NOON)
    marks.declare_late("web", late=True)
    assert marks.watermark(NOON) is None
    assert marks.tick(NOON) is None


def test_a_source_added_twice_keeps_what_is_known_of_it() -> None:
    """Adding a known source changes neither its lateness nor how far it was read."""
    marks = _watermarks("web")
    marks.read("web", NOON)
    marks.add_source("web", 0)
    assert marks.watermark(0) == NOON - HOUR_MS


def test_an_unknown_source_is_a_mistake() -> None:
    """A source nobody added cannot move time."""
    with pytest.raises(KeyError):
        _watermarks("web").read("phone", NOON)


def test_a_tick_carries_the_last_whole_step_and_what_was_read() -> None:
    """Number n stands for the watermark n x step; read_to is the largest event time of any source, late ones too."""
    marks = _watermarks("web", "phone")
    marks.read("web", NOON + 14 * MINUTE_MS)
    marks.read("phone", NOON + HOUR_MS)
    marks.declare_late("phone", late=True)
    number = (NOON - HOUR_MS) // STEP
    assert marks.tick(0) == Tick(
        jurisdiction="Testville", number=number, watermark=NOON - HOUR_MS, read_to=NOON + HOUR_MS
    )
    assert marks.tick(0) is None
    marks.read("web", NOON + STEP - 1)
    assert marks.tick(0) is None
    marks.read("web", NOON + STEP)
    tick = marks.tick(0)
    assert tick is not None
    assert (tick.number, tick.watermark) == (number + 1, NOON - HOUR_MS + STEP)


def test_ticks_never_go_back_when_a_slower_source_joins() -> None:
    """A source that comes back behind the last tick stops the ticks; they go on once it has caught up."""
    marks = _watermarks("web", "phone")
    marks.read("web", NOON)
    marks.declare_late("phone", late=True)
    first = marks.tick(0)
    assert first is not None
    marks.declare_late("phone", late=False)
    marks.read("phone", NOON - 2 * HOUR_MS)
    assert marks.tick(0) is None
    marks.read("phone", NOON + HOUR_MS)
    assert marks.tick(0) is None
    marks.read("web", NOON + HOUR_MS)
    second = marks.tick(0)
    assert second is not None
    assert second.number == first.number + 4


def test_a_new_writer_goes_on_after_the_last_number_in_the_log() -> None:
    """Who takes over the log is told its last number and writes none at or below it."""
    marks = Watermarks("Testville", STEP, last_number=(NOON - HOUR_MS) // STEP)
    marks.add_source("web", HOUR_MS)
    marks.read("web", NOON)
    assert marks.tick(0) is None
    marks.read("web", NOON + STEP)
    assert marks.tick(0) is not None


names = st.sampled_from(["a", "b", "c"])
acts = st.one_of(
    st.tuples(st.just("read"), names, st.integers(0, 50)),
    st.tuples(st.just("end"), names, st.just(0)),
    st.tuples(st.just("late"), names, st.booleans()),
)


@given(st.lists(acts, max_size=40), st.integers(0, 20))
@settings(deadline=None)
def test_whatever_happens_ticks_only_grow_and_never_pass_a_source(
    what: list[tuple[str, str, int]], lateness: int
) -> None:
    """Tick numbers strictly grow, and no tick passes a source that is waited for, less its lateness."""
    marks = Watermarks("Testville", 3)
    for name in "abc":
        marks.add_source(name, lateness)
    latest: dict[str, int] = {}
    ended: set[str] = set()
    late: set[str] = set()
    last = -(10**9)
    for clock, (act, name, value) in enumerate(what):
        if act == "read":
            marks.read(name, value)
            latest[name] = max(value, latest.get(name, value))
            ended.discard(name)
        elif act == "end":
            marks.ended(name)
            ended.add(name)
        else:
            marks.declare_late(name, late=bool(value))
            (late.add if value else late.discard)(name)
        tick = marks.tick(clock)
        if tick is None:
            continue
        assert tick.number > last
        last = tick.number
        assert tick.watermark == 3 * tick.number
        assert tick.read_to == max(latest.values())
        for each in set("abc") - late:
            assert tick.watermark <= (clock if each in ended else latest[each]) - lateness
