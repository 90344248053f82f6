"""Detectors that each break one rule, and the sentence that says so: no check is a no-op."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.base import BoolArray, CountArray, Evidence, FloatArray, IntArray, State, Window
from models.surge import Surge

Arrays = Mapping[str, NDArray[Any]]


class Moody(Surge):
    """Expects a little more at each call, whoever asks."""

    _calls = itertools.count()

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        return super().expect(rows, window) * (1.0 + 1e-9 * next(self._calls))


class ByPlace(Surge):
    """Expects a little more of later rows."""

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        return super().expect(rows, window) * (1.0 + 1e-12 * rows)


class ByQuestion(Surge):
    """Expects a little more of a series that is asked about with more others."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return self.score(rows, observed, window).p_value

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        return super().expect(rows, window) * (1.0 + 1e-12 * float(len(rows) < self.rows))


class Crowded(Surge):
    """Expects a little more where there are more series."""

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        return super().expect(rows, window) * (1.0 + 1e-12 * self.rows)


class StartsAnew(Surge):
    """Forgets how often weekdays were seen when a series is added."""

    def add_rows(self, parents: IntArray) -> None:
        super().add_rows(parents)
        self._days_seen[:] = 0.0


class OneFamily(Surge):
    """Gives each series that is added by itself a profile of its own."""

    def add_rows(self, parents: IntArray) -> None:
        super().add_rows(np.full_like(parents, -1) if len(parents) == 1 else parents)


class LosesFrozen(Surge):
    """Loads what is known, and judges open buckets by it."""

    def load(self, state: Arrays, parents: IntArray) -> None:
        super().load(state, parents)
        self._freeze(np.arange(self.rows))


class LosesDispersion(Surge):
    """Leaves the hours' dispersion out of its state."""

    def state(self, rows: IntArray) -> State:
        state = super().state(rows)
        state["row.square:1h"] = np.zeros_like(state["row.square:1h"])
        return state


class Sorts(Surge):
    """Gives a state's rows in the order it has them."""

    def state(self, rows: IntArray) -> State:
        return super().state(np.sort(rows))


class LendsState(Surge):
    """Gives away its own array as part of a state."""

    def state(self, rows: IntArray) -> State:
        return super().state(rows) | {"days_seen": self._days_seen}


class KeepsState(Surge):
    """Keeps an array of the state it loads."""

    def load(self, state: Arrays, parents: IntArray) -> None:
        super().load(state, parents)
        self._days_seen = state["days_seen"]


class NamesInState(Surge):
    """Puts Python objects into its state."""

    def state(self, rows: IntArray) -> State:
        return super().state(rows) | {"names": np.array([("surge",)] * len(rows), object)}


class Hoards(Surge):
    """Remembers every window it learned."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[Window] = []

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        super().learn(observed, window, protected)
        self.windows.append(window)


class HoardsQuestions(Surge):
    """Remembers every window it was asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[Window, float] = {}

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        self.asked[replace(window, hours=window.hours * (1.0 - 1e-9 * len(self.asked)))] = 0.0
        return super().p_values(rows, observed, window)


class HoardsInState(Hoards):
    """Remembers every hour it learned, in its state."""

    def state(self, rows: IntArray) -> State:
        return super().state(rows) | {"hours": np.array([window.start_hour for window in self.windows])}


class LearnsFromQuestions(Surge):
    """Counts being asked as having seen a day."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        self._days_seen += 1e-9
        return super().p_values(rows, observed, window)


class Scribbles(Surge):
    """Writes into the counts it is asked about."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        p_values = super().p_values(rows, observed, window)
        observed[:] = 0
        return p_values


class Stubborn(Surge):
    """Learns from protected series too."""

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        super().learn(observed, window, np.zeros_like(protected))


class Timid(Surge):
    """Learns nothing of any series."""

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        super().learn(observed, window, np.ones_like(protected))


class Fades(Surge):
    """Forgets protected series while it waits."""

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        super().learn(observed, window, protected)
        self._level._table["count"][protected] *= 0.999


class Remembers(Surge):
    """Keeps the level of a restarted series."""

    def restart(self, rows: IntArray) -> None:
        counts = self._level._table["count"][rows]
        super().restart(rows)
        self._level._table["count"][rows] = counts


class NotFrozen(Surge):
    """Judges open buckets by what it knows now."""

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        return super().expect(rows, replace(window, ahead=True))


class Frozen(Surge):
    """Judges buckets ahead by what it knew when the last one began."""

    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        return super().expect(rows, replace(window, ahead=False))

    def _variance(self, rows: IntArray, mean: FloatArray, window: Window) -> FloatArray:
        return super()._variance(rows, mean, replace(window, ahead=False))


class _Says(Surge):
    """Says something else about p-values, the same in both ways of asking."""

    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence:
        return replace(super().score(rows, observed, window), p_value=self.p_values(rows, observed, window))


class Doubles(_Says):
    """Doubles p-values, also those above one half."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return 2.0 * super().p_values(rows, observed, window)


class Vanishes(_Says):
    """Gives small p-values as nothing."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        p_values = super().p_values(rows, observed, window)
        return np.where(p_values < 1e-100, 0.0, p_values)


class Halves(Surge):
    """Halves p-values, but not those of ``score``."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return 0.5 * super().p_values(rows, observed, window)


class FirstForAll(Surge):
    """Judges many windows as if all were the first."""

    def score_many(self, rows: IntArray, observed: CountArray, windows: Sequence[Window]) -> list[Evidence]:
        return super().score_many(rows, observed, [windows[0]] * len(windows) if windows else ())


class OddIsWorse(_Says):
    """Takes odd counts for one more."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return super().p_values(rows, observed + 2 * (observed % 2), window)


class Indifferent(_Says):
    """Finds every count as likely."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return np.full(len(rows), 0.5)


class HighBound(Surge):
    """Puts the upper bound one ticket too high."""

    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence:
        evidence = super().score(rows, observed, window)
        bound = evidence.upper_bound + 1.0
        score = (observed - evidence.expected) / (bound - evidence.expected)
        return replace(evidence, upper_bound=bound, score=score)


class OddBound(Surge):
    """Puts the bound of a day elsewhere than the others'."""

    odd: ClassVar[float] = 1e-6

    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence:
        self.bound_p = self.odd if window.length == "1d" else 1e-3
        return super().score(rows, observed, window)


class Excited(Surge):
    """Takes the past for silent before there was one."""

    def __init__(self) -> None:
        super().__init__()
        self._level.prior_hours, self.prior_strength = 100_000.0, 1e-3


class Dull(Surge):
    """Takes a series first heard of for one that has half a ticket an hour."""

    def add_rows(self, parents: IntArray) -> None:
        first = self.rows
        super().add_rows(parents)
        self._level._table["mass"][first:] = 1.0 - self._level.prior_hours
        self._freeze(np.arange(first, self.rows))


class Mute(_Says):
    """Gives p-values four times too high."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return np.minimum(1.0, 4.0 * super().p_values(rows, observed, window))


class Shrill(_Says):
    """Gives p-values four times too low."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        return 0.25 * super().p_values(rows, observed, window)


class Naive(Surge):
    """Takes every count for Poisson."""

    def __init__(self) -> None:
        super().__init__(prior_dispersion=1.0)

    def _learn_dispersion(
        self, observed: CountArray, expected: FloatArray, window: Window, protected: BoolArray
    ) -> None:
        """Learn none."""
