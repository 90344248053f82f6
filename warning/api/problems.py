"""Every error as RFC 9457 problem details: one table of kinds, and one from errors of the domain to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
from fastapi import Request, Response
from starlette.exceptions import HTTPException

from warning.api.language import language_of
from warning.domain.errors import EarlyWarningError, InvalidInputError, UnknownNameError
from warning.domain.handling import ActRefusedError
from warning.service.accounts import SignInRefusedError
from warning.service.ports import ConflictError, StoreBusyError
from warning.service.words import Words

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its ``type`` is ``/problems/NAME``."""

    name: str
    status: int
    title: Words


NOT_SIGNED_IN = Kind("not-signed-in", 401, Words("需要登录", "Not signed in"))
SIGN_IN_REFUSED = Kind("sign-in-refused", 401, Words("登录失败", "Sign-in refused"))
FORBIDDEN = Kind("forbidden", 403, Words("没有权限", "Not allowed"))
CROSS_SITE = Kind("cross-site", 403, Words("请求来自其他网站", "Request from another site"))
CSRF = Kind("csrf", 403, Words("缺少有效的 CSRF 令牌", "No valid CSRF token"))
NOT_FOUND = Kind("not-found", 404, Words("不存在", "Not found"))
METHOD_NOT_ALLOWED = Kind("method-not-allowed", 405, Words("不支持此方法", "Method not allowed"))
TOO_SLOW = Kind("too-slow", 408, Words("请求体传输过慢", "Body too slow"))
CONFLICT = Kind("conflict", 409, Words("已被他人更新", "Changed by someone else"))
ACT_REFUSED = Kind("act-refused", 409, Words("当前状态不允许此操作", "Not possible in this state"))
TOO_LARGE = Kind("too-large", 413, Words("请求过大", "Request too large"))
WRONG_MEDIA_TYPE = Kind("wrong-media-type", 415, Words("不支持的内容类型", "Media type not supported"))
INVALID = Kind("invalid", 422, Words("输入有误", "Invalid input"))
UNREADABLE = Kind("unreadable", 422, Words("请求体无法读取", "Body cannot be read"))
TOO_MANY = Kind("too-many", 429, Words("请求过多", "Too many requests"))
FAILED = Kind("failed", 500, Words("服务内部出错", "The service failed"))
BUSY = Kind("busy", 503, Words("服务正忙", "The service is busy"))
REFUSED = Kind("refused", 400, Words("请求无法处理", "Request refused"))

KINDS = (
    *(NOT_SIGNED_IN, SIGN_IN_REFUSED, FORBIDDEN, CROSS_SITE, CSRF, NOT_FOUND, METHOD_NOT_ALLOWED, TOO_SLOW, CONFLICT),
    *(ACT_REFUSED, TOO_LARGE, WRONG_MEDIA_TYPE, INVALID, UNREADABLE, TOO_MANY, FAILED, BUSY, REFUSED),
)

ERRORS: tuple[tuple[type[EarlyWarningError], Kind], ...] = (
    (ConflictError, CONFLICT),
    (ActRefusedError, ACT_REFUSED),
    (StoreBusyError, BUSY),
    (SignInRefusedError, SIGN_IN_REFUSED),
    (UnknownNameError, NOT_FOUND),
    (InvalidInputError, INVALID),
    (EarlyWarningError, REFUSED),
)
"""Errors of the domain and the services, the more special before the more general."""

_BY_STATUS = {kind.status: kind for kind in (NOT_FOUND, METHOD_NOT_ALLOWED, NOT_SIGNED_IN, FORBIDDEN, TOO_LARGE)}


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field, and what to do."""

    field: str
    problem_zh: str
    problem_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem, ready to be said in either language; ``extra`` are further members of the document."""

    kind: Kind
    detail: Words
    errors: tuple[FieldError, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class ProblemError(HTTPException):
    """A problem of the API itself, on its way to the one place that answers it."""

    def __init__(
        self,
        kind: Kind,
        detail: Words,
        *,
        errors: tuple[FieldError, ...] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind.status, detail.en, dict(headers or {}))
        self.problem = Problem(kind=kind, detail=detail, errors=errors, extra=extra or {}, headers=headers or {})


def wait(kind: Kind, detail: Words, seconds: int) -> ProblemError:
    """Make the error that goes away by itself."""
    return ProblemError(kind, detail, extra={"retry_after": seconds}, headers={"Retry-After": str(seconds)})


def problem_of(error: Exception) -> Problem:
    """Return the problem that an error means to whoever sent the request."""
    if isinstance(error, ProblemError):
        return error.problem
    if isinstance(error, HTTPException):
        return _of_framework(error)
    kind = next(kind for known, kind in ERRORS if isinstance(error, known))
    detail = Words(getattr(error, "zh", "") or f"{kind.title.zh}:{error}", str(error))
    if isinstance(error, SignInRefusedError) and error.retry_after:
        return wait(TOO_MANY, detail, error.retry_after).problem
    if isinstance(error, StoreBusyError):
        return wait(kind, detail, error.retry_after).problem
    extra = {"current": msgspec.to_builtins(error.handling)} if isinstance(error, ConflictError) else {}
    return Problem(kind=kind, detail=detail, extra=extra)


def _of_framework(error: HTTPException) -> Problem:
    kind = _BY_STATUS.get(error.status_code, REFUSED)
    advice = Words("请对照接口说明检查路径与方法。", "Compare path and method with the API's description.")
    return Problem(kind=kind, detail=advice, headers=error.headers or {})


def document(problem: Problem, language: str, request_id: str) -> dict[str, Any]:
    """Lay a problem out as RFC 9457 has it, titled in one language, with the detail in both."""
    kind, detail = problem.kind, problem.detail
    members: dict[str, Any] = {
        "type": f"/problems/{kind.name}",
        "title": getattr(kind.title, language),
        "status": kind.status,
        "detail": getattr(detail, language),
        "detail_zh": detail.zh,
        "detail_en": detail.en,
        "request_id": request_id,
    }
    if problem.errors:
        members["errors"] = msgspec.to_builtins(problem.errors)
    return members | dict(problem.extra)


def answer(request: Request, problem: Problem) -> Response:
    """Answer a request with a problem."""
    language = language_of(request.headers.get("accept-language", ""))
    body = msgspec.json.encode(document(problem, language, request.state.request_id))
    headers = {**problem.headers, "Content-Language": language, "Vary": "Accept-Language"}
    return Response(body, problem.kind.status, headers, MEDIA_TYPE)
