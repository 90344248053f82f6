"""The lines of the result files as they stand on disk: the public format, with the schemas made from it.

They have the fields of the domain types, in the same order, so that a change of the format is always deliberate
(``tests/warning/store/test_records.py`` holds the two together).
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from warning.domain.alert import AlertStatus, ReviewFlag
from warning.domain.bucket import BucketLength
from warning.domain.reject import RejectReason
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState

Moment = Annotated[datetime, Meta(tz=True, description="ISO 8601 with the zone's offset. 带时区偏移的时间")]
Count = Annotated[int, Meta(ge=0)]
Figure = Annotated[float, Meta(description="Six significant digits. 六位有效数字")]
Probability = Annotated[float, Meta(ge=0, le=1, description="Mid-p value, calibrated. 校准后的中位 p 值")]
Severity = Annotated[int, Meta(ge=0, le=100, description="0 to 100, higher is worse. 严重程度")]
Days = Annotated[float, Meta(ge=0, description="In days. 以天计")]
Part = tuple[str, int, float]
Parts = Annotated[
    tuple[Part, ...],
    Meta(description="[area, observed, expected] one level below, largest excess first. 下一级各部分:实际与预计"),
]


class _Record(Struct, frozen=True, kw_only=True):
    """A line of a file: fields in the order they are written."""


class SeriesRecord(_Record, frozen=True, kw_only=True):
    """A monitored count series. 被监测的计数序列."""

    kind: SeriesKind
    area: str
    name: str


class ExampleRecord(_Record, frozen=True, kw_only=True):
    """A redacted ticket that the evidence rests on. 脱敏后的示例工单."""

    source: str
    ticket_id: str
    created_at: Moment
    area: str
    text: str


class FlagRecord(_Record, frozen=True, kw_only=True):
    """Why a person must look. 需要人工复核的原因."""

    code: ReviewFlag
    reason_zh: str
    reason_en: str


class HeadlineRecord(_Record, frozen=True, kw_only=True):
    """One sentence in both languages. 双语标题."""

    zh: str
    en: str


class TransitionRecord(_Record, frozen=True, kw_only=True):
    """One line of an alert's history. 预警经过中的一步."""

    rule: str
    at: Moment
    severity: Severity
    status: AlertStatus
    observed: Count
    expected: Figure


class AlertRecord(_Record, frozen=True, kw_only=True):
    """A line of alerts.jsonl: an episode that a person should look at. 一条预警."""

    id: Annotated[str, Meta(description="The same for the alert's whole life. 预警编号,终身不变")]
    jurisdiction: Annotated[str, Meta(description="Whose tickets these are. 辖区")]
    raised_at: Annotated[
        datetime,
        Meta(tz=True, description="When a live run would have shown it: the largest event time read. 发出时间"),
    ]
    updated_at: Moment
    closed_at: Moment | None
    state: Annotated[
        EvidenceState, Meta(description="Provisional: its bucket was still open. Withdrawn: not borne out. 证据状态")
    ]
    kind: Annotated[str, Meta(description="What is unusual, e.g. surge. 类型")]
    detectors: tuple[str, ...]
    window_start: Annotated[datetime, Meta(tz=True, description="Start of the leading signal's window. 窗口开始")]
    window_end: Annotated[datetime, Meta(tz=True, description="End of the window, not included. 窗口结束 (不含)")]
    areas: Annotated[tuple[str, ...], Meta(description="Area paths. 区域")]
    categories: tuple[str, ...]
    departments: tuple[str, ...]
    channels: tuple[str, ...]
    severity: Severity
    p_value: Probability
    recurrence_interval_days: Annotated[
        float, Meta(ge=0, description="Chance alone would give one this strong once in so many days. 偶然再现间隔 (天)")
    ]
    observed: Annotated[int, Meta(ge=0, description="Tickets in the window. 窗口内实际件数")]
    expected: Annotated[float, Meta(description="Tickets the model of normal expected. 预计件数")]
    upper_bound: Annotated[float, Meta(description="The smallest count that is unusual. 达到即为异常的件数")]
    flags: tuple[FlagRecord, ...]
    status: Annotated[AlertStatus, Meta(description="Where its handling stands. 处置状态")]
    aliases: Annotated[tuple[str, ...], Meta(description="Ids of alerts merged into this one. 并入的预警编号")]
    headline: HeadlineRecord
    lead_signal_id: Annotated[str, Meta(description="The signal the figures are of. 数据所依据的信号")]
    signal_ids: Annotated[tuple[str, ...], Meta(description="Its signals, in signals.jsonl. 所含信号")]
    parts: Parts
    examples: tuple[ExampleRecord, ...]
    history: tuple[TransitionRecord, ...]


class SignalRecord(_Record, frozen=True, kw_only=True):
    """A line of signals.jsonl: one detector's evidence on one series in one window. 一条信号."""

    id: str
    jurisdiction: str
    detector: str
    kind: str
    series: SeriesRecord
    length: BucketLength
    window_start: Moment
    window_end: Moment
    raised_at: Annotated[datetime, Meta(tz=True, description="When its first version was given. 首次发出")]
    updated_at: Annotated[datetime, Meta(tz=True, description="When this version was given. 本版发出")]
    state: EvidenceState
    observed: Count
    expected: Figure
    upper_bound: Figure
    p_value: Probability
    score: Annotated[float, Meta(description="(observed - expected) / (upper bound - expected). 超出程度")]
    recurrence_interval_days: Days
    history_days: Annotated[float, Meta(ge=0, description="Days the series had been learned. 已学习的天数")]
    parts: Parts
    departments: Annotated[tuple[str, ...], Meta(description="Of the latest tickets behind it. 相关部门")]
    channels: Annotated[tuple[str, ...], Meta(description="Of the latest tickets behind it. 相关渠道")]
    examples: tuple[ExampleRecord, ...]


class EvidenceRecord(_Record, frozen=True, kw_only=True):
    """A line of evidence.jsonl: one bucket of the course of a series that a signal was given on. 序列走势中的一格."""

    series: SeriesRecord
    length: BucketLength
    start: Moment
    end: Moment
    observed: Count
    expected: Figure
    upper_bound: Figure


class ExplanationRecord(AlertRecord, frozen=True, kw_only=True):
    """What ``explain --json`` prints: the alert with all that it rests on; its parts sum to observed. 预警的解释."""

    zone: Annotated[str, Meta(description="Time zone of the run. 时区")]
    reason: HeadlineRecord
    signals: Annotated[tuple[SignalRecord, ...], Meta(description="The signals that belong to it. 所含信号")]
    course: Annotated[tuple[EvidenceRecord, ...], Meta(description="The leading series over time. 主序列走势")]


class RejectRecord(_Record, frozen=True, kw_only=True):
    """A line of rejected.jsonl: a row that could not be read, and what to do about it. 被拒绝的一行."""

    source: str
    row: Annotated[int, Meta(ge=0, description="Row number in the source, from 1. 行号")]
    field: str
    reason: RejectReason
    advice_zh: str
    advice_en: str
    value: Annotated[str, Meta(description="Redacted and shortened. 已脱敏并截短")]


class SummaryRecord(_Record, frozen=True, kw_only=True):
    """summary.json: the run in figures. 运行概况."""

    jurisdiction: str
    zone: str
    version: str
    inputs: tuple[str, ...]
    mapping: str
    rows: Count
    outcomes: Annotated[dict[str, int], Meta(description="Every row outcome; they sum to rows. 各行结果")]
    reject_reasons: dict[str, int]
    repairs: Annotated[dict[str, int], Meta(description="field:rule, cells repaired. 已修复单元格")]
    life_events: dict[str, int]
    backlog: Annotated[dict[str, int], Meta(description="Department, tickets not yet ended. 各部门未办结件数")]
    first_event: Moment | None
    last_event: Moment | None
    ticks: Count
    decisions: Annotated[int, Meta(ge=0, description="Series-bucket decisions taken. 判断次数")]
    series: dict[str, int]
    overflowed: Annotated[int, Meta(ge=0, description="Tickets beyond a series quota. 超出序列上限的件数")]
    dedupe_horizon_days: Days
    signals: Count
    alerts: Count
    alerts_by_status: dict[str, int]
    notices: Annotated[tuple[str, ...], Meta(description="Limits that were reached. 触及的限制")]
