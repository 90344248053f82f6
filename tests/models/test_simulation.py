"""The made-up counts: their mean, variance and week are what is said, and they are shown as an engine shows its own."""

import numpy as np
import pytest

from models.base import NO_PARENT, BoolArray, CountArray, IntArray, Window
from models.simulation import QUARTERS_A_DAY, WEEK, Walk, add_up, clean_quarters
from models.surge import Surge

MEANS = np.array([0.0, 0.5, 20.0])


class Told(Surge):
    """Writes down what it is told."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, float, list[int]]] = []

    def begin(self, length: str) -> None:
        self.lines.append(("begin", length, 0.0, []))
        super().begin(length)

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        assert not protected[0]
        self.lines.append(("learn", window.length, window.start_hour, observed.tolist()))
        super().learn(observed, window, protected)


def test_a_week_of_average_hours() -> None:
    """The planted week has the mass of 168 average hours in its 672 quarters."""
    assert WEEK.shape == (672,)
    assert WEEK.sum() == pytest.approx(168.0)


@pytest.mark.parametrize("dispersion", [1.0, 2.0, 4.0])
def test_mean_and_variance(dispersion: float) -> None:
    """Over quarters and over days, counts have the mean asked for and ``dispersion`` times its variance."""
    days = 7 * 300
    counts = clean_quarters(np.random.default_rng(1), MEANS, days, dispersion=dispersion)
    assert counts.shape == (days * QUARTERS_A_DAY, 3)
    assert not counts[:, 0].any()
    for quarters in (1, QUARTERS_A_DAY):
        expected = WEEK[:, None].reshape(-1, quarters, 1).sum(axis=1) * MEANS[1:]
        seen = counts[:, 1:].reshape(-1, quarters, 2).sum(axis=1)
        error = seen - np.tile(expected, (300, 1))
        assert (seen.mean(axis=0) / expected.mean(axis=0)) == pytest.approx(1.0, abs=0.05)
        assert (error**2).mean(axis=0) / expected.mean(axis=0) == pytest.approx(dispersion, rel=0.1)


def test_seeds_and_prefixes() -> None:
    """The same seed gives the same counts, and more days begin with those of fewer."""
    short, long = (clean_quarters(np.random.default_rng(7), MEANS, days, dispersion=2.0) for days in (9, 20))
    assert long[: len(short)].tolist() == short.tolist()


def test_parents_add_up() -> None:
    """A parent's count is the sum of its children's, others are as drawn."""
    parents: IntArray = np.array([NO_PARENT, 0, NO_PARENT, 0])
    counts = np.array([[9, 1, 5, 2], [9, 0, 0, 0]], np.int32)
    assert add_up(counts, parents).tolist() == [[3, 1, 5, 2], [0, 0, 0, 0]]
    assert counts[0, 0] == 9


def test_the_order_of_a_walk() -> None:
    """At a week's end: quarters, then hour, day and week are judged, then these learned, then the next begun."""
    detector = Told()
    walk = Walk(detector)
    detector.add_rows(np.array([NO_PARENT]))
    walk.close(np.ones((4 * 167, 1), np.int32))
    detector.lines.clear()

    def judge(window: Window, counts: CountArray) -> None:
        detector.lines.append(("judge", window.length, window.start_hour, counts.tolist()))

    walk.close(np.full((4, 1), 2, np.int32), judge=judge)
    ended = [("1h", 167.0, [8]), ("1d", 144.0, [23 * 4 + 8]), ("7d", 0.0, [167 * 4 + 8])]
    assert detector.lines == [
        *(("judge", "15m", 167.0 + i / 4, [2]) for i in range(4)),
        *(("judge", *bucket) for bucket in ended),
        *(("learn", *bucket) for bucket in ended),
        *(("begin", length, 0.0, []) for length, _, _ in ended),
    ]


def test_a_walk_goes_on_where_it_was_forked() -> None:
    """A fork closes the same buckets with the same sums for its rows, also for rows added since the bucket began."""
    first = Told()
    walk = Walk(first)
    first.add_rows(np.array([NO_PARENT, NO_PARENT]))
    walk.close(np.tile(np.array([[1, 10]], np.int32), (4 * 20, 1)))
    second = Told()
    second.add_rows(np.array([NO_PARENT]))
    fork = walk.fork(second, np.array([1]))
    second.add_rows(np.array([NO_PARENT]))
    fork.close(np.tile(np.array([[10, 3]], np.int32), (4 * 4, 1)))
    assert ("learn", "1d", 0.0, [24 * 40, 4 * 12]) in second.lines
