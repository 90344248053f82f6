"""What a review teaches the models: from a disposition to control records, and the sentence that says so.

Everything a review says is said in its alert's name, so that a changed review takes all of it back by a RESET:
the series are then as if the earlier review had not been, whatever other alerts' reviews say of the same series.

===============  =======================================================================================
confirmed        PROTECT: the alert's series do not learn this period as normal; one step more sensitive again
false_alarm      SENSITIVITY: the leading series needs evidence four times as strong, at most 64 times in all
expected_change  RELEASE: the alert's series learn the new level at once
duplicate        nothing
needs_more_data  nothing
===============  =======================================================================================

Each is REVIEWED besides: the alert stays itself from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from warning.domain.alert import Disposition
from warning.domain.area import AreaRegister
from warning.domain.control import SENSITIVITY_STEP, STRONGEST_FACTOR, Control, ControlKind
from warning.domain.series import SeriesKey, SeriesKind
from warning.domain.signal import EvidenceState, Signal
from warning.service.explain import own_signals
from warning.service.ports import AlertView
from warning.service.words import DISPOSITIONS, Words

_TEACH = {Disposition.CONFIRMED, Disposition.FALSE_ALARM, Disposition.EXPECTED_CHANGE}
_NOTHING = Words("", "")
_ALL = {
    SeriesKind.TOTAL: Words("全部工单", "all tickets"),
    SeriesKind.DEPARTMENT: Words("部门 {}", "department {}"),
    SeriesKind.CHANNEL: Words("渠道 {}", "channel {}"),
}


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a review does to the engine, and how a person is told; ``effect`` is empty when it does nothing."""

    controls: tuple[Control, ...]
    effect: Words


class Feedback:
    """Turns reviews into lessons.

    register : names areas in both languages
    protection : how far past its window a confirmed alert keeps its series from learning
    """

    def __init__(self, register: AreaRegister, protection: timedelta) -> None:
        self._register = register
        self._protection = protection

    def lesson(self, view: AlertView, signals: Sequence[Signal], disposition: Disposition) -> Lesson:
        """Say what a disposition teaches. ``view`` is the alert as it was before; ``signals`` may hold others'."""
        live = [s for s in own_signals(view.alert, signals) if s.state is not EvidenceState.WITHDRAWN]
        undo, undone = _undo(view)
        taught, effect = self._taught(view, live, disposition)
        reviewed = _said(view, ControlKind.REVIEWED, disposition)
        return Lesson((*undo, *taught, reviewed), Words(undone.zh + effect.zh, _joined(undone.en, effect.en)))

    def _taught(
        self, view: AlertView, live: Sequence[Signal], disposition: Disposition
    ) -> tuple[tuple[Control, ...], Words]:
        if not live:
            return (), _NOTHING
        if disposition is Disposition.CONFIRMED:
            return self._confirmed(view, live)
        if disposition is Disposition.FALSE_ALARM:
            return self._false_alarm(view, live[0].series)
        if disposition is Disposition.EXPECTED_CHANGE:
            return _expected_change(view, live)
        return (), _NOTHING

    def _confirmed(self, view: AlertView, live: Sequence[Signal]) -> tuple[tuple[Control, ...], Words]:
        until = view.alert.window_end + self._protection
        series = _series_of(live)
        protect = [
            _said(view, ControlKind.PROTECT, Disposition.CONFIRMED, series=key, until=_ms(until)) for key in series
        ]
        step = 1 / SENSITIVITY_STEP
        sensitive = _said(view, ControlKind.SENSITIVITY, Disposition.CONFIRMED, series=live[0].series, factor=step)
        effect = Words(
            f"{len(series)} 条序列在 {until:%Y-%m-%d %H:%M} 之前不把这段时期学为常态;"
            "若此前因误报调低过灵敏度,现恢复一级。",
            f"{len(series)} series do not learn this period as normal before {until:%Y-%m-%d %H:%M}; "
            "sensitivity that earlier false alarms took comes back by one step.",
        )
        return (*protect, sensitive), effect

    def _false_alarm(self, view: AlertView, lead: SeriesKey) -> tuple[tuple[Control, ...], Words]:
        control = _said(view, ControlKind.SENSITIVITY, Disposition.FALSE_ALARM, series=lead, factor=SENSITIVITY_STEP)
        name = self._named(lead)
        effect = Words(
            f"“{name.zh}”今后须有 {SENSITIVITY_STEP:.0f} 倍强的证据才会预警 (累计至多 {STRONGEST_FACTOR:.0f} 倍)。",
            f"{name.en!r} now needs evidence {SENSITIVITY_STEP:.0f} times as strong to alert "
            f"(at most {STRONGEST_FACTOR:.0f} times in all).",
        )
        return (control,), effect

    def _named(self, key: SeriesKey) -> Words:
        area = self._register.get(key.path)
        what = _ALL.get(key.kind, Words("{}", "{}"))
        return Words(f"{what.zh.format(key.name)}, {area.name_zh}", f"{what.en.format(key.name)}, {area.name_en}")


def _expected_change(view: AlertView, live: Sequence[Signal]) -> tuple[tuple[Control, ...], Words]:
    series = _series_of(live)
    controls = tuple(_said(view, ControlKind.RELEASE, Disposition.EXPECTED_CHANGE, series=key) for key in series)
    effect = Words(
        f"{len(series)} 条序列即刻起把新水平学为常态。",
        f"{len(series)} series learn the new level as normal from now on.",
    )
    return controls, effect


def _undo(view: AlertView) -> tuple[tuple[Control, ...], Words]:
    """Take back what the alert's earlier review taught, under whatever id the alert had then."""
    earlier = view.handling.disposition
    if earlier is None or earlier not in _TEACH:
        return (), _NOTHING
    words = DISPOSITIONS[earlier]
    effect = Words(
        f"此前结论“{words.zh}”的影响已撤回。", f"What the earlier review ({words.en}) had taught is taken back."
    )
    reset = _said(view, ControlKind.RESET, earlier)
    return tuple(replace(reset, alert=name) for name in (view.alert.id, *view.alert.aliases)), effect


def _said(
    view: AlertView,
    kind: ControlKind,
    disposition: Disposition,
    *,
    series: SeriesKey | None = None,
    until: int | None = None,
    factor: float = 1.0,
) -> Control:
    """Write a control record in the alert's name, effective from the start of its leading window."""
    alert = view.alert
    return Control(
        kind=kind,
        jurisdiction=alert.jurisdiction,
        effective_from=_ms(alert.window_start),
        until=until,
        series=series,
        reason=disposition.value,
        factor=factor,
        alert=alert.id,
    )


def _series_of(signals: Sequence[Signal]) -> list[SeriesKey]:
    return sorted({signal.series for signal in signals})


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)
