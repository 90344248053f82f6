"""Planned events: what people know beforehand, so that it raises no alert and is not learned as normal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import xxhash

from warning.domain.area import AreaPath
from warning.domain.control import Control, ControlKind
from warning.domain.errors import UnknownNameError
from warning.service.errors import BadInputError
from warning.service.ports import Plan, PlanStore
from warning.service.times import check_sensible

LONGEST_TITLE = 200
MOST_NAMES = 100
"""Areas, and categories, of one plan."""
LONGEST = timedelta(days=92)
"""Where a plan holds nothing is said: what lasts longer than a season is a new normal, to be released by a review."""


class Planning:
    """One jurisdiction's planned events.

    now : the service's clock
    """

    def __init__(self, store: PlanStore, *, jurisdiction: str, now: Callable[[], datetime]) -> None:
        self._store = store
        self._jurisdiction = jurisdiction
        self._now = now

    def plans(self, *, include_past: bool = False) -> list[Plan]:
        """Return the plans by start."""
        return self._store.plans(include_past=include_past)

    def add(
        self,
        title: str,
        start: datetime,
        end: datetime,
        *,
        areas: Sequence[str] = (),
        categories: Sequence[str] = (),
        actor: str,
    ) -> Plan:
        """Enter a planned event; no areas or no categories means all. Raises BadInputError, naming the field."""
        now = self._now()
        title = _checked_title(title)
        _check_times(start, end, now)
        plan = Plan(
            id="",
            title=title,
            start=start,
            end=end,
            areas=_checked_areas(areas),
            categories=_checked_names("categories", categories),
            entered_by=actor,
            entered_at=now,
        )
        plan = replace(plan, id=xxhash.xxh3_64_hexdigest(repr(plan).encode()))
        self._store.save(plan, self._control(plan, until=end))
        return plan

    def cancel(self, plan_id: str, actor: str) -> Plan:
        """Call a plan off; one that was called off before stays as it is. Raises UnknownNameError."""
        known = {plan.id: plan for plan in self._store.plans(include_past=True)}
        plan = known.get(plan_id)
        if plan is None:
            raise UnknownNameError("plan", plan_id, list(known))
        if plan.cancelled_at is not None:
            return plan
        cancelled = replace(plan, cancelled_at=self._now())
        self._store.save(cancelled, replace(self._control(plan, until=plan.start), reason=f"{actor}: {plan.title}"))
        return cancelled

    def _control(self, plan: Plan, *, until: datetime) -> Control:
        return Control(
            kind=ControlKind.PLANNED,
            jurisdiction=self._jurisdiction,
            effective_from=_ms(plan.start),
            until=_ms(until),
            reason=f"{plan.entered_by}: {plan.title}",
            plan=plan.id,
            areas=plan.areas,
            categories=plan.categories,
        )


def _checked_title(title: str) -> str:
    title = title.strip()
    if not title:
        raise BadInputError("title", "is empty", "Say what is planned.", "title: 为空。请说明计划内容。")
    if len(title) > LONGEST_TITLE or not title.isprintable():
        raise BadInputError(
            "title",
            f"is not one line of at most {LONGEST_TITLE} characters",
            "Shorten it.",
            f"title: 须为一行,至多 {LONGEST_TITLE} 个字符。请缩短。",
        )
    return title


def _check_times(start: datetime, end: datetime, now: datetime) -> None:
    for field, moment in (("start", start), ("end", end)):
        if moment.utcoffset() is None:
            raise BadInputError(
                field,
                "has no time zone",
                "Write it with an offset, such as 2026-05-01T08:00:00+08:00.",
                f"{field}: 缺少时区。请写明时差,例如 2026-05-01T08:00:00+08:00。",
            )
        check_sensible(field, moment)
    if end <= start:
        raise BadInputError("end", "is not after start", "Give a later end.", "end: 不晚于开始时间。请改为更晚的时间。")
    if end <= now:
        raise BadInputError("end", "has passed", "Plan what is to come.", "end: 已经过去。只能登记尚未结束的计划。")
    if end - start > LONGEST:
        raise BadInputError(
            "end",
            f"is more than {LONGEST.days} days after start",
            "For a lasting change review its alert as expected_change.",
            f"end: 距开始超过 {LONGEST.days} 天。长期变化请在预警上选择“预期变化”。",
        )


def _checked_areas(areas: Sequence[str]) -> tuple[str, ...]:
    for area in _checked_names("areas", areas):
        try:
            AreaPath.parse(area)
        except ValueError as error:
            raise BadInputError(
                "areas",
                str(error),
                'Write paths such as "City/North".',
                f"areas: {area!r} 不是区域路径。请写成“市/区”的形式。",
            ) from error
    return _checked_names("areas", areas)


def _checked_names(field: str, names: Sequence[str]) -> tuple[str, ...]:
    if len(names) > MOST_NAMES:
        raise BadInputError(
            field,
            f"holds more than {MOST_NAMES}",
            "Leave it empty for all.",
            f"{field}: 超过 {MOST_NAMES} 个。留空表示全部。",
        )
    stripped = [name.strip() for name in names]
    if not all(name and name.isprintable() for name in stripped):
        raise BadInputError(
            field, "holds an empty or unprintable name", "Leave it out.", f"{field}: 含有空名称或不可见字符。请删去。"
        )
    return tuple(sorted(set(stripped)))


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
