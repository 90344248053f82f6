"""Alerts: the fields of a line of alerts.jsonl, and how the alert is being handled."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from warning.api.schemas.base import Count, Figure, Moment, Out
from warning.domain.alert import AlertStatus, Disposition, ReviewFlag
from warning.domain.bucket import BucketLength
from warning.domain.handling import Act
from warning.domain.series import SeriesKind
from warning.domain.signal import EvidenceState
from warning.service.desk import AlertDetail
from warning.service.ports import AlertView

Probability = Annotated[Figure, Field(ge=0, le=1, description="Mid-p value, calibrated. 校准后的中位 p 值")]
Severity = Annotated[int, Field(ge=0, le=100, description="0 to 100, higher is worse. 严重程度")]
Days = Annotated[Figure, Field(ge=0, description="In days. 以天计")]
Parts = Annotated[
    list[tuple[str, int, Figure]],
    Field(description="[area, observed, expected], largest excess first. 下一级各部分:实际与预计"),
]


class SeriesOut(Out):
    """A monitored count series."""

    kind: SeriesKind
    area: str
    name: str


class ExampleOut(Out):
    """A redacted ticket that the evidence rests on."""

    source: str
    ticket_id: str
    created_at: Moment
    area: str
    text: str


class FlagOut(Out):
    """Why a person must look."""

    code: ReviewFlag
    reason_zh: str
    reason_en: str


class WordsOut(Out):
    """One sentence in both languages."""

    zh: str
    en: str


class TransitionOut(Out):
    """One line of an alert's history: which named rule changed it."""

    rule: str
    at: Moment
    severity: Severity
    status: AlertStatus
    observed: Count
    expected: Figure


class HandlingOut(Out):
    """How people handle an alert. Every act names the version it saw."""

    version: Annotated[int, Field(ge=0, description="Grows by one with every act. 每次操作加一")]
    status: AlertStatus
    assignee: str
    disposition: Disposition | None
    reviewer: str
    snoozed_until: Moment | None


class EntryOut(Out):
    """One line of the handling history."""

    version: int
    rule: str
    act: Act
    actor: str
    at: Moment
    status: AlertStatus
    reason: str
    assignee: str
    disposition: Disposition | None
    until: Moment | None
    effect_zh: Annotated[str, Field(description="What it taught the models. 对模型的影响")]
    effect_en: str


class AlertOut(Out):
    """An episode that a person should look at, with its handling."""

    id: Annotated[str, Field(description="The same for the alert's whole life. 预警编号,终身不变")]
    jurisdiction: str
    raised_at: Moment
    updated_at: Moment
    closed_at: Moment | None
    state: EvidenceState
    kind: str
    detectors: list[str]
    window_start: Moment
    window_end: Moment
    areas: list[str]
    categories: list[str]
    departments: list[str]
    channels: list[str]
    severity: Severity
    p_value: Probability
    recurrence_interval_days: Days
    observed: Annotated[int, Field(ge=0, description="Tickets in the window. 窗口内实际件数")]
    expected: Annotated[Figure, Field(description="Tickets the model of normal expected. 预计件数")]
    upper_bound: Annotated[Figure, Field(description="The smallest count that is unusual. 达到即为异常的件数")]
    flags: list[FlagOut]
    status: Annotated[AlertStatus, Field(description="What people did; untouched, what the engine says. 处置状态")]
    aliases: Annotated[list[str], Field(description="Ids of alerts merged into this one. 并入的预警编号")]
    headline: WordsOut
    lead_signal_id: str
    signal_ids: list[str]
    parts: Parts
    examples: list[ExampleOut]
    history: list[TransitionOut]
    needs_review: Annotated[bool, Field(description="Waits for a disposition. 等待复核结论")]
    handling: HandlingOut

    @classmethod
    def of(cls, view: AlertView) -> AlertOut:
        """Show an alert with its handling."""
        return cls.model_validate(_members(view))


class SignalOut(Out):
    """One detector's evidence on one series in one window, as a line of signals.jsonl has it."""

    id: str
    jurisdiction: str
    detector: str
    kind: str
    series: SeriesOut
    length: BucketLength
    window_start: Moment
    window_end: Moment
    raised_at: Moment
    updated_at: Moment
    state: EvidenceState
    observed: Count
    expected: Figure
    upper_bound: Figure
    p_value: Probability
    score: Annotated[Figure, Field(description="(observed - expected) / (upper bound - expected). 超出程度")]
    recurrence_interval_days: Days
    history_days: Days
    parts: Parts
    departments: list[str]
    channels: list[str]
    examples: list[ExampleOut]


class EvidenceOut(Out):
    """One bucket of the leading series, as a line of evidence.jsonl has it."""

    series: SeriesOut
    length: BucketLength
    start: Moment
    end: Moment
    observed: Count
    expected: Figure
    upper_bound: Figure


class AlertDetailOut(AlertOut):
    """An alert with all that it rests on; its parts sum to observed."""

    zone: str
    reason: WordsOut
    signals: list[SignalOut]
    course: list[EvidenceOut]
    entries: Annotated[list[EntryOut], Field(description="What people did, oldest first. 处置经过")]

    @classmethod
    def explained(cls, detail: AlertDetail, zone: str) -> AlertDetailOut:
        """Show an alert with what it rests on."""
        parts = [(part.name, part.observed, part.expected) for part in detail.parts]
        rests_on = {name: getattr(detail, name) for name in ("reason", "signals", "course", "entries")}
        return cls.model_validate(_members(detail.view) | {"parts": parts, "zone": zone} | rests_on)


class AlertPage(Out):
    """A page of alerts."""

    items: list[AlertOut]
    next_cursor: Annotated[str | None, Field(description="Of the next page; none: this was the last. 下一页游标")]


def _members(view: AlertView) -> dict[str, Any]:
    own = {name: getattr(view.alert, name) for name in AlertOut.model_fields if hasattr(view.alert, name)}
    return own | {"status": view.status, "needs_review": view.needs_review, "handling": view.handling}
