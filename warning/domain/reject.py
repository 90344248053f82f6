"""Rejections: rows that cannot be read become values with a reason, and the run goes on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RejectReason(StrEnum):
    """Why a row was refused: a closed set, so that it can be a metric label and a filter."""

    UNREADABLE_ROW = "unreadable_row"
    WRONG_COLUMN_COUNT = "wrong_column_count"
    FIELD_TOO_LONG = "field_too_long"
    UNDECODABLE_TEXT = "undecodable_text"
    MISSING_REQUIRED = "missing_required"
    BAD_TIME = "bad_time"
    NONEXISTENT_LOCAL_TIME = "nonexistent_local_time"
    TIME_IN_FUTURE = "time_in_future"
    TIME_TOO_OLD = "time_too_old"
    BAD_AREA = "bad_area"
    BAD_TYPE = "bad_type"
    FORMULA_CELL = "formula_cell"
    TOO_LONG_NAME = "too_long_name"
    NOT_A_REQUEST = "not_a_request"
    UNKNOWN_SOURCE = "unknown_source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """A refused row: where it stood, which field, why, and a sentence with what to do (both languages).

    ``value`` is redacted and cut to a readable length before it comes here.
    """

    source: str
    row: int
    field: str
    reason: RejectReason
    advice_zh: str
    advice_en: str
    value: str = ""
