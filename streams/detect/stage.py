"""What a partition of the log adds up to: the shard stage of its shards, and its place in the clock. Pure.

::

    records    [batch] [tick, clock 7] [control, 8] [tick, 7] [batch] [tick, 9]
    said       outcomes    report          -          (again)  outcomes  report, with the control
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from streams.courses import courses_of
from streams.records import Report
from warning.domain.control import Control
from warning.domain.errors import EarlyWarningError, IncompatibleSnapshotError
from warning.domain.ticket import LifeEvent
from warning.engine.engine import all_detectors
from warning.engine.grid import Grid
from warning.engine.parts import restore_shards, shard_snapshot
from warning.engine.records import Tick
from warning.engine.shard_stage import ShardStage, shard_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.generations import Generation
    from warning.engine.config import EngineConfig
    from warning.intake.columns import TicketColumns
    from warning.policy.config import PolicyConfig

VERSION = 1


class WrongPartitionError(EarlyWarningError):
    """The log holds what its partition must not: the settings, or the topic's partitions, were changed under it."""

    def __init__(self, place: str, english: str, chinese: str) -> None:
        super().__init__(
            f"{place}: {english}. Set the setting back to what the log was begun with; to change the number of "
            "partitions use `early-warning repartition`, which makes a new topic."
        )
        self.zh = (
            f"{place}: {chinese}。请把设置改回日志建立时的值;更改分区数请使用 early-warning repartition (会新建主题)。"
        )


class DetectStage:
    """The state of one partition.

    Parameters
    ----------
    config : of the engine
    policy : decides which series may lead an alert
    generation : the log's topic now
    partition : of it
    """

    def __init__(self, config: EngineConfig, policy: PolicyConfig, generation: Generation, partition: int) -> None:
        self.config = config
        self.partition = partition
        self.shards = generation.shards(partition, config.shards)
        self.stage = ShardStage(config, Grid(config.zone), all_detectors(), self.shards)
        self.clock = -1
        """Offset in the clock of the last tick or control that was obeyed."""
        self.controls: list[Control] = []
        """Those since the last report."""
        self._policy = policy
        self._generation = generation

    @property
    def watermark(self) -> int | None:
        """The watermark of the last tick, milliseconds of the epoch."""
        return self.stage.watermark

    def anew(self) -> DetectStage:
        """Return the state of the same partition before its first record."""
        return DetectStage(self.config, self._policy, self._generation, self.partition)

    def apply(self, batch: TicketColumns) -> NDArray[np.uint8]:
        """Count a batch; returns an outcome code for each row that came from a source."""
        return self.stage.apply(batch)

    def own(self, batch: TicketColumns) -> TicketColumns:
        """Return the rows of a batch that are of this partition's shards."""
        rows = np.nonzero(self.stage.owned(batch))[0]
        return batch if len(rows) == len(batch) else batch.take(rows)

    def check(self, batch: TicketColumns, place: str) -> None:
        """Refuse a batch that is not of this partition, or not of this jurisdiction: raises WrongPartitionError."""
        if batch.jurisdiction != self.config.jurisdiction:
            names = f"{batch.jurisdiction!r} / {self.config.jurisdiction!r}"
            english = f"tickets of another jurisdiction than the setting says ({names})"
            raise WrongPartitionError(place, english, f"工单所属辖区与设置不符 ({names})")
        if self.stage.owns(batch.category.values) or self.stage.owned(batch).all():
            return
        found = {shard_of(batch.jurisdiction, name, self.config.shards) for name in batch.category.only_used().values}
        foreign = sorted(found.difference(self.shards))
        of = f"{self.partition} of {self._generation.partitions}"
        english = f"tickets of the shards {foreign}, which partition {of} does not carry (engine.shards, partitions)"
        raise WrongPartitionError(place, english, f"含分片 {foreign} 的工单,不属于分区 {of} (engine.shards 或分区数)")

    def is_new(self, clock: int) -> bool:
        """Whether a tick or control was not obeyed yet; if so, it counts as obeyed from now on."""
        if clock <= self.clock:
            return False
        self.clock = clock
        return True

    def tick(self, tick: Tick, era: int) -> Report | None:
        """Obey a tick; returns the report of it, None for a tick whose number was passed."""
        report = self.stage.tick(tick)
        if report is None:
            return None
        controls, self.controls = tuple(self.controls), []
        courses = courses_of(report, self.stage, self._policy)
        return Report(era=era, partition=self.partition, report=report, controls=controls, courses=courses)

    def control(self, control: Control) -> None:
        """Obey a control record, and keep it for the next report."""
        self.stage.control(control)
        self.controls.append(control)

    def state(self) -> dict[str, Any]:
        """Return everything as plain data, a copy."""
        controls = msgspec.to_builtins(self.controls)
        return {"version": VERSION, "clock": self.clock, "controls": controls, "stage": shard_snapshot(self.stage)}

    def load(self, state: dict[str, Any]) -> None:
        """Take a state over, before the first record; raises IncompatibleSnapshotError for what is not its own."""
        if state.get("version") != VERSION:
            found = state.get("version")
            raise IncompatibleSnapshotError(
                f"a partition's snapshot of version {found!r} cannot be read by this program (version {VERSION}); "
                "rebuild the state from the log"
            )
        restore_shards(self.stage, state["stage"])
        self.clock = state["clock"]
        self.controls = msgspec.convert(state["controls"], list[Control])


def restored(of: DetectStage, state: dict[str, Any]) -> DetectStage:
    """Return the state of the same partition that a snapshot holds."""
    stage = of.anew()
    stage.load(state)
    return stage


def created_rows(batch: TicketColumns) -> TicketColumns:
    """Return the rows that have an outcome: those that came from a source."""
    created = batch.kind == LifeEvent.CREATED
    return batch if created.all() else batch.take(np.nonzero(created)[0])
