"""The shard stage: series of area x category, for a set of logical shards that one partition carries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import xxhash
from numpy.typing import NDArray

from models.base import IntArray
from warning.domain.bucket import DAY_MS, QUARTER_MS, BucketLength
from warning.domain.evidence import EvidencePoint
from warning.domain.outcome import RowOutcome
from warning.domain.series import OVERFLOW, SeriesKey, SeriesKind
from warning.domain.ticket import LifeEvent
from warning.engine.admission import LEVELS, Admission, lineages_of
from warning.engine.bank import SeriesBank
from warning.engine.course import Courses
from warning.engine.dedupe import CHANGED, NEW, SeenTickets
from warning.engine.finding import Finding
from warning.engine.pending import Entries, PendingTickets
from warning.engine.records import OUTCOME_ORDER, Tick, TickReport
from warning.engine.signals import signal_of
from warning.engine.tally import Tally

if TYPE_CHECKING:
    from models.base import CountDetector
    from warning.domain.control import Control
    from warning.domain.signal import Signal
    from warning.engine.config import EngineConfig
    from warning.engine.grid import Grid
    from warning.intake.columns import Dictionary, TicketColumns

_CATEGORIES_REMEMBERED = 100_000
_CODE = {outcome: code for code, outcome in enumerate(OUTCOME_ORDER)}
_ODD = np.uint64(0x9E3779B97F4A7C15)


def shard_of(jurisdiction: str, category: str, shards: int) -> int:
    """Return the logical shard of a category: a stable hash, the same in every runtime."""
    return xxhash.xxh3_64_intdigest(f"{jurisdiction}\x1f{category}".encode()) % shards


def shard_of_series(jurisdiction: str, series: SeriesKey, shards: int) -> int:
    """Return the logical shard of a series of an area and a category."""
    if series.area == OVERFLOW:
        return int(series.name.removeprefix(f"{OVERFLOW} "))
    return shard_of(jurisdiction, series.name, shards)


class ShardStage:
    """Counts tickets by area x category, gives evidence at ticks. Results do not depend on how shards are grouped."""

    def __init__(
        self, config: EngineConfig, grid: Grid, detectors: list[CountDetector], shards: tuple[int, ...]
    ) -> None:
        self.config = config
        self.grid = grid
        self.shards = shards
        self.bank = SeriesBank(config, grid, detectors)
        self.courses = Courses(self.bank)
        self.pending = PendingTickets()
        self.seen = SeenTickets(
            shards=config.shards, horizon_days=config.dedupe_horizon_days, capacity=config.dedupe_capacity
        )
        self.last_tick = -1
        self.watermark: int | None = None
        self._day = 0
        self._owned = np.isin(np.arange(config.shards), shards)
        self._categories: dict[str, tuple[int, int]] = {}
        self._admission = Admission(self.bank, config.shards, config.series_quota_per_shard, self._shard_of)
        self._points: list[EvidencePoint] = []
        self._tally = Tally()

    def apply(self, batch: TicketColumns) -> NDArray[np.uint8]:
        """Count a batch: returns an outcome code for each row that came from a source, of the shards carried here.

        Rows of other shards must have been left out (see ``owned``).
        """
        self._tally.count_life(batch)
        created = batch.kind == LifeEvent.CREATED
        if not created.all():
            batch = batch.take(np.nonzero(created)[0])
        if not len(batch):
            return np.zeros(0, np.uint8)
        shards, salts = self._hashes(batch.category)
        keys = (batch.key ^ salts) * _ODD
        days = batch.time // DAY_MS
        status = self.seen.see(keys, batch.digest, days, shards)
        late = self._is_late(batch.time)
        outcome = np.full(len(batch), _CODE[RowOutcome.DUPLICATE], np.uint8)
        outcome[status == CHANGED] = _CODE[RowOutcome.UPDATED]
        outcome[(status == NEW) & late] = _CODE[RowOutcome.LATE]
        accepted = (status == NEW) & ~late
        outcome[accepted] = _CODE[RowOutcome.ACCEPTED]
        self._count(batch, keys, np.nonzero(accepted)[0], np.nonzero((status == CHANGED) & ~late)[0])
        self._correct(batch, np.nonzero((status == NEW) & late & ~self.seen.beyond(days, shards, self._day))[0])
        return outcome

    def owns(self, categories: Iterable[str]) -> bool:
        """Whether all these categories belong to the shards carried here."""
        return all(self._owned[self._pair(name)[0]] for name in categories)

    def owned(self, batch: TicketColumns) -> NDArray[np.bool_]:
        """Return which rows of a batch belong to the shards carried here."""
        owned: NDArray[np.bool_] = self._owned[self._hashes(batch.category)[0]]
        return owned

    def _hashes(self, category: Dictionary) -> tuple[IntArray, NDArray[np.uint64]]:
        """Return each row's shard and the hash of its category."""
        codes, inverse = np.unique(category.codes, return_inverse=True)
        pairs = [self._pair(category.values[code]) for code in codes.tolist()]
        shards = np.array([pair[0] for pair in pairs], np.int64)
        return shards[inverse], np.array([pair[1] for pair in pairs], np.uint64)[inverse]

    def _pair(self, category: str) -> tuple[int, int]:
        """Return a category's shard and its hash."""
        pair = self._categories.get(category)
        if pair is None:
            if len(self._categories) >= _CATEGORIES_REMEMBERED:
                self._categories.clear()
            shard = shard_of(self.config.jurisdiction, category, self.config.shards)
            pair = self._categories[category] = (shard, xxhash.xxh3_64_intdigest(category.encode()))
        return pair

    def _shard_of(self, category: str) -> int:
        return self._pair(category)[0]

    def _is_late(self, times: IntArray) -> NDArray[np.bool_]:
        """Return which times lie in a quarter of an hour that has closed."""
        if self.watermark is None:
            return np.zeros(len(times), np.bool_)
        return times < self.watermark // QUARTER_MS * QUARTER_MS

    def _count(self, batch: TicketColumns, keys: NDArray[np.uint64], new: IntArray, changed: IntArray) -> None:
        """Count new tickets and changes of open ones in the order of their rows: where batches are cut shows nowhere.

        Series get their rows in that order, and where the quota ends with it, their places.
        """
        between = np.split(new, np.searchsorted(new, changed))
        self._accept(batch, keys, between[0])
        for row, following in zip(changed.tolist(), between[1:], strict=True):
            self._update(batch, keys, row)
            self._accept(batch, keys, following)

    def _accept(self, batch: TicketColumns, keys: NDArray[np.uint64], index: IntArray) -> None:
        """Count new tickets of open buckets, and hold them until their bucket closes."""
        if not len(index):
            return
        times, quarters = batch.time[index], batch.time[index] // QUARTER_MS
        lineages, inverse, whole = lineages_of(batch, index, self._admission.lineage)
        rows = lineages[inverse]
        self._tally.overflowed += int((~whole[inverse]).sum())
        self._count_series(rows, quarters, 1)
        self._tally.count(batch, index)
        self.pending.add(
            Entries(
                times,
                keys[index],
                batch.version[index],
                batch.digest[index],
                rows,
                np.full(len(index), batch.source, np.object_),
                batch.ticket_id[index],
                batch.area.take(index).objects(),
                batch.department.take(index).objects(),
                batch.channel.take(index).objects(),
                batch.text[index],
            )
        )

    def _count_series(self, rows: IntArray, quarters: IntArray, amount: int) -> None:
        flat = rows.ravel()
        known = flat >= 0
        self.bank.counts.add(flat[known], np.repeat(quarters, LEVELS)[known], amount)

    def _update(self, batch: TicketColumns, keys: NDArray[np.uint64], row: int) -> None:
        """Let the better version of a ticket whose bucket is open stand: the earlier event, then the later version."""
        old = self.pending.find(int(keys[row]))
        if old is None:
            return
        new_rank = (-int(batch.time[row]), int(batch.version[row]), int(batch.digest[row]))
        old_rank = (-int(old.time[0]), int(old.version[0]), int(old.digest[0]))
        if new_rank <= old_rank:
            return
        self.pending.remove(int(keys[row]))
        quarter = old.time // QUARTER_MS
        self._count_series(old.rows, quarter, -1)
        self._tally.take_back(old.area[0], old.department[0], old.channel[0], int(quarter[0]))
        self._accept(batch, keys, np.array([row], np.int64))

    def _correct(self, batch: TicketColumns, index: IntArray) -> None:
        """Let late tickets correct the history of series that are known.

        Not those from beyond the horizon: sent again they are new again, and would count each time.
        """
        if not len(index):
            return
        lineages, inverse, _ = lineages_of(batch, index, self._admission.known_lineage)
        rows, quarters = lineages[inverse], batch.time[index] // QUARTER_MS
        for quarter in np.unique(quarters).tolist():
            mine = rows[quarters == quarter].ravel()
            some, amounts = np.unique(mine[mine >= 0], return_counts=True)
            self.bank.counts.correct(some, quarter, amounts.astype(np.int32))
        self._tally.correct(batch, index)

    def tick(self, tick: Tick) -> TickReport | None:
        """Close what ends by the tick's watermark and look at what is open; None for a number already passed."""
        if tick.number <= self.last_tick:
            return None
        self.last_tick = tick.number
        if self.bank.started is None:
            self.bank.start(tick.watermark)
        signals = [self._signal(finding, tick) for finding in self.bank.close_through(tick.watermark, self)]
        self.watermark = tick.watermark
        signals += [self._signal(finding, tick) for finding in self.bank.look(tick.read_to)]
        self._begin_day(tick.watermark // DAY_MS)
        return self._report(tick, signals)

    def _begin_day(self, day: int) -> None:
        if day == self._day:
            return
        self._day = day
        self.seen.forget(day)
        self.courses.forget()
        self.grid.forget_before((day - 40) * 96)

    def _signal(self, finding: Finding, tick: Tick) -> Signal:
        start = self.grid.start(finding.length, finding.bucket)
        end = self.grid.end(finding.length, finding.bucket)
        entries = self.pending.of_series(finding.row, max(start, end - DAY_MS), end)
        return signal_of(finding, self.bank, tick.read_to, entries)

    def _report(self, tick: Tick, signals: list[Signal]) -> TickReport:
        report = TickReport(
            tick=tick,
            shards=self.shards,
            signals=sorted(signals, key=lambda signal: signal.id),
            points=self._points,
            series=int(self.bank.admitted().sum()),
            analysed=self.bank.analysed(),
            decisions=self.bank.decisions,
            horizon_days=self.seen.remembered_days(self._day),
        )
        self._tally.hand_over(report)
        self._points, self.bank.decisions = [], 0
        return report

    def followed_quarters(self, until: int) -> range:
        """Return the quarters since the last tick whose points are wanted.

        Whether anything came in another category must not matter: it may be in another partition.
        """
        if self.watermark is None or not self.courses.follows_quarters():
            return range(0)
        hour = self.grid.start(BucketLength.HOUR, self.bank.next_hour)
        return range(max(self.watermark, hour) // QUARTER_MS, until // QUARTER_MS)

    def closing_quarter(self, quarter: int) -> None:
        """Admit tentative series in the order of their tickets, as far as the quota goes."""
        entries = self.pending.close(quarter)
        if entries is not None:
            self._tally.overflowed += self._admission.settle(entries.rows)

    def closing(self, length: BucketLength, bucket: int) -> None:
        """Note the course of watched series."""
        self._points += self.courses.closing(length, bucket)

    def watch(self, signal: Signal) -> list[EvidencePoint]:
        """Follow a series that an alert rests on: returns its course so far."""
        return self.courses.watch(signal)

    def control(self, control: Control) -> None:
        """Obey a control record about a series carried here, or about all."""
        if control.series is None or self._carries(control.series):
            self.bank.control(control)

    def _carries(self, series: SeriesKey, shards: tuple[int, ...] | None = None) -> bool:
        """Whether a series is of one of these shards (default: of those carried here)."""
        if series.kind is not SeriesKind.AREA_CATEGORY:
            return False
        shard = shard_of_series(self.config.jurisdiction, series, self.config.shards)
        return shard in (self.shards if shards is None else shards)

    def state(self, shard: int) -> dict[str, Any]:
        """Return everything known of one shard; what is not yet reported goes with the stage's first shard."""
        rows = np.nonzero(self.bank.table["group"] == shard)[0]
        place = {row: offset for offset, row in enumerate(rows.tolist())}
        return {
            "shard": shard,
            "bank": self.bank.state(rows, lambda series: self._carries(series, (shard,))),
            "courses": self.courses.state(place),
            "pending": self.pending.state(place),
            "seen": self.seen.state(shard),
            "last_tick": self.last_tick,
            "watermark": self.watermark,
            "day": self._day,
            "tally": self._tally.state() if shard == self.shards[0] else None,
            "points": self._points if shard == self.shards[0] else [],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take over one shard at the tick the others of this stage were taken at."""
        first, shard = self.bank.rows, state["shard"]
        self.bank.load(state["bank"])
        self.courses.load(state["courses"], first)
        self.pending.load(state["pending"], first)
        self.seen.load(shard, state["seen"])
        self.last_tick, self.watermark, self._day = state["last_tick"], state["watermark"], state["day"]
        self._points += msgspec.convert(state["points"], list[EvidencePoint])
        if state["tally"] is not None:
            self._tally.load(state["tally"])
        self._admission.load(shard, first)
