"""Scores for a file of counts: each bucket of each series is judged by what was known before it, then learned."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.base import NO_PARENT, BoolArray, CountArray, Evidence, IntArray, Window
from models.surge import Surge
from warning.service.counts import CountTable
from warning.service.errors import BadInputError

HEADER = ("series", "start", "count", "expected", "upper_bound", "p_value", "score", "alarm")
LARGEST_GRID = 50_000_000
"""Series x buckets that are judged at most: about an hour's work and 3 GB; a stray date would ask for more."""

LARGEST_ALARM_P = 1e-3
"""However few the analyses, a count less unusual than this raises no alarm."""

PROTECTED_DAYS = 14
"""An alarm keeps its series from learning for so long in a row; then what is going on is the new normal."""


class Scorer(Protocol):
    """What is needed of a :class:`models.base.CountDetector` to score a file."""

    @property
    def rows(self) -> int: ...

    def add_rows(self, parents: IntArray) -> None: ...

    def begin(self, length: str) -> None: ...

    def score(self, rows: IntArray, observed: CountArray, window: Window) -> Evidence: ...

    def learn(self, observed: CountArray, window: Window, protected: BoolArray) -> None: ...


MakeScorer = Callable[[str, float], Scorer]
"""Makes one from the label of the bucket length and the p-value that alarms."""


class Gaps(StrEnum):
    """What a bucket without a row means, from a series' first row to the end of the file."""

    ZERO = "zero"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The scored rows in order of series and time; all arrays and lists have one entry for each row."""

    label: str
    series: NDArray[np.int32]
    start: list[str]
    count: NDArray[np.int32]
    expected: NDArray[np.float64]
    upper_bound: NDArray[np.float64]
    p_value: NDArray[np.float64]
    score: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    filled: int
    """How many rows stand for gaps."""


def surge_detector(label: str, bound_p: float) -> Surge:
    """Make the detector that scores by default."""
    return Surge(lengths=(label,), bound_p=bound_p)


def score_counts(
    table: CountTable,
    *,
    gaps: Gaps = Gaps.ZERO,
    false_alarms_per_week: float = 0.5,
    make: MakeScorer = surge_detector,
    progress: Callable[[int], None] | None = None,
) -> Scores:
    """Score a table; ``progress`` is called with the number of rows judged since the last call.

    A bucket is an alarm when its p-value is at most what spends ``false_alarms_per_week`` over all series, and at most
    one in a thousand; the upper bound stands at the same p-value.
    """
    _refuse_endless(table, gaps)
    bound_p = min(LARGEST_ALARM_P, false_alarms_per_week / (table.grid.per_week * len(table.names)))
    walk = _Walk(table, gaps, make(table.grid.label, bound_p), bound_p)
    for bucket in range(table.grid.buckets):
        judged = walk.step(bucket)
        if progress is not None and judged:
            progress(judged)
    return walk.result()


def to_csv(table: CountTable, scores: Scores) -> Iterator[bytes]:
    """Write scores as CSV; figures have six significant digits."""
    yield (",".join(HEADER) + "\n").encode()
    names = [_quoted(name) for name in table.names]
    columns = (scores.series, scores.start, scores.count, scores.expected, scores.upper_bound, scores.p_value)
    for series, start, count, expected, bound, p_value, score, alarm in zip(
        *columns, scores.score, scores.alarm, strict=True
    ):
        figures = f"{expected:.6g},{bound:.6g},{p_value:.6g},{score:.6g}"
        yield f"{names[series]},{start},{count},{figures},{'true' if alarm else 'false'}\n".encode()


def _quoted(name: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([name])
    return buffer.getvalue()


def _refuse_endless(table: CountTable, gaps: Gaps) -> None:
    cells = table.grid.buckets * len(table.names) if gaps is Gaps.ZERO else len(table.count)
    if max(cells, table.grid.buckets) > LARGEST_GRID:
        raise BadInputError(
            "counts",
            f"{len(table.names):,} series x {table.grid.buckets:,} buckets of {table.grid.label} are too many to judge",
            "Look for a stray date, use longer buckets, or split the file.",
            f"{len(table.names):,} 条序列 × {table.grid.buckets:,} 个 {table.grid.label} 时段,数量过大。"
            "请检查有无错误日期,或加长时段、拆分文件。",
        )


class _Walk:
    """Goes over the buckets in order. A detector's rows are the series in order of their first bucket."""

    def __init__(self, table: CountTable, gaps: Gaps, detector: Scorer, bound_p: float) -> None:
        self._table, self._gaps, self._detector, self._bound_p = table, gaps, detector, bound_p
        first = np.full(len(table.names), table.grid.buckets, np.int64)
        np.minimum.at(first, table.series, table.bucket)
        self._series_of = np.argsort(first, kind="stable")
        self._row_of = np.argsort(self._series_of, kind="stable")
        self._first = first[self._series_of]
        self._order = np.argsort(table.bucket, kind="stable")
        self._bounds = np.searchsorted(table.bucket[self._order], np.arange(table.grid.buckets + 1))
        self._streak = np.zeros(len(first), np.int64)
        self._limit = max(1, round(PROTECTED_DAYS * table.grid.per_week / 7))
        self._moment: datetime = table.grid.first.moment
        self._chunks: list[tuple[NDArray[np.generic], ...]] = []
        self._texts: list[str] = []
        self._filled = 0

    def step(self, bucket: int) -> int:
        """Judge a bucket, then learn it; returns how many series were judged."""
        self._admit(bucket)
        entries = self._order[self._bounds[bucket] : self._bounds[bucket + 1]]
        entries = entries[np.argsort(self._row_of[self._table.series[entries]])]
        rows = self._row_of[self._table.series[entries]]
        observed = np.zeros(self._detector.rows, np.int32)
        observed[rows] = self._table.count[entries]
        judged = np.arange(self._detector.rows) if self._gaps is Gaps.ZERO else rows
        self._move(bucket, entries)
        self._judge(judged, observed, self._text_of(rows, entries, judged))
        return len(judged)

    def result(self) -> Scores:
        """Return everything judged so far, by series and time."""
        columns = [np.concatenate(column) for column in zip(*self._chunks, strict=True)]
        order = np.argsort(columns[0], kind="stable")
        series, count, expected, upper, p_value, score, alarm = (column[order] for column in columns)
        return Scores(
            label=self._table.grid.label,
            series=series,
            start=[self._texts[place] for place in order.tolist()],
            count=count,
            expected=expected,
            upper_bound=upper,
            p_value=p_value,
            score=score,
            alarm=alarm,
            filled=self._filled,
        )

    def _admit(self, bucket: int) -> None:
        new = int(np.searchsorted(self._first, bucket, side="right")) - self._detector.rows
        if new:
            self._detector.add_rows(np.full(new, NO_PARENT, np.int64))

    def _move(self, bucket: int, entries: IntArray) -> None:
        """Take the wall clock from the file where it has a row, so that changes of the clock are followed."""
        if len(entries):
            self._moment = self._table.start[entries[0]]
        elif bucket:
            self._moment = self._table.grid.after(self._moment)

    def _text_of(self, rows: IntArray, entries: IntArray, judged: IntArray) -> list[str]:
        own = dict(zip(rows.tolist(), entries.tolist(), strict=True))
        other = self._table.grid.text(self._moment)
        self._filled += len(judged) - len(own)
        return [self._table.start_text[own[row]] if row in own else other for row in judged.tolist()]

    def _judge(self, judged: IntArray, observed: NDArray[np.int32], texts: list[str]) -> None:
        moment, grid = self._moment, self._table.grid
        hours = moment.weekday() * 24 + moment.hour + moment.minute / 60 + moment.second / 3600
        window = Window(grid.label, hours, grid.seconds / 3600)
        self._detector.begin(grid.label)
        found = self._detector.score(judged, observed[judged], window)
        alarm = found.p_value <= self._bound_p
        self._detector.learn(observed, window, self._protected(judged, alarm))
        self._texts += texts
        self._chunks.append(
            (
                self._series_of[judged].astype(np.int32),
                observed[judged],
                found.expected,
                found.upper_bound,
                found.p_value,
                found.score,
                alarm,
            )
        )

    def _protected(self, judged: IntArray, alarm: BoolArray) -> BoolArray:
        """Alarming series do not learn until their protection runs out, and missing counts teach nothing."""
        self._streak[judged] = np.where(alarm, self._streak[judged] + 1, 0)
        protected = np.ones(self._detector.rows, np.bool_)
        protected[judged] = alarm & (self._streak[judged] <= self._limit)
        return protected
