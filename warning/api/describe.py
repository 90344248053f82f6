"""The API's description (OpenAPI 3.1): what FastAPI derives, with rights, problems and examples added."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from warning.api.access import ACCESS, Rights
from warning.api.examples import EXAMPLES
from warning.api.problems import KINDS, MEDIA_TYPE
from warning.api.schemas.problem import Problem
from warning.api.security import COOKIE
from warning.domain.account import Right

ABOUT = """Push tickets, read and handle alerts. 推送工单,查阅并处置预警。

Platforms send their key as `Authorization: Bearer KEY`; people sign in at `POST /api/v1/session` and send the CSRF
token it gives as `X-CSRF-Token` with everything but GET. Every error is a problem document (RFC 9457) with the reason
and what to do in Chinese and English. Times are ISO 8601 with an offset.
平台用密钥,人员登录后带 CSRF 令牌;所有错误都是双语的问题文档。"""

TAGS = [
    {"name": "tickets", "description": "Tickets in. 工单接入"},
    {"name": "alerts", "description": "Alerts: found, explained, handled, live. 预警"},
    {"name": "rejections", "description": "Refused items. 被拒绝的条目"},
    {"name": "history", "description": "Years of old tickets, to learn from. 历史工单"},
    {"name": "plans", "description": "Planned events. 计划活动"},
    {"name": "sources", "description": "Platforms and how fresh their data is. 来源"},
    {"name": "accounts", "description": "Users and keys. 账号与密钥"},
    {"name": "session", "description": "Signing in and out. 登录"},
    {"name": "health", "description": "For machines that watch. 健康与指标"},
]
PROBLEM: dict[str, Any] = {
    "description": "A problem; its type says which. 问题文档",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_SECURITY_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "A platform's key. 平台密钥"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A person's session. 会话"},
}


class Application(FastAPI):
    """A FastAPI application that describes itself in full."""

    def openapi(self) -> dict[str, Any]:
        """Return the description."""
        if self.openapi_schema is None:
            self.openapi_schema = _completed(super().openapi())
        return self.openapi_schema


def _completed(description: dict[str, Any]) -> dict[str, Any]:
    components = description["components"]
    components["securitySchemes"] = _SECURITY_SCHEMES
    schemas: dict[str, Any] = components["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    schemas["Problem"]["properties"]["type"]["examples"] = [f"/problems/{kind.name}" for kind in KINDS]
    for name, example in EXAMPLES.items():
        schemas[name]["examples"] = [example]
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            _guarded(operation, ACCESS[method.upper(), path])
    return description


def _guarded(operation: dict[str, Any], rights: Rights | None) -> None:
    """Say who may call an operation, and how they are refused."""
    operation["security"] = _security(rights)
    if rights is None:
        return
    operation["x-rights"] = sorted(right.value for right in rights)
    operation["responses"] |= {
        "401": PROBLEM | {"description": "Not signed in. 未登录"},
        "403": PROBLEM | {"description": "Not allowed. 没有权限"},
    }


def _security(rights: Rights | None) -> list[dict[str, list[str]]]:
    if rights is None:
        return []
    by_key: list[dict[str, list[str]]] = [{"key": []}] if Right.PUSH in rights else []
    by_session: list[dict[str, list[str]]] = [{"session": []}] if rights - {Right.PUSH} else []
    return by_key + by_session
