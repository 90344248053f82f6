"""Headlines: one plain sentence in each language that says what, where, when and how much."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from warning.domain.alert import Headline
from warning.domain.bucket import BucketLength
from warning.domain.series import SeriesKind

if TYPE_CHECKING:
    from datetime import datetime

    from warning.domain.area import AreaRegister
    from warning.domain.signal import Signal

_ROUND = 10
_HARDLY_ANY = 0.1
"""Where less is expected, how many times as much came says nothing more."""
_ALL_ZH = {SeriesKind.TOTAL: "全部工单", SeriesKind.DEPARTMENT: "部门 {}", SeriesKind.CHANNEL: "渠道 {}"}
_ALL_EN = {SeriesKind.TOTAL: "All tickets", SeriesKind.DEPARTMENT: "Department {}", SeriesKind.CHANNEL: "Channel {}"}


def headline_of(lead: Signal, register: AreaRegister) -> Headline:
    """Word an alert's leading signal."""
    key = lead.series
    area = register.get(key.path)
    what_zh = _ALL_ZH.get(key.kind, "{}").format(key.name)
    what_en = _ALL_EN.get(key.kind, "{}").format(key.name)
    zh_figures, en_figures = _figures(lead)
    zh = f"{what_zh}: {area.name_zh} {_when_zh(lead)}共 {lead.observed} 件, {zh_figures}"
    en = f"{what_en}: {lead.observed} tickets in {area.name_en} {_when_en(lead)}, {en_figures}"
    return Headline(zh=zh, en=en)


def _figures(lead: Signal) -> tuple[str, str]:
    """Return the expected count and the ratio as a person would say them."""
    if lead.expected < _HARDLY_ANY:
        least = f"{lead.observed / _HARDLY_ANY:.0f}"
        return f"预计不到 {_HARDLY_ANY} 件 (超过 {least} 倍)", f"less than {_HARDLY_ANY} expected (over {least} times)"
    times = lead.observed / lead.expected
    expected = f"{lead.expected:.0f}" if lead.expected >= _ROUND else f"{lead.expected:.1f}"
    ratio = f"{times:.0f}" if times >= _ROUND else f"{times:.1f}"
    return f"预计约 {expected} 件 ({ratio} 倍)", f"about {expected} expected ({ratio} times)"


def _when_zh(lead: Signal) -> str:
    start, end = lead.window_start, lead.window_end
    if lead.length is BucketLength.DAY:
        return f"{start:%Y-%m-%d} 当天"
    if lead.length is BucketLength.WEEK:
        return f"{start:%Y-%m-%d} 至 {_last_day(end):%m-%d} 一周"
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} "


def _when_en(lead: Signal) -> str:
    start, end = lead.window_start, lead.window_end
    if lead.length is BucketLength.DAY:
        return f"on {start:%Y-%m-%d}"
    if lead.length is BucketLength.WEEK:
        return f"in the week {start:%Y-%m-%d} to {_last_day(end):%m-%d}"
    return f"between {start:%Y-%m-%d %H:%M} and {end:%H:%M}"


def _last_day(end: datetime) -> datetime:
    return end - timedelta(days=1)
