"""Problem details (RFC 9457), as the API's description shows them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from warning.api.schemas.alerts import HandlingOut


class FieldErrorOut(BaseModel):
    """What is wrong with one field, and what to do."""

    field: str
    problem_zh: str
    problem_en: str


class LimitOut(BaseModel):
    """A limit that was exceeded."""

    name: str
    value: int


class Current(HandlingOut):
    """How the alert is being handled now."""

    alert_id: str


class Problem(BaseModel):
    """What went wrong and what to do, in the language asked for and in both."""

    model_config = ConfigDict(extra="forbid")

    type: Annotated[str, Field(pattern="^/problems/[a-z-]+$", description="The kind; a relative URI. 问题类型")]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    detail_zh: str
    detail_en: str
    request_id: Annotated[str, Field(description="The log knows the request by it. 日志中的请求编号")]
    errors: Annotated[list[FieldErrorOut], Field(description="Field by field. 逐字段")] = []
    limit: LimitOut | None = None
    retry_after: Annotated[int | None, Field(description="Seconds. 秒")] = None
    current: Annotated[Current | None, Field(description="With a conflict: the state now. 冲突时的当前状态")] = None


class ProblemKind(BaseModel):
    """What a kind of problem means."""

    type: str
    status: int
    title_zh: str
    title_en: str
