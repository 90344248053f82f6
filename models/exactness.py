"""The rules about state and bits that every count detector keeps: a part of :mod:`models.checks`.

"To the bit" means equal bytes. The made-up city has two families: a parent with a profile of its own, and children that
share it and add up to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from models.base import NO_PARENT, CountArray, CountDetector, FloatArray, IntArray, State, Window
from models.simulation import QUARTERS_A_DAY, Walk, add_up, clean_quarters

MakeDetector: TypeAlias = Callable[[], CountDetector]
Check: TypeAlias = Callable[[MakeDetector], None]

PARENTS: IntArray = np.array([NO_PARENT, 0, 0, 0, NO_PARENT, 4, 4, 4])
ALL: IntArray = np.arange(len(PARENTS))
MEANS: FloatArray = np.array([0.0, 0.02, 0.3, 2.0, 0.0, 0.1, 1.0, 5.0])
VIEWS = (
    Window("15m", 34.25, 0.25),
    Window("1h", 34.0, 1.0),
    Window("1d", 24.0, 24.0),
    Window("1d", 144.0, 10.4),
    Window("7d", 0.0, 168.0),
)
COUNTS = (0, 1, 3, 9, 40, 700)


class CheckFailure(AssertionError):  # noqa: N818 - like the AssertionError it is to a test: no error of the program
    """A detector breaks a rule; the sentence says which and how."""


def require(condition: bool, sentence: str) -> None:
    """Raise CheckFailure with the sentence unless the condition holds."""
    if not condition:
        raise CheckFailure(sentence)


def same(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Return whether two arrays are equal to the bit."""
    return (first.dtype, first.shape, first.tobytes()) == (second.dtype, second.shape, second.tobytes())


def require_same_state(first: State, second: State, sentence: str) -> None:
    """Raise CheckFailure, naming the parts, unless two states are equal to the bit."""
    names = [name for name in first | second if name not in first or name not in second]
    names += [name for name in first if name in second and not same(first[name], second[name])]
    require(not names, f"{sentence}: {', '.join(names)}")


def city(days: int, *, seed: int = 1) -> CountArray:
    """Draw the city's counts (96 x days, 8); more days begin with the same."""
    return add_up(clean_quarters(np.random.default_rng(seed), MEANS, days), PARENTS)


def taught(make: MakeDetector, days: int = 10, more_hours: int = 6) -> Walk:
    """Return a walk that is on in the city's 11th day, so that what is frozen is not what is known."""
    walk = Walk(make())
    walk.detector.add_rows(PARENTS)
    walk.close(city(days + 1)[: QUARTERS_A_DAY * days + 4 * more_hours])
    return walk


def evidence(detector: CountDetector, rows: Iterable[int] = ALL) -> FloatArray:
    """Return all that the detector says of these series: (windows x counts x 4, rows)."""
    asked = np.fromiter(rows, np.int64)
    views = [view for window in VIEWS for view in (window, replace(window, ahead=True))]
    said = [detector.score(asked, np.full(len(asked), count, np.int32), view) for view in views for count in COUNTS]
    return np.array([part for s in said for part in (s.expected, s.upper_bound, s.p_value, s.score)])


def check_equal_calls_give_equal_bits(make: MakeDetector) -> None:
    """Two detectors that are told the same know the same and say the same, to the bit."""
    first, second = taught(make).detector, taught(make).detector
    require_same_state(first.state(ALL), second.state(ALL), "two detectors told the same know different things")
    require(same(evidence(first), evidence(second)), "two detectors told the same say different things")


def check_order_of_rows(make: MakeDetector) -> None:
    """What is said of a series depends, to the bit, neither on its place among the rows nor on how rows are asked."""
    walk = taught(make)
    said = evidence(walk.detector)
    order = [4, 0, 7, 3, 6, 2, 1, 5]
    other = Walk(make())
    other.detector.add_rows(np.array([order.index(p) if p != NO_PARENT else p for p in PARENTS[order].tolist()]))
    other.close(city(11)[: 4 * walk.hour][:, order])
    require(same(evidence(other.detector), said[:, order]), "evidence changes with the order of the rows")
    asked = [5, 5, 1, 0, 6]
    require(same(evidence(walk.detector, asked), said[:, asked]), "evidence changes with the rows asked beside it")


def check_series_beside_it(make: MakeDetector) -> None:
    """What is said of a series is the same, to the bit, with its parent alone as among 500 others."""
    family, others = [0, 2], 500
    quarters = city(11)
    alone, among = Walk(make()), Walk(make())
    alone.detector.add_rows(np.array([NO_PARENT, 0]))
    alone.close(quarters[:, family])
    of_others = np.where(np.arange(others) % 3 == 0, NO_PARENT, 0)
    among.detector.add_rows(np.concatenate([of_others, [NO_PARENT, others]]))
    strange = np.random.default_rng(2).poisson(1.0, (len(quarters), others)).astype(np.int32)
    among.close(np.concatenate([strange, quarters[:, family]], axis=1))
    said = evidence(among.detector, [others, others + 1])
    require(same(evidence(alone.detector, [0, 1]), said), "evidence changes with the series beside it")


def check_rows_added_bit_by_bit(make: MakeDetector) -> None:
    """Whether rows come at once or one by one, and that others come later, changes nothing to the bit."""
    at_once = taught(make)
    one_by_one = Walk(make())
    for parent in PARENTS.tolist():
        one_by_one.detector.add_rows(np.array([parent]))
    one_by_one.close(city(11)[: 4 * at_once.hour])
    said = evidence(at_once.detector)
    require(same(evidence(one_by_one.detector), said), "evidence changes when rows are added one by one")
    later = Walk(make())
    later.detector.add_rows(PARENTS[:4])
    later.close(city(11)[: 4 * 100, :4])
    later.detector.add_rows(np.array([NO_PARENT] + [4] * 39))
    newer = np.random.default_rng(2).poisson(1.0, (4 * (at_once.hour - 100), 40)).astype(np.int32)
    later.close(np.concatenate([city(11)[400 : 4 * at_once.hour, :4], newer], axis=1))
    require(same(evidence(later.detector, range(4)), said[:, :4]), "evidence changes when other rows are added later")


def check_snapshot_of_all(make: MakeDetector) -> None:
    """A detector that loads the state of all rows knows, says and goes on to learn the same, to the bit."""
    walk = taught(make)
    copy = walk.fork(make(), ALL)
    copy.detector.load(walk.detector.state(ALL), PARENTS)
    require(copy.detector.rows == walk.detector.rows, "a loaded detector has another number of rows")
    _go_on(walk, copy, ALL)


def check_snapshot_of_some(make: MakeDetector) -> None:
    """Rows taken apart and loaded in another order, with parents renumbered, go on the same, to the bit."""
    walk = taught(make)
    order = np.array([4, 7, 5, 0, 3])
    copy = walk.fork(make(), order)
    copy.detector.load(walk.detector.state(order[:3]), np.array([NO_PARENT, 0, 0]))
    copy.detector.load(walk.detector.state(order[3:]), np.array([NO_PARENT, 3]))
    _go_on(walk, copy, order)


def _go_on(walk: Walk, copy: Walk, rows: IntArray) -> None:
    """Compare the ``rows`` of a walk with a copy that has these only, now and after further learning."""
    for days in (0, 8):
        quarters = city(days, seed=3) if days else np.zeros((0, len(PARENTS)), np.int32)
        walk.close(quarters)
        copy.close(quarters[:, rows])
        when = f"after {days} more days"
        known, copied = walk.detector.state(rows), copy.detector.state(np.arange(len(rows)))
        require_same_state(known, copied, f"a loaded detector knows something else {when}")
        said = evidence(walk.detector, rows)
        require(same(said, evidence(copy.detector, range(len(rows)))), f"a loaded detector says other things {when}")


def check_state_is_plain(make: MakeDetector) -> None:
    """A state is plain numeric arrays of its own: nothing that is done to it or to the detector changes the other."""
    walk = taught(make)
    state = walk.detector.state(ALL)
    odd = [name for name, part in state.items() if type(part) is not np.ndarray or part.dtype.kind not in "biuf"]
    require(not odd, f"a state has parts that are no plain numeric arrays: {', '.join(odd)}")
    kept = {name: part.copy() for name, part in state.items()}
    walk.close(city(1, seed=3))
    require_same_state(kept, state, "learning changes a state taken before")
    for source in (walk.detector, copy := make()):
        if source is copy:
            copy.load(state, PARENTS)
        said = evidence(source)
        for part in (walk.detector.state(ALL) if source is not copy else state).values():
            part[...] = 7
        require(same(evidence(source), said), "writing into a state changes the detector")


def check_memory_is_bounded(make: MakeDetector) -> None:
    """What is known of so many series takes no more bytes after 300 days than after 30, in the state and in memory,
    however many windows were judged.
    """
    walk = Walk(make())
    walk.detector.add_rows(PARENTS)
    week = city(7)
    sizes = []
    for days in (30, 270):
        walk.close(np.tile(week, (days // 7 + 1, 1))[: days * QUARTERS_A_DAY])
        for minute in range(1, 1001):
            walk.detector.p_values(ALL[:1], np.ones(1, np.int32), Window("1d", 24.0, minute / 60))
        state = walk.detector.state(ALL)
        sizes.append((sum(part.nbytes for part in state.values()), _weight(walk.detector, set())))
    require(sizes[1][0] <= sizes[0][0], f"a state grows with time, from {sizes[0][0]} to {sizes[1][0]} bytes")
    require(sizes[1][1] <= sizes[0][1], f"a detector grows with time, from {sizes[0][1]} to {sizes[1][1]} bytes")


def _weight(thing: object, seen: set[int]) -> int:
    """Return about how many bytes hang on an object: arrays by their size, all else by how many parts there are."""
    if id(thing) in seen:
        return 0
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        return int(thing.nbytes)
    if isinstance(thing, (str, bytes)):
        return len(thing)
    parts: list[object] = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    if isinstance(thing, dict):
        parts += [*thing, *thing.values()]
    elif isinstance(thing, Iterable) and not isinstance(thing, type):
        parts += list(thing)
    return 8 + sum(_weight(part, seen) for part in parts)


def check_scoring_changes_nothing(make: MakeDetector) -> None:
    """Scoring and expecting change neither what is known, nor what is said next, nor what was handed in."""
    walk = taught(make)
    before = walk.detector.state(ALL)
    said = evidence(walk.detector)
    rows, observed = ALL.copy(), np.full(len(ALL), 9, np.int32)
    for window in VIEWS:
        walk.detector.score(rows, observed, window)
        walk.detector.p_values(rows, observed, window)
        walk.detector.expect(rows, window)
    require(same(rows, ALL) and bool((observed == 9).all()), "scoring writes into its arguments")
    require_same_state(before, walk.detector.state(ALL), "scoring changes the state")
    require(same(evidence(walk.detector), said), "scoring changes what is said next")


def check_protected_series_learn_nothing(make: MakeDetector) -> None:
    """What a protected series counts leaves no trace; within a day even its expected count stays, to the bit.

    Time goes on for it as for all: the engine's calendar (how often a weekday was seen, how long the past is for a
    series added next) is the same whatever is protected, and at a day's end an own profile forgets a little. So two
    detectors that differ only in what protected series counted stay equal, in state and evidence.
    """
    protected = np.isin(ALL, [1, 3, 4, 6])
    calm, wild = taught(make), taught(make)
    expected = [calm.detector.expect(ALL, replace(view, ahead=True))[protected] for view in VIEWS]
    quarters = city(9, seed=3)
    burst = np.where(protected, 50 + 3 * quarters, quarters).astype(np.int32)
    for hours in (15, 9 * 24 - 15):
        part = slice(0, 4 * 15) if hours == 15 else slice(4 * 15, None)
        calm.close(quarters[part], protected)
        wild.close(burst[part], protected)
        require_same_state(calm.detector.state(ALL), wild.detector.state(ALL), "protected counts change the state")
        equal = same(evidence(calm.detector), evidence(wild.detector))
        require(equal, "counts of a protected series change what is said")
        if hours == 15:
            now = [calm.detector.expect(ALL, replace(view, ahead=True))[protected] for view in VIEWS]
            require(same(np.array(expected), np.array(now)), "a protected series' expected count moves within a day")
    free, told = evidence(calm.detector), taught(make)
    told.close(quarters)
    require(not same(free, evidence(told.detector)), "series that are not protected learn nothing either")


def check_restart(make: MakeDetector) -> None:
    """A restarted series is, to the bit, as one that is added now, if it shares a profile or has learned none."""
    walk = Walk(make())
    walk.detector.add_rows(PARENTS)
    restarted = np.array([1, 3, 4, 6])
    quarters = city(11)[: 4 * 246]
    quarters[4 * 168 :, restarted] = 0  # the running week has none of theirs, as it has none of a series added now
    walk.close(quarters, np.isin(ALL, [4, 5, 6, 7]))
    walk.detector.restart(restarted)
    walk.detector.add_rows(np.array([0, 0, NO_PARENT, 4]))
    added = np.arange(len(ALL), len(ALL) + 4)
    hours = [Window("1h", float(hour), 1.0) for hour in range(24)]
    for days in (0, 8):
        more = city(days + 1, seed=3)[: days * QUARTERS_A_DAY]
        walk.close(np.concatenate([more, more[:, restarted]], axis=1))
        equal = same(evidence(walk.detector, restarted), evidence(walk.detector, added))
        by_hour = [[walk.detector.expect(rows, hour) for hour in hours] for rows in (restarted, added)]
        equal = equal and same(np.array(by_hour[0]), np.array(by_hour[1]))
        require(equal, f"{days} days later a restarted series is not as one that was added at that time")


def check_judged_by_what_was_known(make: MakeDetector) -> None:
    """What is learned within a day changes nothing, to the bit, about that day's evidence: ``begin`` froze it.

    A bucket that lies ahead is judged by what is known now, which at ``begin`` is the same.
    """
    walk = taught(make, more_hours=0)
    today = Window("1d", 72.0, 24.0)
    surprise = np.full((4, len(ALL)), 30, np.int32)

    def said(window: Window) -> FloatArray:
        scores = [walk.detector.score(ALL, np.full(len(ALL), count, np.int32), window) for count in COUNTS]
        return np.array([[s.expected, s.upper_bound, s.p_value] for s in scores])

    at_begin = said(today)
    require(same(said(replace(today, ahead=True)), at_begin), "ahead at begin is not what begin froze")
    for _ in range(23):
        walk.close(surprise)
        require(same(said(today), at_begin), f"a day's evidence changes with what is learned by hour {walk.hour}")
    require(not same(said(replace(today, ahead=True)), at_begin), "a bucket ahead is not judged by what is known now")
