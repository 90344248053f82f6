"""What is wrong with a value and what to do, in both languages, for the kinds of fault that validation finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from warning.api.problems import INVALID, FieldError, Problem, ProblemError
from warning.service.times import EARLIEST, LATEST, PROBLEM_ZH
from warning.service.words import Words

_TIME = Words("须为带时区的 ISO 8601 时间", "Write an ISO 8601 time with its offset, such as 2026-05-01T08:00:00+08:00")
_NUMBER = Words("须为整数", "Give a whole number")
_TEXT = Words("须为文字", "Give text")
_YES_NO = Words("须为 true 或 false", "Give true or false")
_OBJECT = Words("须为 JSON 对象", "Give a JSON object")
_JSON = Words("不是有效的 JSON (第 {at} 个字符处:{error})", "This is no JSON (at character {at}: {error}). Correct it")
_ONE_OF = Words("须为其中之一:{expected}", "Give one of {expected}")

PHRASES: Mapping[str, Words] = {
    "missing": Words("缺少此项,请填写", "It is missing. Give it"),
    "extra_forbidden": Words("没有这一项,请删去", "There is no such field. Leave it out"),
    "json_invalid": _JSON,
    "string_type": _TEXT,
    "string_too_short": Words("至少 {min_length} 个字符", "Give at least {min_length} character(s)"),
    "string_too_long": Words("至多 {max_length} 个字符", "Give at most {max_length} characters"),
    "string_pattern_mismatch": Words("格式不符 ({pattern})", "It must match {pattern}"),
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "int_from_float": _NUMBER,
    "int_parsing_size": _NUMBER,
    "bool_type": _YES_NO,
    "bool_parsing": _YES_NO,
    "enum": _ONE_OF,
    "literal_error": _ONE_OF,
    "greater_than_equal": Words("不得小于 {ge}", "Give {ge} or more"),
    "less_than_equal": Words("不得大于 {le}", "Give {le} or less"),
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "timezone_aware": _TIME,
    "time_out_of_range": Words(PROBLEM_ZH, f"Give a time between the years {EARLIEST.year} and {LATEST.year}"),
    "list_type": Words("须为数组", "Give an array"),
    "too_long": Words("至多 {max_length} 项", "Give at most {max_length} items"),
    "too_short": Words("至少 {min_length} 项", "Give at least {min_length} item(s)"),
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "dict_type": _OBJECT,
}
"""By pydantic's name of the fault."""

MOST_ERRORS = 50


def problem_of_faults(faults: Sequence[Mapping[str, Any]]) -> Problem:
    """Return the problem that names each faulty field; what was sent is not repeated."""
    errors = tuple(_field_error(fault) for fault in faults[:MOST_ERRORS])
    zh = ";".join(f"{error.field}:{error.problem_zh}" for error in errors[:3])
    en = " ".join(f"{error.field}: {error.problem_en}." for error in errors[:3])
    return Problem(kind=INVALID, detail=Words(f"{zh}。", en), errors=errors)


def missing(field: str) -> ProblemError:
    """Make the error of a parameter that is needed here and was not given."""
    return faulty(field, PHRASES["missing"])


def faulty(field: str, phrase: Words) -> ProblemError:
    """Make the error of a value that only its context makes wrong."""
    error = FieldError(field, phrase.zh, phrase.en)
    return ProblemError(INVALID, Words(f"{field}:{phrase.zh}。", f"{field}: {phrase.en}."), errors=(error,))


def _field_error(fault: Mapping[str, Any]) -> FieldError:
    where, *names = fault["loc"]
    context = dict(fault.get("ctx", {}))
    phrase = PHRASES.get(fault["type"], Words(str(fault["msg"]), str(fault["msg"])))
    if fault["type"] == "json_invalid":
        context["at"], names = names[0] if names else 0, []
    field = ".".join(str(name) for name in names) or str(where)
    return FieldError(field, phrase.zh.format(**context), phrase.en.format(**context))
