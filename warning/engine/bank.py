"""A bank of series: admission, counts, evidence and learning of many series, shared by both stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from models.base import NO_PARENT, WEEK_HOURS, BoolArray, CountDetector, IntArray, Window
from models.rows import RowTable
from warning.domain.bucket import DAY_MS, QUARTER_MS, BucketLength
from warning.domain.control import Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.engine.counts import CountStore
from warning.engine.finding import ClosingHooks, Finding, Standing
from warning.engine.holds import NEVER, Holds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from warning.engine.config import EngineConfig
    from warning.engine.grid import Grid

LOOK_FACTOR = {BucketLength.QUARTER: 10.0, BucketLength.HOUR: 15.0, BucketLength.DAY: 30.0}
"""A bucket is looked at many times while it is open, so provisional p-values are multiplied by this. The factors keep
the chance that any look of a clean Poisson bucket becomes a signal (p <= .001) at .001 for ticks of a minute and means
up to 100, by exact computation (benchmarks/looks.py)."""
_SCREEN_SDS = 2.0
"""Counts within two Poisson standard deviations of their expectation cannot reach a signal p-value of .001."""
_AVERAGE_WEEK = Window(BucketLength.WEEK.value, 0.0, float(WEEK_HOURS), ahead=True)
_LEAST_EXPECTED = 0.1
_KINDS = {kind.value: kind for kind in SeriesKind}


class SeriesBank:
    """The series of a stage. Buckets close in order of their ends; evidence of all lengths comes before learning."""

    def __init__(self, config: EngineConfig, grid: Grid, detectors: list[CountDetector]) -> None:
        self.config = config
        self.grid = grid
        self.detectors = detectors
        kept = {
            BucketLength.QUARTER: 3 * 96,
            BucketLength.HOUR: 15 * 24,
            BucketLength.DAY: config.history_days,
            BucketLength.WEEK: config.history_days // 7,
        }
        self.counts = CountStore(grid, kept)
        self.keys: list[SeriesKey] = []
        self.row_of: dict[SeriesKey, int] = {}
        self.children: dict[int, list[int]] = {}
        self.table = RowTable(
            {
                "standing": (np.uint8, (), Standing.TENTATIVE),
                "parent": (np.int64, (), NO_PARENT),
                "root": (np.int64, (), NO_PARENT),
                "group": (np.int64, (), 0),
                "protected_since": (np.int64, (), NEVER),
                "protected_until": (np.int64, (), NEVER),
            }
        )
        self.holds = Holds(self.keys, self.row_of, config.protection_limit_ms)
        self.started: int | None = None
        """Start of the first hour that is learned."""
        self.history_until = NEVER
        """Nothing is said of windows that start before it."""
        self.decisions = 0
        self._analysed: dict[BucketLength, int] | None = None
        """Known until something is learned or admitted."""
        self.next_hour = 0
        self._findings: dict[tuple[BucketLength, int], set[tuple[int, str]]] = {}

    @property
    def rows(self) -> int:
        """How many series there are, refused ones included."""
        return self.table.rows

    def admitted(self) -> BoolArray:
        """Return which rows are kept."""
        kept: BoolArray = self.table["standing"] == Standing.ADMITTED
        return kept

    def analysed(self) -> dict[BucketLength, int]:
        """Return how many series can be unusual by chance in a bucket of each length: all others hardly count.

        A discrete test that cannot reach the level in question does not add to the family-wise error (Tarone 1990); a
        series that expects less than a tenth of a ticket reaches the fewest tickets that alert far less often than the
        p-values that alert.
        """
        if self._analysed is None:
            kept = np.nonzero(self.admitted())[0]
            a_week = self.detectors[0].expect(kept, _AVERAGE_WEEK)
            share = {length: length.nominal_ms / BucketLength.WEEK.nominal_ms for length in BucketLength}
            self._analysed = {n: int((a_week * share[n] >= _LEAST_EXPECTED).sum()) for n in BucketLength}
        return self._analysed

    def add(self, key: SeriesKey, parent: int, root: int, group: int, standing: Standing) -> int:
        """Add a series; ``root`` is the row whose seasonal profile it shares, or NO_PARENT for its own."""
        row = self.rows
        self.table.add(1)
        self.table["standing"][row] = standing
        self.table["parent"][row] = parent
        self.table["root"][row] = root
        self.table["group"][row] = group
        self.keys.append(key)
        self.row_of[key] = row
        if parent != NO_PARENT:
            self.children.setdefault(parent, []).append(row)
        self.counts.make_room(self.rows)
        for detector in self.detectors:
            detector.add_rows(np.array([root], np.int64))
        self.holds.add(key)
        return row

    def admit(self, row: int) -> None:
        """Keep a series: it starts from what its past silence says, wherever in the bucket its first ticket came."""
        self.table["standing"][row] = Standing.ADMITTED
        self._analysed = None
        for detector in self.detectors:
            detector.restart(np.array([row], np.int64))

    def refuse(self, row: int) -> None:
        """Do not keep a series."""
        self.table["standing"][row] = Standing.REFUSED

    def start(self, watermark: int) -> None:
        """Begin at the hour of the first tick's watermark."""
        self.next_hour = self.grid.hour_of(watermark)
        self.started = self.grid.start(BucketLength.HOUR, self.next_hour)

    def close_through(self, watermark: int, hooks: ClosingHooks) -> Iterator[Finding]:
        """Close every bucket that ends by the watermark, in order, giving final evidence."""
        while True:
            hour_end = self.grid.end(BucketLength.HOUR, self.next_hour)
            until = min(hour_end, watermark)
            open_quarters = self._open_quarters(until)
            for quarter in sorted({*open_quarters, *hooks.followed_quarters(until)}):
                if quarter not in open_quarters:
                    hooks.closing(BucketLength.QUARTER, quarter)
                    continue
                hooks.closing_quarter(quarter)
                yield from self._judge(BucketLength.QUARTER, quarter, None)
                hooks.closing(BucketLength.QUARTER, quarter)
                self.counts.close(BucketLength.QUARTER, quarter, self.rows)
            if hour_end > watermark:
                return
            yield from self._close_hour(self.next_hour, hour_end, hooks)
            self.next_hour += 1

    def _open_quarters(self, until: int) -> list[int]:
        quarters = self.counts.open[BucketLength.QUARTER]
        return sorted(q for q in quarters if q < until // QUARTER_MS)

    def _close_hour(self, hour: int, end: int, hooks: ClosingHooks) -> Iterator[Finding]:
        hour_start = self.grid.start(BucketLength.HOUR, hour)
        ended = [(BucketLength.HOUR, hour)]
        _, _, day, week = self.grid.ids(hour_start // QUARTER_MS)
        ended += [
            (length, bucket)
            for length, bucket in ((BucketLength.DAY, day), (BucketLength.WEEK, week))
            if self.grid.end(length, bucket) <= end
        ]
        for length, bucket in ended:
            yield from self._judge(length, bucket, None)
            hooks.closing(length, bucket)
        self._protect_by_day(hour, day)
        self._analysed = None
        for length, bucket in ended:
            counts = self.counts.close(length, bucket, self.rows)
            protected = self._protected(length, bucket, hour_start)
            for detector in self.detectors:
                detector.learn(counts, self.grid.window(length, bucket), protected)
            self.decisions += self.rows
        for length, _ in ended:
            for detector in self.detectors:
                detector.begin(length.value)
            if length is BucketLength.DAY:
                self.holds.forget(end)

    def look(self, read_to: int) -> Iterator[Finding]:
        """Give provisional evidence on open buckets of series touched since the last look.

        Weeks wait for their end: what is urgent shows in a day, and the few days that have passed of a week are a poor
        measure of it.
        """
        for length, bucket, rows in self.counts.touched():
            if length is not BucketLength.WEEK:
                yield from self._judge(length, bucket, read_to, rows)

    def _judge(
        self, length: BucketLength, bucket: int, until: int | None, touched: IntArray | None = None
    ) -> Iterator[Finding]:
        """Judge one bucket: rows with tickets now, and rows with standing evidence to confirm or withdraw."""
        counts = self.counts.open[length].get(bucket)
        standing = self._findings.get((length, bucket), set())
        if until is None:
            self._findings.pop((length, bucket), None)
        looking = until is not None
        if counts is None or self._warming_up(length, bucket) or (looking and self._is_history(length, bucket)):
            return
        rows = np.nonzero(counts[: self.rows])[0] if touched is None else touched
        rows = rows[self.table["standing"][rows] != Standing.REFUSED]
        self.decisions += len(rows)
        for detector in self.detectors:
            earlier = {row for row, name in standing if name == detector.name}
            yield from self._judge_by(detector, length, bucket, until, rows, earlier)

    def _window(self, length: BucketLength, bucket: int, until: int | None) -> Window:
        learned_to = None if until is None else self.grid.start(BucketLength.HOUR, self.next_hour)
        return self.grid.window(length, bucket, until, learned_to=learned_to)

    def _is_history(self, length: BucketLength, bucket: int) -> bool:
        """Whether nothing new is said of a bucket, though it teaches and protects."""
        return self.grid.start(length, bucket) < self.history_until

    def _warming_up(self, length: BucketLength, bucket: int) -> bool:
        start = self.grid.start(length, bucket)
        return self.started is None or start < self.started + self.config.warm_up_ms

    def _judge_by(
        self,
        detector: CountDetector,
        length: BucketLength,
        bucket: int,
        until: int | None,
        rows: IntArray,
        earlier: set[int],
    ) -> Iterator[Finding]:
        counts = self.counts.open[length][bucket]
        rows = rows[counts[rows] >= self.config.least_observed]
        if not len(rows) and not earlier:
            return
        window = self._window(length, bucket, until)
        if len(rows):
            expected = detector.expect(rows, window)
            rows = rows[counts[rows] > expected + _SCREEN_SDS * np.sqrt(expected)]
        factor = 1.0 if until is None else LOOK_FACTOR[length]
        hits = rows
        if len(rows):
            hits = rows[factor * detector.p_values(rows, counts[rows], window) <= self.config.signal_p]
        lost: list[int] = []
        if until is None:
            self._protect(hits, self.grid.start(length, bucket), self.grid.end(length, bucket))
            lost = sorted(earlier.difference(hits.tolist()))
            if self._is_history(length, bucket):
                hits = hits[np.isin(hits, sorted(earlier))]
        else:
            self._findings.setdefault((length, bucket), set()).update((row, detector.name) for row in hits.tolist())
        shown = np.concatenate([hits, np.array(lost, np.int64)]) if lost else hits
        if not len(shown):
            return
        evidence = detector.score(shown, counts[shown], window)
        for i, row in enumerate(shown.tolist()):
            yield Finding(
                detector,
                row,
                length,
                bucket,
                until,
                i < len(hits),
                int(counts[row]),
                float(evidence.expected[i]),
                float(evidence.upper_bound[i]),
                min(1.0, factor * float(evidence.p_value[i])),
                float(evidence.score[i]),
            )

    def _protect(self, rows: IntArray, start: int, end: int) -> None:
        """Keep rows with final evidence from learning a bucket.

        Provisional evidence does not protect: it depends on the order of arrival, and what is learned must not.
        """
        rested = self.table["protected_until"][rows] <= start - DAY_MS
        self.table["protected_since"][rows[rested]] = start
        self.table["protected_until"][rows] = np.maximum(self.table["protected_until"][rows], end)

    def _protect_by_day(self, hour: int, day: int) -> None:
        """Keep rows whose day so far is unusual from learning the hour, though the hour alone would not show it."""
        counts = self.counts.open[BucketLength.HOUR].get(hour)
        if counts is None or self._warming_up(BucketLength.DAY, day):
            return
        start, end = self.grid.start(BucketLength.HOUR, hour), self.grid.end(BucketLength.HOUR, hour)
        first = self.grid.hour_of(self.grid.start(BucketLength.DAY, day))
        so_far = counts + self.counts.closed_in(BucketLength.HOUR, range(first, hour))
        rows = np.nonzero(counts[: self.rows])[0]
        rows = rows[so_far[rows] >= self.config.least_observed]
        window = self.grid.window(BucketLength.DAY, day, end)
        for detector in self.detectors:
            if len(rows):
                unusual = detector.p_values(rows, so_far[rows], window) <= self.config.signal_p
                self._protect(rows[unusual], start, end)

    def _protected(self, length: BucketLength, bucket: int, hour_start: int) -> BoolArray:
        """Return which rows do not learn a bucket: own evidence in it, a control record, or not yet admitted."""
        table, start, end = self.table, self.grid.start(length, bucket), self.grid.end(length, bucket)
        own = (
            (start < table["protected_until"])
            & (hour_start - self.config.protection_limit_ms < table["protected_since"])
            & ~self.holds.released(hour_start)
        )
        protected: BoolArray = own | self.holds.held(start, end, hour_start) | ~self.admitted()
        return protected

    def control(self, control: Control) -> None:
        """Obey a control record about learning, also of series that come later, and about history."""
        if control.kind is ControlKind.HISTORY:
            self.history_until = NEVER if control.until is None else control.until
        else:
            self.holds.tell(control, self.grid.start(BucketLength.HOUR, self.next_hour))

    def parts(self, finding: Finding) -> tuple[tuple[str, int, float], ...]:
        """Return the series one level below a finding's: (area, observed, expected), largest excess first."""
        rows = [row for row in self.children.get(finding.row, ()) if self.table["standing"][row] == Standing.ADMITTED]
        if not rows:
            return ()
        index = np.array(rows, np.int64)
        observed = self.counts.observed(finding.length, finding.bucket, index).tolist()
        window = self._window(finding.length, finding.bucket, finding.until)
        expected = finding.detector.expect(index, window).tolist()
        parts = [(self.keys[row].area, seen, mean) for row, seen, mean in zip(rows, observed, expected, strict=True)]
        return tuple(sorted((part for part in parts if part[1]), key=lambda part: (part[2] - part[1], part[0])))

    def state(self, rows: IntArray, mine: Callable[[SeriesKey], bool]) -> dict[str, Any]:
        """Return these rows, and what controls say of series that are ``mine``, also of those that have yet to come.

        A row's parent and root must be among the rows.
        """
        place = {row: i for i, row in enumerate(rows.tolist())} | {NO_PARENT: NO_PARENT}
        table = self.table.state(rows)
        for column in ("parent", "root"):
            table[column] = np.array([place[row] for row in table[column].tolist()], np.int64)
        keys = [self.keys[row] for row in rows.tolist()]
        return {
            "table": table,
            "keys": [[key.kind.value, key.area, key.name] for key in keys],
            "counts": self.counts.state(rows),
            "detectors": {detector.name: detector.state(rows) for detector in self.detectors},
            "findings": [
                [length.value, bucket, place[row], name]
                for (length, bucket), found in sorted(self._findings.items())
                for row, name in sorted(found)
                if row in place
            ],
            "started": self.started,
            "next_hour": self.next_hour,
            "history_until": self.history_until,
            "holds": self.holds.state(rows, mine),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Add the rows of a state to this bank (empty, or holding other shards at the same tick)."""
        first = self.rows
        shift = {name: _shifted(state["table"][name], first) for name in ("parent", "root")}
        self.table.load(state["table"] | shift)
        self.counts.make_room(self.rows)
        for offset, (kind, area, name) in enumerate(state["keys"]):
            key, row = SeriesKey(_KINDS[kind], area, name), first + offset
            self.keys.append(key)
            self.row_of[key] = row
            if shift["parent"][offset] != NO_PARENT:
                self.children.setdefault(int(shift["parent"][offset]), []).append(row)
        self.counts.load(state["counts"], np.arange(first, self.rows))
        for detector in self.detectors:
            detector.load(state["detectors"][detector.name], shift["root"])
        for label, bucket, offset, name in state["findings"]:
            self._findings.setdefault((BucketLength(label), bucket), set()).add((first + offset, name))
        self.started, self.next_hour = state["started"], state["next_hour"]
        self.history_until = state["history_until"]
        self.holds.load(state["holds"])


def _shifted(rows: IntArray, first: int) -> IntArray:
    return np.where(rows == NO_PARENT, NO_PARENT, rows + first)
