"""What events come wrapped in: JSON values of a bounded depth, and CloudEvents. Shared by every way in."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from warning.domain.reject import Reject, RejectReason
from warning.intake.refusals import make_reject

NESTING = 16
"""Depth of objects and arrays in one item, unless a way in says otherwise."""
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What the decoder raises of bytes that are no JSON."""

Words = tuple[str, str]
"""A sentence in Chinese and in English."""

_VALUE = msgspec.json.Decoder()
_VERSION = ("只支持 CloudEvents 1.0。", "Send CloudEvents of version 1.0.")
_DATA = ("data 须为 JSON 对象 (或 data_base64 中的 JSON 对象)。", "Give data as a JSON object, or one in data_base64.")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why an item is refused before it is normalised; ``advice`` where the reason's own says too little."""

    reason: RejectReason
    field: str = ""
    value: str = ""
    advice: Words | None = None

    def reject(self, source: str, row: int) -> Reject:
        """Return it as the rejection of the item at a row."""
        reject = make_reject(source, row, self.field, self.reason, self.value)
        return reject if self.advice is None else replace(reject, advice_zh=self.advice[0], advice_en=self.advice[1])


def read_value(raw: bytes, nesting: int = NESTING) -> object | Fault:
    """Decode one JSON value, nested no deeper than allowed."""
    try:
        value: object = _VALUE.decode(raw)
    except UNREADABLE as error:
        return Fault(RejectReason.UNREADABLE_ROW, advice=no_json(error))
    if raw.count(b"{") + raw.count(b"[") > nesting and _deeper(value, nesting):
        advice = (f"嵌套最多 {nesting} 层,请展平后重发。", f"An item may be nested {nesting} deep. Flatten it.")
        return Fault(RejectReason.UNREADABLE_ROW, advice=advice)
    return value


def no_json(error: Exception) -> Words:
    """Say of what :data:`UNREADABLE` names what to do about it."""
    said = "nested too deep" if isinstance(error, RecursionError) else str(error).removeprefix("JSON is malformed: ")
    return f"不是有效的 UTF-8 JSON ({said}),请改正后重发。", f"This is no JSON in UTF-8 ({said}). Correct it."


def ticket_of(event: object) -> dict[str, Any] | Fault:
    """Return the ticket in a CloudEvent (https://github.com/cloudevents/spec, version 1.0).

    It is the event's data; where that names no ticket the event's subject does, else its id, and where it has no time
    of its own the event's counts.
    """
    if not isinstance(event, dict):
        return Fault(RejectReason.BAD_TYPE, value=type(event).__name__)
    for name in ("id", "source", "type", "specversion"):
        if not isinstance(event.get(name), str) or not event[name]:
            return Fault(RejectReason.MISSING_REQUIRED, name)
    if event["specversion"] != "1.0":
        return Fault(RejectReason.BAD_TYPE, "specversion", event["specversion"], _VERSION)
    data = _data_of(event)
    if not isinstance(data, dict):
        return Fault(RejectReason.BAD_TYPE, "data", advice=_DATA)
    defaults = {"ticket_id": event.get("subject") or event["id"], "created_at": event.get("time")}
    return {name: value for name, value in defaults.items() if value} | data


def _data_of(event: Mapping[str, Any]) -> object:
    encoded = event.get("data_base64")
    if encoded is None:
        return event.get("data")
    try:
        return _VALUE.decode(base64.b64decode(encoded, validate=True))
    except (*UNREADABLE, binascii.Error, TypeError, ValueError):
        return None


def _deeper(value: object, levels: int) -> bool:
    """Whether objects and arrays are nested more than so many levels deep."""
    inner: Iterable[object]
    if isinstance(value, dict):
        inner = value.values()
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return levels <= 0 or any(_deeper(each, levels - 1) for each in inner if isinstance(each, (dict, list)))
