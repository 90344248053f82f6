"""One record of ``tickets.raw`` -> its items: events as objects, or faults. Whatever the bytes are, nothing is raised.

A record holds one JSON object, an array of them, or lines of them (NDJSON); a CloudEvent, structured (its content type
says so, or it has a ``specversion``), batched, or binary (headers ``ce_*``, its data as the value).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from streams.records import SOURCE_HEADER, Headers
from warning.domain.reject import RejectReason
from warning.intake.envelopes import NESTING, UNREADABLE, Fault, no_json, read_value, ticket_of

CONTENT_TYPE = "content-type"
CLOUD_EVENT = "application/cloudevents+json"
CLOUD_EVENTS = "application/cloudevents-batch+json"
CLOUD_PREFIX = "ce_"
EXPECTED = {"schema": "ticket", "version": "1"}
"""Headers that a record may have, and the only values that this program reads."""
LONGEST_SOURCE = 200
MOST_ITEMS = 10_000
"""In one record: more are refused together, so that a record of ten million empty items makes one dead letter."""
MOST_VALUES = 100 * MOST_ITEMS

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
_EMPTY = Fault(
    RejectReason.UNREADABLE_ROW,
    advice=(
        "该记录没有内容 (墓碑),工单不能以此删除。",
        "The record has no value (a tombstone): no ticket is deleted so.",
    ),
)
_NO_ITEMS = Fault(RejectReason.UNREADABLE_ROW, advice=("数组为空。", "The array is empty."))
_TOO_MANY = Fault(
    RejectReason.FIELD_TOO_LONG,
    advice=(
        f"一条记录最多 {MOST_ITEMS:,} 件,请分多条发送。",
        f"A record may hold {MOST_ITEMS:,} items: send them in several.",
    ),
)


class Item(NamedTuple):
    """One item of a record.

    row : its number in the record, from 1
    event : an object keyed by a mapping's columns or canonical names, or why there is none
    """

    source: str
    row: int
    event: dict[str, Any] | Fault


class Decoder:
    """Reads records.

    Parameters
    ----------
    default : the source of a record that names none
    known : the sources that are registered: a CloudEvent's ``source`` counts where it is one of them
    """

    def __init__(self, default: str, known: Container[str] = ()) -> None:
        self._default = default
        self._known = known

    def decode(self, value: bytes | None, headers: Headers = ()) -> list[Item]:
        """Return a record's items in their order: at least one."""
        if not headers and value is not None and value[:1] == b"{":
            event = read_value(value)  # what most records are, without a detour
            if type(event) is dict and "specversion" not in event:
                return [Item(self._default, 1, event)]
        named = _texts(headers) if headers else {}
        source = named.get(SOURCE_HEADER, "")[:LONGEST_SOURCE]
        fault = _unexpected(named) if named else None
        if fault is not None:
            return [Item(source or self._default, 1, fault)]
        if value is None:
            return [Item(source or self._default, 1, _EMPTY)]
        if CLOUD_PREFIX + "specversion" in named:
            event = ticket_of(_binary(named, value))
            return [self._cloud(source, 1, event, named.get(CLOUD_PREFIX + "source"))]
        content = named.get(CONTENT_TYPE, "").partition(";")[0].strip().lower()
        cloud = content in {CLOUD_EVENT, CLOUD_EVENTS}
        return [self._item(source, row, read, cloud=cloud) for row, read in enumerate(_values(value), start=1)]

    def _item(self, source: str, row: int, read: object, *, cloud: bool) -> Item:
        if isinstance(read, dict):
            if cloud or "specversion" in read:
                return self._cloud(source, row, ticket_of(read), read.get("source"))
            return Item(source or self._default, row, read)
        if not isinstance(read, Fault):
            read = Fault(RejectReason.BAD_TYPE, value=type(read).__name__)
        return Item(source or self._default, row, read)

    def _cloud(self, source: str, row: int, event: dict[str, Any] | Fault, said: object) -> Item:
        named = said if isinstance(said, str) and said in self._known else self._default
        return Item(source or named, row, event)


def _texts(headers: Headers) -> dict[str, str]:
    """Return headers as texts; names are compared without case, and of several of one name the last counts."""
    return {name.lower(): (value or b"").decode("utf-8", "replace") for name, value in headers}


def _unexpected(named: Mapping[str, str]) -> Fault | None:
    for name, wanted in EXPECTED.items():
        if named.get(name, wanted) != wanted:
            advice = (
                f"消息头 {name} 只支持 {wanted},请改正后重发。",
                f"This program reads records whose header {name} is {wanted}, or that have none.",
            )
            return Fault(RejectReason.BAD_TYPE, name, named[name], advice)
    return None


def _binary(named: Mapping[str, str], value: bytes) -> dict[str, Any]:
    """Return a CloudEvent in binary form as a structured one; data that is no JSON is no data."""
    event: dict[str, Any] = {
        name.removeprefix(CLOUD_PREFIX): text for name, text in named.items() if name.startswith(CLOUD_PREFIX)
    }
    data = read_value(value)
    return event | {"data": None if isinstance(data, Fault) else data, "data_base64": None}


def _values(value: bytes) -> Iterable[object]:
    """Yield the values of a record, a fault for each that is none: at least one."""
    text = value.removeprefix(_BOM).strip(_SPACE)
    if text.count(b",") > MOST_VALUES:
        return (_TOO_MANY,)
    whole = read_value(text)
    if isinstance(whole, dict):
        return (whole,)
    if text[:1] == b"[":
        return _elements(text, whole)
    if isinstance(whole, Fault) and b"\n" in text:
        lines = [line for line in text.splitlines() if line.strip(_SPACE)]
        return map(read_value, lines) if len(lines) <= MOST_ITEMS else (_TOO_MANY,)
    return (whole,)


def _elements(text: bytes, whole: object) -> Iterable[object]:
    """Yield what is in an array, each judged by itself where the whole is nested too deep."""
    if isinstance(whole, list) and text.count(b"{") + text.count(b"[") <= NESTING:
        return whole or (_NO_ITEMS,)
    try:
        raws = _ARRAY.decode(text)
    except UNREADABLE as error:
        return (Fault(RejectReason.UNREADABLE_ROW, advice=no_json(error)),)
    return map(read_value, map(bytes, raws)) if len(raws) <= MOST_ITEMS else (_TOO_MANY,)
