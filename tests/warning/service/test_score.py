"""Scores: judged before learned, gaps as told, alarms that do not teach."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import BoolArray, CountArray, Evidence, IntArray, Window
from warning.service.counts import CountTable, read_counts
from warning.service.errors import BadInputError
from warning.service.score import HEADER, Gaps, Scores, score_counts, to_csv


class _Last:
    """A detector by hand: expects what a series had when it last learned; from 100 on a count is unusual."""

    def __init__(self) -> None:
        self.last: list[float] = []
        self.windows: list[Window] = []

    @property
    def rows(self) -> int:
        return len(self.last)

    def add_rows(self, parents: IntArray) -> None:
        self.last += [0.0] * len(parents)

    def begin(self, length: str) -> None:
        self.windows.append(Window(length, 0, 1))

    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence:
        self.windows[-1] = window
        expected = np.array(self.last)[rows]
        return Evidence(
            expected, np.full(len(rows), 100.0), np.where(observed >= 100, 1e-9, 0.5), (observed - expected) / 100
        )

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None:
        new = np.where(protected, self.last, observed)
        self.last = [float(value) for value in new]


def _table(*rows: str) -> CountTable:
    return read_counts("f", ["series,start,count", *rows])


def _scores(table: CountTable, gaps: Gaps = Gaps.ZERO) -> Scores:
    return score_counts(table, gaps=gaps, make=lambda _label, _bound: _Last())


def _lines(table: CountTable, scores: Scores) -> list[list[str]]:
    return [line.decode().strip().split(",") for line in to_csv(table, scores)]


def test_a_bucket_is_judged_before_it_is_learned() -> None:
    """Each expected count is what was learned before; rows come out by series and time, whatever the order in."""
    table = _table("b,2026-01-03,7", "a,2026-01-01,1", "b,2026-01-02,5", "a,2026-01-02,2", "a,2026-01-03,3")
    lines = _lines(table, _scores(table))
    assert lines[0] == list(HEADER)
    assert [line[:4] for line in lines[1:]] == [
        ["b", "2026-01-02", "5", "0"],
        ["b", "2026-01-03", "7", "5"],
        ["a", "2026-01-01", "1", "0"],
        ["a", "2026-01-02", "2", "1"],
        ["a", "2026-01-03", "3", "2"],
    ]


GAPPY = ("a,2026-01-01T00:00Z,4", "b,2026-01-01T00:00Z,1", "a,2026-01-01T03:00Z,6", "b,2026-01-01T01:00Z,1")


def test_gaps_are_zeros() -> None:
    """A bucket without a row counts as 0, is judged, learned and written, in the file's own way of writing times."""
    table = _table(*GAPPY)
    scores = _scores(table)
    assert [line[1:4] for line in _lines(table, scores)[1:5]] == [
        ["2026-01-01T00:00Z", "4", "0"],
        ["2026-01-01T01:00Z", "0", "4"],
        ["2026-01-01T02:00Z", "0", "0"],
        ["2026-01-01T03:00Z", "6", "0"],
    ]
    assert scores.filled == 4
    assert len(scores.start) == 8


def test_gaps_may_be_missing() -> None:
    """With gaps missing only the rows of the file are judged, and a gap teaches nothing."""
    table = _table(*GAPPY)
    scores = _scores(table, Gaps.MISSING)
    assert [line[1:4] for line in _lines(table, scores)[1:3]] == [
        ["2026-01-01T00:00Z", "4", "0"],
        ["2026-01-01T03:00Z", "6", "4"],
    ]
    assert (len(scores.start), scores.filled) == (4, 0)


def test_alarm_does_not_teach_until_it_is_the_new_normal() -> None:
    """An alarm keeps its series from learning for fourteen days in a row, then what is going on is learned."""
    table = _table(*(f"a,2026-01-{day:02},{200 if day > 2 else 4}" for day in range(1, 29)))
    scores = _scores(table)
    assert scores.alarm.tolist() == [False] * 2 + [True] * 26
    assert scores.expected.tolist() == [0] + [4] * 16 + [200] * 11


@pytest.mark.parametrize("zone", ["", "-05:00"])
def test_windows_are_on_the_wall_clock(zone: str) -> None:
    """Windows carry the hour of the week of the file's own clock: 2026-01-01 is a Thursday."""
    detector = _Last()
    table = _table(*(f"a,2026-01-01T{hour:02}:30{zone},1" for hour in (5, 6, 8)))
    score_counts(table, make=lambda _label, _bound: detector)
    assert [(w.length, w.start_hour, w.hours) for w in detector.windows] == [
        ("1h", 72 + h, 1) for h in (5.5, 6.5, 7.5, 8.5)
    ]


def test_the_budget_sets_the_bound() -> None:
    """The p-value that alarms spends the false alarms a week over all series, and is at most 1 in 1,000."""
    asked: list[float] = []

    def _make(_label: str, bound: float) -> _Last:
        asked.append(bound)
        return _Last()

    many = _table(*(f"{name},2026-01-01T{hour:02}:00,1" for name in range(100) for hour in range(2)))
    score_counts(many, false_alarms_per_week=0.5, make=_make)
    score_counts(_table("a,2026-01-01,1", "a,2026-01-02,1"), make=_make)
    assert asked == [pytest.approx(0.5 / (168 * 100)), 1e-3]


def test_a_stray_date_does_not_fill_the_memory() -> None:
    """A grid of more cells than can be judged is refused with what to look for."""
    rows = (f"s{n},2026-01-01T00:{minute:02},1" for n in range(20) for minute in range(3))
    with pytest.raises(BadInputError, match="stray date"):
        _scores(_table(*rows, "s1,2036-01-01T00:00,1"))


def test_progress_counts_every_row() -> None:
    """The reported steps sum to the rows that were judged."""
    steps: list[int] = []
    table = _table(*GAPPY)
    score_counts(table, make=lambda _label, _bound: _Last(), progress=steps.append)
    assert sum(steps) == 8


def test_names_with_commas_and_quotes_survive() -> None:
    """A series called 'Noise, "loud"' is quoted as CSV asks."""
    table = _table('"Noise, ""loud""",2026-01-01,1', '"Noise, ""loud""",2026-01-02,1')
    assert next(line for line in to_csv(table, _scores(table)) if b"Noise" in line).startswith(
        b'"Noise, ""loud""",2026'
    )


def test_real_detector_finds_a_burst_and_little_else() -> None:
    """The detector that ships, on 120 seeded Poisson days with one burst: the burst alarms, at its upper bound."""
    counts = np.random.default_rng(4).poisson(6, 120)
    counts[100] = 40
    days = np.arange("2026-01-01", "2026-05-01", dtype="datetime64[D]")
    scores = score_counts(_table(*(f"a,{day},{count}" for day, count in zip(days, counts, strict=True))))
    assert scores.alarm[100]
    assert scores.alarm.sum() <= 2
    assert ((scores.count >= scores.upper_bound) == scores.alarm).all()
    assert scores.expected[60:].mean() == pytest.approx(6, rel=0.2)
