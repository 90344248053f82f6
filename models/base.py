"""The one small base class of count detectors, and what passes between them and their caller.

A detector judges many series at once. Its caller owns time and calendars and passes them in as a :class:`Window`;
a detector reads no clock, draws no random number and does no I/O, so the same calls give the same answers.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
CountArray: TypeAlias = NDArray[np.int32]
BoolArray: TypeAlias = NDArray[np.bool_]
State: TypeAlias = dict[str, NDArray[Any]]

WEEK_HOURS = 168
NO_PARENT = -1


@dataclass(frozen=True, slots=True)
class Window:
    """One bucket, or the part of it that has passed.

    length : the bucket length's label ("15m", "1h", "1d", "7d"): dispersion is kept by it
    start_hour : wall-clock hours since Monday 00:00 at which it starts, in [0, 168)
    hours : wall-clock hours it covers, in (0, 168]
    ahead : whether it starts after all that was learned, so that what is known now judges it, not what ``begin`` froze
    """

    length: str
    start_hour: float
    hours: float
    ahead: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.start_hour < WEEK_HOURS or not 0 < self.hours <= WEEK_HOURS:
            msg = f"a window starts in [0, 168) and covers (0, 168] hours: {self}"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a detector says about each of n series in one window; all arrays have shape (n,).

    expected : expected count
    upper_bound : smallest count that would be as unusual as the detector's bound probability
    p_value : calibrated mid-p value of a count at least so high
    score : exceedance score, (observed - expected) / (upper bound - expected)
    """

    expected: FloatArray
    upper_bound: FloatArray
    p_value: FloatArray
    score: FloatArray


class CountDetector(ABC):
    """Judges counts of many series, then learns from them. Rows are series, in the order they were added.

    The contract, checked for every detector by :mod:`models.checks`: equal calls give equal answers; ``score`` changes
    nothing; a series under protection learns nothing; ``state`` and ``load`` carry everything; memory does not grow
    with time; p-values are calibrated on clean data.
    """

    name: ClassVar[str]
    """The detector's name in signals; never reused for another algorithm."""
    kind: ClassVar[str]
    """What it finds: "surge"."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many series it has."""

    @abstractmethod
    def add_rows(self, parents: IntArray) -> None:
        """Add series; ``parents`` (n,) are the rows whose seasonal profile they share, or NO_PARENT for their own."""

    @abstractmethod
    def restart(self, rows: IntArray) -> None:
        """Forget what these series learned: they are judged as if they were added now.

        What others may share, a seasonal profile that was learned, stays.
        """

    @abstractmethod
    def begin(self, length: str) -> None:
        """Start a bucket of this length: until the next call it is judged by what is known now (score, then learn)."""

    @abstractmethod
    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence:
        """Judge ``observed`` (n,) of the series ``rows`` (n,) in the window."""

    def p_values(self, rows: IntArray, observed: CountArray, window: Window) -> FloatArray:
        """Return the p-values of ``score`` alone; a detector overrides this where that is cheaper."""
        return self.score(rows, observed, window).p_value

    def score_many(self, rows: IntArray, observed: CountArray, windows: Sequence[Window]) -> list[Evidence]:
        """Return ``score`` of the same rows in each window, ``observed`` (n, windows); for overriding as above."""
        return [self.score(rows, observed[:, i], window) for i, window in enumerate(windows)]

    @abstractmethod
    def expect(self, rows: IntArray, window: Window) -> FloatArray:
        """Return the expected counts (n,) alone, cheaper than judging."""

    @abstractmethod
    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        """Learn one closed window of every series: ``observed`` (rows,); where ``protected`` (rows,), learn nothing."""

    @abstractmethod
    def state(self, rows: IntArray) -> State:
        """Return all that is known of these series, and what they share, as plain arrays."""

    @abstractmethod
    def load(self, state: Mapping[str, NDArray[Any]], parents: IntArray) -> None:
        """Add the series of a ``state`` to this detector; ``parents`` as in ``add_rows``, in this detector's rows."""


def discover() -> list[type[CountDetector]]:
    """Find every detector of this package, and of no other: adding a detector is adding one file."""
    package = importlib.import_module(__package__ or "models")
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    ours = {kind for kind in _descendants(CountDetector) if kind.__module__.startswith(f"{package.__name__}.")}
    return sorted((kind for kind in ours if not inspect.isabstract(kind)), key=lambda kind: str(kind.name))


def _descendants(base: type[Any]) -> set[type[Any]]:
    direct = base.__subclasses__()
    return set(direct).union(*(_descendants(kind) for kind in direct))
