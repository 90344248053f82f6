"""Refused items, plans, sources, users and keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from warning.api.schemas.base import Given, In, Moment, Name, Out
from warning.api.schemas.tickets import RejectOut
from warning.domain.account import Role

LARGEST = 2**63 - 1


def _example(**members: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [members]})


class RejectionOut(Out):
    """A refused item. Its original is in quarantine until ``original_until``."""

    id: int
    at: Moment
    source: str
    reject: RejectOut
    replayed_at: Moment | None
    original_until: Moment | None


class RejectionPage(Out):
    """A page of refused items."""

    items: list[RejectionOut]
    next_cursor: str | None


class ReplayIn(In):
    """Refused items to send through intake again."""

    model_config = _example(ids=[17, 18])
    ids: Annotated[list[Annotated[int, Field(strict=True, ge=0, le=LARGEST)]], Field(min_length=1, max_length=1000)]


class HistoryOut(Out):
    """What a load of history brought."""

    rows: Annotated[int, Field(description="Events that are history now. 已载入的事件数")]
    newer: Annotated[int, Field(description="Left out: not older than what came in live. 较新而未载入")]
    rejected: Annotated[dict[str, int], Field(description="Rows refused, by reason. 被拒绝的行数")]
    until: Annotated[Moment, Field(description="Nothing is said of before. 此前不产生预警")]
    gap: Annotated[Moment | None, Field(description="Where a log without its beginning begins. 日志起始缺失时的起点")]


class LoadOut(Out):
    """A load of history; without ``until`` it has not ended, or was broken off, and does not count."""

    id: int
    files: list[str]
    mapping: str
    loaded_at: Moment
    rows: int
    rejected: int
    until: Moment | None


class PlanIn(In):
    """A planned event; no areas or no categories means all."""

    model_config = _example(
        title="马拉松赛", start="2099-05-03T06:00:00+08:00", end="2099-05-03T14:00:00+08:00", areas=["江川市/南岸区"]
    )
    title: Annotated[str, Field(min_length=1, max_length=200)]
    start: Given
    end: Given
    areas: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    categories: Annotated[tuple[Name, ...], Field(max_length=100)] = ()


class PlanOut(Out):
    """A planned event: what it explains raises no alert and is not learned."""

    id: str
    title: str
    start: Moment
    end: Moment
    areas: list[str]
    categories: list[str]
    entered_by: str
    entered_at: Moment | None
    cancelled_at: Moment | None


class SourceIn(In):
    """A platform that pushes tickets. One that is there gets the mapping and titles given."""

    model_config = _example(name="hotline", mapping="canonical", title_zh="市民热线", title_en="Hotline")
    name: Annotated[str, Field(min_length=1, max_length=64)]
    mapping: Annotated[str, Field(min_length=1, max_length=1000, description="Name or path. 映射名称或路径")]
    title_zh: Name = ""
    title_en: Name = ""


class SourceOut(Out):
    """A source and how fresh its data is."""

    name: str
    mapping: str
    title_zh: str
    title_en: str
    last_received_at: Moment | None = None
    last_event_at: Moment | None = None
    silent: Annotated[bool, Field(description="Nothing came for longer than its lateness. 超过迟到期限无数据")] = False


class UserIn(In):
    """A person to let in; without a password a random one is made."""

    model_config = _example(name="wang", role="operator")
    name: Annotated[str, Field(min_length=1, max_length=64)]
    role: Role
    password: Annotated[str | None, Field(max_length=1000, repr=False)] = None


class UserChange(In):
    """What a user is from now on; the user's sessions end."""

    model_config = _example(role="reviewer", active=True)
    role: Role
    active: Annotated[bool, Field(strict=True)]


class PasswordIn(In):
    """Another password; none: a random one is made."""

    model_config = _example(password="four unrelated words")  # noqa: S106  an example
    password: Annotated[str | None, Field(max_length=1000, repr=False)] = None


class UserOut(Out):
    """A person's account."""

    name: str
    role: Role
    active: bool
    created_at: Moment


class NewUserOut(UserOut):
    """A user with the password, which is not shown again."""

    password: str


class PasswordOut(Out):
    """A password, which is not shown again."""

    password: str


class KeyIn(In):
    """A key of a source."""

    model_config = _example(source="hotline")
    source: Annotated[str, Field(min_length=1, max_length=64)]
    expires_at: Given | None = None


class RotateIn(In):
    """How long the old key works beside the new one."""

    model_config = _example(overlap_hours=24)
    overlap_hours: Annotated[int, Field(strict=True, ge=0, le=24 * 30)] = 24

    @property
    def overlap(self) -> timedelta:
        """As a span of time."""
        return timedelta(hours=self.overlap_hours)


class KeyOut(Out):
    """A platform's key, told apart by its first characters."""

    id: str
    source: str
    prefix: str
    created_at: Moment
    expires_at: Moment | None
    revoked_at: Moment | None
    last_used_at: Moment | None


class NewKeyOut(KeyOut):
    """A key with its secret, which is not shown again."""

    key: str
