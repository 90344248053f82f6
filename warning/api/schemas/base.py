"""The bases of what goes in and out, and the kinds of value that recur."""

from __future__ import annotations

import re
from datetime import datetime
from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from warning.service.times import PROBLEM, is_sensible

SIGNIFICANT_DIGITS = 6
LARGEST = 1e300
"""Stands for infinity, which JSON cannot say."""


def rounded(value: float) -> float:
    """Round to six significant digits, as the result files do."""
    if not isfinite(value):
        return LARGEST if value > 0 else -LARGEST
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


_WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _as_written(value: object) -> object:
    """Refuse a number, which would otherwise count as seconds since 1970."""
    if isinstance(value, datetime) or (isinstance(value, str) and _WRITTEN.match(value.strip())):
        return value
    raise PydanticCustomError("datetime_parsing", "Input should be an ISO 8601 time")


def _sensible(value: datetime) -> datetime:
    if not is_sensible(value):
        raise PydanticCustomError("time_out_of_range", PROBLEM)
    return value


class In(BaseModel):
    """What a client sends: unknown fields are an error, so that a misspelt one is not overlooked."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Out(BaseModel):
    """What a client gets, read from the attributes of a domain object."""

    model_config = ConfigDict(from_attributes=True, frozen=True)


Moment = Annotated[
    AwareDatetime,
    BeforeValidator(_as_written),
    Field(description="ISO 8601 with the zone's offset. 带时区偏移的时间"),
]
Given = Annotated[Moment, AfterValidator(_sensible)]
"""A time that a client sends."""
Figure = Annotated[float, AfterValidator(rounded), Field(description="Six significant digits. 六位有效数字")]
Count = Annotated[int, Field(ge=0)]
Name = Annotated[str, Field(max_length=200)]
