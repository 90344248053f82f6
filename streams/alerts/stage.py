"""The alert stage: reports of partitions, in whatever order, in; what the engine says of each tick, in order, out.

Pure and synchronous. A tick is judged once every shard has reported it that is not left out; repeated reports and
those of an older era say nothing new. A report of a tick that was judged without its shards waits until they are back
(:mod:`warning.engine.absent`), and so do the courses in it.

::

    partition 0   tick 5 ----- tick 6 ----------- tick 7
    partition 1   ------ tick 5 ------ tick 5 --- tick 6
    judged               5                        6
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streams.absences import Absences
from streams.alerts.led import Led
from streams.courses import Course, pasts_in
from streams.records import Report, decode_report, encode_report
from streams.topics import partition_of
from warning.domain.control import Control, ControlKind
from warning.domain.errors import IncompatibleSnapshotError
from warning.domain.evidence import EvidencePoint
from warning.domain.series import SeriesKind
from warning.engine.parts import jurisdiction_snapshot, restore_jurisdiction
from warning.engine.records import Output, Tick
from warning.store.sql.bodies import from_body, to_body

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from warning.engine.course import Past
    from warning.engine.jurisdiction_stage import Judgement, JurisdictionStage

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Late:
    """What waits of courses, as it is stored."""

    points: list[EvidencePoint]
    courses: list[Course]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What is said of a tick that all shards have reported."""

    tick: Tick
    output: Output


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The oldest tick that waits, and the shards that have not reported it.

    of : how many partitions the log has
    """

    tick: Tick
    shards: frozenset[int]
    of: int

    @property
    def partitions(self) -> tuple[int, ...]:
        """The partitions that carry the shards."""
        return tuple(sorted({partition_of(shard, self.of) for shard in self.shards}))

    def carried_by(self, partitions: Collection[int]) -> tuple[int, ...]:
        """Return those of the shards that some partitions carry."""
        return tuple(sorted(shard for shard in self.shards if partition_of(shard, self.of) in partitions))


class AlertStage:
    """Judges the ticks of one era.

    jurisdiction : a stage that has judged nothing, unless :meth:`load` follows
    era : reports of other eras are passed over
    """

    def __init__(self, jurisdiction: JurisdictionStage, era: int) -> None:
        self.era = era
        self.absences = Absences()
        """Which shards are left out of which ticks; it may be said anew at any time, of ticks that were not judged."""
        self._jurisdiction = jurisdiction
        self._led = Led(jurisdiction.grid)
        self._waiting: dict[int, dict[int, Report]] = {}
        """By tick and first shard."""
        self._late: list[EvidencePoint] = []
        """Points of ticks that were judged, to go out with the next one."""
        self._courses_held: dict[str, Course] = {}
        """By signal: of shards that are left out, as long as one is."""

    @property
    def last_tick(self) -> int:
        """The number of the last tick judged; -1: none."""
        return self._jurisdiction.last_tick

    @property
    def jurisdiction(self) -> str:
        """The name of what is judged."""
        return self._jurisdiction.config.jurisdiction

    @property
    def held(self) -> int:
        """How many ticks wait for reports."""
        return len(self._waiting)

    @property
    def furthest(self) -> int:
        """The number of the last tick that waits for reports; -1: none does."""
        return max(self._waiting, default=-1)

    def caught_up(self) -> frozenset[int]:
        """Return the shards that are left out though they have reported the last tick judged."""
        return self._jurisdiction.absent.caught_up(self.last_tick)

    def take(self, report: Report) -> list[Judged]:
        """Take a report in; returns what is said of all ticks that are now complete, in order."""
        tick = report.report.tick
        if report.era != self.era:
            return []
        if tick.number <= self.last_tick:
            self._take_late(report)
            return []
        self._waiting.setdefault(tick.number, {}).setdefault(min(report.report.shards), report)
        return self.judge()

    def _take_late(self, report: Report) -> None:
        """Take in what a partition says of a tick that was judged without its shards."""
        if self._jurisdiction.absent.missed(report.report):
            self._late += self._led.kept(report.report.points)
            self._hold_courses(report)
            self._jurisdiction.report(report.report)

    def _hold_courses(self, report: Report) -> None:
        self._courses_held |= {course.signal: course for course in report.courses}

    def judge(self) -> list[Judged]:
        """Return what is said of all ticks that are complete, in order."""
        return list(self._judge_complete())

    def missing(self) -> Missing | None:
        """Return what is waited for; None when no tick waits."""
        if not self._waiting:
            return None
        reports = self._reports(min(self._waiting))
        shards = frozenset(self._wanted(reports) - _reported(reports))
        return Missing(tick=reports[0].report.tick, shards=shards, of=self._partitions(reports[0]))

    def _partitions(self, report: Report) -> int:
        """Return how many partitions the log has, by the shards that one of them carries."""
        shards = sorted(report.report.shards)
        return shards[1] - shards[0] if len(shards) > 1 else self._jurisdiction.config.shards

    def _judge_complete(self) -> Iterable[Judged]:
        for number in sorted(self._waiting):
            reports = self._reports(number)
            if not self._wanted(reports) <= _reported(reports):
                return
            del self._waiting[number]
            yield self._judged(reports)

    def _reports(self, number: int) -> list[Report]:
        return [report for _, report in sorted(self._waiting[number].items())]

    def _wanted(self, reports: Sequence[Report]) -> set[int]:
        """Return the shards that must report a tick."""
        left_out = set(self._jurisdiction.left_out)
        for control in self._controls(reports):
            if control.kind is ControlKind.SHARD_LEFT_OUT and control.shard is not None:
                left_out.add(control.shard)
            elif control.kind is ControlKind.SHARD_BACK and control.shard is not None:
                left_out.discard(control.shard)
        return set(range(self._jurisdiction.config.shards)) - left_out

    def _controls(self, reports: Sequence[Report]) -> list[Control]:
        """Return what holds from a tick on: what was decided of shards, and the tick's own controls.

        What a decision's own controls say in the log holds already.
        """
        decided = self.absences.between(self.last_tick, reports[0].report.tick.number, self.jurisdiction)
        return decided + [control for control in reports[0].controls if not self.absences.tells(control)]

    def _judged(self, reports: Sequence[Report]) -> Judged:
        """Judge one tick: first its controls, which are the same in all reports, then the reports by their shards."""
        for control in self._controls(reports):
            self._obey(control)
        tick = reports[0].report.tick
        late, self._late = self._late, []
        output = Output(points=late + self._led.kept(point for report in reports for point in report.report.points))
        self._led.begin(tick.watermark)
        pasts = self._pasts(reports)
        for report in reports:
            for judgement in self._jurisdiction.report(report.report):
                output.signals += judgement.signals
                output.alerts += judgement.alerts
                output.points += [*judgement.points, *self._courses(judgement, pasts)]
        return Judged(tick=tick, output=output)

    def _pasts(self, reports: Sequence[Report]) -> dict[str, Past]:
        """Return the pasts of the signals that may lead an alert now; those of signals that wait are kept for later."""
        left_out = self._jurisdiction.left_out
        for report in reports:
            if left_out.intersection(report.report.shards):
                self._hold_courses(report)
        courses = [*self._courses_held.values(), *(course for report in reports for course in report.courses)]
        if not left_out:
            self._courses_held = {}
        return pasts_in(courses)

    def _obey(self, control: Control) -> None:
        """Let the stage obey; as it holds no report now, nothing is judged by that."""
        self._jurisdiction.control(control)

    def _courses(self, judgement: Judgement, pasts: Any) -> Iterable[EvidencePoint]:
        by_id = {signal.id: signal for signal in judgement.signals}
        for alert in judgement.alerts:
            lead = by_id.get(alert.lead_signal_id)
            if lead is None:
                continue
            if lead.series.kind is SeriesKind.AREA_CATEGORY:
                yield from self._led.course(lead, pasts)
            else:
                yield from self._jurisdiction.watch(lead)

    # --- snapshots ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Return everything as plain data, reports that wait for others included."""
        waiting = [report for number in sorted(self._waiting) for report in self._reports(number)]
        return {
            "version": VERSION,
            "era": self.era,
            "jurisdiction": jurisdiction_snapshot(self._jurisdiction),
            "led": self._led.state(),
            "waiting": [encode_report(report) for report in waiting],
            "late": to_body(_Late(points=self._late, courses=list(self._courses_held.values()))),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take a state over, in a stage that has judged nothing; raises IncompatibleSnapshotError."""
        if state.get("version") != VERSION:
            msg = (
                f"a state of version {state.get('version')!r} is not one of version {VERSION}; rebuild it from the log"
            )
            raise IncompatibleSnapshotError(msg)
        restore_jurisdiction(self._jurisdiction, state["jurisdiction"])
        self._led.load(state["led"])
        self.era = state["era"]
        if "late" in state:  # not in states from before shards were left out
            late = from_body(state["late"], _Late)
            self._late, self._courses_held = late.points, {course.signal: course for course in late.courses}
        for body in state["waiting"]:
            report = decode_report(body)
            self._waiting.setdefault(report.report.tick.number, {})[min(report.report.shards)] = report


def _reported(reports: Iterable[Report]) -> set[int]:
    return {shard for report in reports for shard in report.report.shards}
