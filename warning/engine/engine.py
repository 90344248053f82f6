"""The engine: both stages in one process, log records in, signals and alerts out. Synchronous, pure, deterministic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.base import discover
from warning.domain.control import Control
from warning.domain.errors import IncompatibleSnapshotError
from warning.domain.series import SeriesKind
from warning.domain.ticket import LifeEvent
from warning.engine.config import EngineConfig
from warning.engine.grid import Grid
from warning.engine.jurisdiction_stage import Judgement, JurisdictionStage, Policy
from warning.engine.records import Output, Record, Tick
from warning.engine.shard_stage import ShardStage
from warning.engine.snapshot import VERSION, migrated, packed, unpacked
from warning.engine.statistics import Statistics
from warning.intake.columns import TicketColumns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.base import CountDetector
    from warning.domain.evidence import EvidencePoint
    from warning.domain.signal import Signal


class Engine:
    """One jurisdiction's engine.

    Parameters
    ----------
    config : the jurisdiction, its calendar and limits
    policy : decides about alerts
    partitions : which logical shards are carried together; results do not depend on it. Default: all in one
    """

    def __init__(
        self, config: EngineConfig, policy: Policy, partitions: tuple[tuple[int, ...], ...] | None = None
    ) -> None:
        self.config = config
        self.grid = Grid(config.zone)
        groups = partitions or (tuple(range(config.shards)),)
        self.stages = [ShardStage(config, self.grid, all_detectors(), group) for group in groups]
        self.jurisdiction = JurisdictionStage(config, self.grid, all_detectors(), policy)
        self.statistics = Statistics()
        self._stage_of = {shard: stage for stage in self.stages for shard in stage.shards}
        self._led_by: dict[str, str] = {}

    def apply(self, record: Record) -> Output:
        """Apply one log record. Records of other jurisdictions are a mistake of the caller and raise ValueError."""
        if record.jurisdiction != self.config.jurisdiction:
            msg = f"a record of {record.jurisdiction!r} came to the engine of {self.config.jurisdiction!r}"
            raise ValueError(msg)
        if isinstance(record, TicketColumns):
            return self._apply_batch(record)
        if isinstance(record, Tick):
            return self._apply_tick(record)
        return self._apply_control(record)

    def shortened_horizon(self) -> bool:
        """Whether a shard had to forget tickets before the horizon."""
        return any(stage.seen.shortened for stage in self.stages)

    def snapshot(self) -> dict[str, Any]:
        """Return the whole state as versioned plain data: dicts, lists, text, numbers and bytes."""
        state = {
            "version": VERSION,
            "jurisdiction": self.config.jurisdiction,
            "shards": [self._stage_of[shard].state(shard) for shard in range(self.config.shards)],
            "stage": self.jurisdiction.state(),
        }
        plain: dict[str, Any] = msgspec.to_builtins(packed(state), builtin_types=(bytes,))
        return plain

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Take a snapshot's state over, in an engine that has applied nothing; its partitions may be others.

        Raises IncompatibleSnapshotError for a snapshot of another jurisdiction, of other shards or detectors, or of a
        version that cannot be migrated.
        """
        state = unpacked(migrated(snapshot))
        self._check(state)
        for shard_state in state["shards"]:
            self._stage_of[shard_state["shard"]].load(shard_state)
        self.jurisdiction.load(state["stage"])

    def _check(self, state: dict[str, Any]) -> None:
        mine = {detector.name for detector in self.jurisdiction.bank.detectors}
        wanted = (self.config.jurisdiction, self.config.shards, mine)
        found = (state["jurisdiction"], len(state["shards"]), set(state["stage"]["bank"]["detectors"]))
        if wanted != found:
            msg = f"the snapshot is of {found}, this engine of {wanted}; rebuild the state from the log"
            raise IncompatibleSnapshotError(msg)

    def _apply_batch(self, batch: TicketColumns) -> Output:
        self.statistics.count_batch(batch)
        if len(self.stages) == 1:
            outcomes = self.stages[0].apply(batch)
        else:
            outcomes = self._apply_parts(batch)
        self.statistics.count_outcomes(outcomes)
        return Output(outcomes=outcomes)

    def _apply_parts(self, batch: TicketColumns) -> NDArray[np.uint8]:
        outcomes = np.zeros(len(batch), np.uint8)
        for stage in self.stages:
            rows = np.nonzero(stage.owned(batch))[0]
            if len(rows):
                part = batch.take(rows)
                outcomes[rows[part.kind == LifeEvent.CREATED]] = stage.apply(part)
        created: NDArray[np.uint8] = outcomes[batch.kind == LifeEvent.CREATED]
        return created

    def _apply_tick(self, tick: Tick) -> Output:
        output = Output()
        for stage in self.stages:
            report = stage.tick(tick)
            if report is not None:
                self.statistics.count_report(report)
                output.points += report.points
                for judgement in self.jurisdiction.report(report):
                    self._add(output, judgement)
        return output

    def _apply_control(self, control: Control) -> Output:
        output = Output()
        for stage in self.stages:
            stage.control(control)
        for judgement in self.jurisdiction.control(control):
            self._add(output, judgement)
        return output

    def _add(self, output: Output, judgement: Judgement) -> None:
        self.statistics.count_judgement(judgement)
        output.signals += judgement.signals
        output.alerts += judgement.alerts
        output.points += judgement.points
        by_id = {signal.id: signal for signal in judgement.signals}
        for alert in judgement.alerts:
            lead = by_id.get(alert.lead_signal_id)
            if lead is not None:
                output.points += self._watch(lead)

    def _watch(self, lead: Signal) -> list[EvidencePoint]:
        """Follow the series that leads an alert, wherever it lives."""
        if lead.series.kind is not SeriesKind.AREA_CATEGORY:
            return self.jurisdiction.watch(lead)
        stage = next(stage for stage in self.stages if lead.series in stage.bank.row_of)
        return stage.watch(lead)


def all_detectors() -> list[CountDetector]:
    """Build one detector of every kind there is."""
    return [detector() for detector in discover()]
