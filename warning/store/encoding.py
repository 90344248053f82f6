"""How values become bytes on disk and come back: one place for rounding, times and the order of keys."""

from __future__ import annotations

from math import isfinite, isnan
from typing import Any

import msgspec

SIGNIFICANT_DIGITS = 6
"""Figures beyond this differ between processors (DESIGN.md section 3, to the bit) and mean nothing to a reader."""

LARGEST = 1e300
"""Stands for infinity, which JSON cannot say."""


def rounded(value: float) -> float:
    """Round to six significant digits; infinities become a very large number, NaN is a ValueError."""
    if isnan(value):
        raise ValueError("a figure of a result is not a number; this is a defect of the detector that gave it")
    if not isfinite(value):
        return LARGEST if value > 0 else -LARGEST
    return float(f"{value:.{SIGNIFICANT_DIGITS}g}")


def to_plain(value: object) -> Any:
    """Turn a dataclass or Struct into dicts, lists, text and rounded numbers; keys stay in declared order."""
    return _round_all(msgspec.to_builtins(value))


def encode(value: object) -> bytes:
    """Encode as one line of JSON, without its line end."""
    return msgspec.json.encode(to_plain(value))


def encode_pretty(value: object) -> bytes:
    """Encode as indented JSON that ends with a line end."""
    return msgspec.json.format(encode(value), indent=2) + b"\n"


def _round_all(value: Any) -> Any:
    if isinstance(value, float):
        return rounded(value)
    if isinstance(value, dict):
        return {key: _round_all(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_round_all(inner) for inner in value]
    return value
