"""The body of a push -> items, whatever of the accepted forms it has."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import msgspec

from warning.api.limits import Limits, exceeded
from warning.api.problems import TOO_LARGE, UNREADABLE, WRONG_MEDIA_TYPE, ProblemError
from warning.domain.reject import Reject, RejectReason
from warning.intake.refusals import make_reject
from warning.service.ports import ItemAnswer, Unread
from warning.service.words import Words

JSON = "application/json"
NDJSON = "application/x-ndjson"
CLOUDEVENT = "application/cloudevents+json"
CLOUDEVENTS = "application/cloudevents-batch+json"

VALUES_AN_ITEM = 100
"""Commas an item, in the middle: twice what the widest exports have, and few enough to be built without harm."""

_LINE = re.compile(rb"\S[^\r\n]*")
_BOM = b"\xef\xbb\xbf"
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_VALUE = msgspec.json.Decoder()


@dataclass(slots=True)
class Items:
    """The items of a push: those that can be handed on, with where they stood, and those refused right away.

    unread : the refused ones as they were sent, to be filed
    """

    events: list[object] = field(default_factory=list)
    originals: list[bytes] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    refused: list[ItemAnswer] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.events) + len(self.unread)

    def merged(self, answers: Sequence[ItemAnswer]) -> list[ItemAnswer]:
        """Return the answers to all items in their order, given those to the events handed on."""
        placed = [answer.at(place) for place, answer in zip(self.places, answers, strict=True)]
        return sorted(placed + self.refused, key=lambda answer: answer.index) if self.refused else placed


def read_items(content_type: str, body: bytes, source: str, limits: Limits) -> Items:
    """Read a body; raises ProblemError when it cannot be read at all or holds too many items.

    An item that is no JSON, is nested too deep or is no proper CloudEvent is refused by itself. Only syntax is judged
    here: whether an item makes a ticket is for intake to say. The original of a CloudEvent is the ticket it carried, as
    that is what a replay hands to intake again.
    """
    form = _form_of(content_type)
    if body.count(b",") > VALUES_AN_ITEM * limits.items:
        raise _too_many("values", VALUES_AN_ITEM * limits.items, "个值", "values")
    raws = list(islice(form.split(body.removeprefix(_BOM)), limits.items + 1))
    if len(raws) > limits.items:
        raise _too_many("items", limits.items, "条", "items")
    items = Items()
    for index, raw in enumerate(map(bytes, raws)):
        event = _read(raw, form.unwrap, limits.nesting)
        if isinstance(event, _Fault):
            reject = _advised(make_reject(source, index + 1, event.field, event.reason, event.value), event)
            items.refused.append(ItemAnswer(index=index, ticket_id="", accepted=False, reject=reject))
            items.unread.append(Unread(reject=reject, original=raw))
        else:
            items.events.append(event)
            items.originals.append(raw if form.unwrap is None else msgspec.json.encode(event))
            items.places.append(index)
    return items


def _too_many(name: str, limit: int, zh: str, en: str) -> ProblemError:
    return exceeded(
        TOO_LARGE,
        name,
        limit,
        f"一次最多 {limit:,} {zh},此请求超出。请分批发送。",
        f"A request may hold {limit:,} {en}, this one has more. Send it in parts.",
    )


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why an item is refused before intake sees it; ``advice`` where the reason's own says too little."""

    reason: RejectReason
    field: str = ""
    value: str = ""
    advice: Words | None = None


@dataclass(frozen=True, slots=True)
class _Form:
    split: Callable[[bytes], Iterable[bytes | msgspec.Raw]]
    unwrap: Callable[[object], object | _Fault] | None = None


def _form_of(content_type: str) -> _Form:
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [p.removeprefix("charset=").strip('"') for p in parameters if p.startswith("charset=")]
    form = FORMS.get(media_type)
    if form is None or charsets not in ([], ["utf-8"]):
        known = ", ".join(FORMS)
        raise ProblemError(
            WRONG_MEDIA_TYPE,
            Words(
                f"Content-Type 须为 {known} 之一,编码 UTF-8。", f"Send one of {known}, in UTF-8, as Content-Type says."
            ),
        )
    return form


def _read(raw: bytes, unwrap: Callable[[object], object | _Fault] | None, nesting: int) -> object:
    try:
        event = _VALUE.decode(raw)
    except _UNREADABLE as error:
        return _Fault(RejectReason.UNREADABLE_ROW, advice=_no_json(error))
    if raw.count(b"{") + raw.count(b"[") > nesting and _deeper(event, nesting):
        advice = Words(f"嵌套最多 {nesting} 层,请展平后重发。", f"An item may be nested {nesting} deep. Flatten it.")
        return _Fault(RejectReason.UNREADABLE_ROW, advice=advice)
    return unwrap(event) if unwrap else event


def _no_json(error: Exception) -> Words:
    said = "nested too deep" if isinstance(error, RecursionError) else str(error).removeprefix("JSON is malformed: ")
    return Words(f"不是有效的 UTF-8 JSON ({said}),请改正后重发。", f"This is no JSON in UTF-8 ({said}). Correct it.")


def _advised(reject: Reject, fault: _Fault) -> Reject:
    if fault.advice is None:
        return reject
    return replace(reject, advice_zh=fault.advice.zh, advice_en=fault.advice.en)


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


# --- forms ------------------------------------------------------------------------------------------------------------


def _array(body: bytes) -> Iterable[bytes | msgspec.Raw]:
    try:
        return _ARRAY.decode(body)
    except _UNREADABLE as error:
        raise _unreadable(_no_json(error)) from error


def _array_or_object(body: bytes) -> Iterable[bytes | msgspec.Raw]:
    return [body] if body.lstrip()[:1] == b"{" else _array(body)


def _one(body: bytes) -> Iterable[bytes | msgspec.Raw]:
    if body.lstrip()[:1] != b"{":
        raise _unreadable(Words("请求体须为一个 JSON 对象。", "The body must be one JSON object."))
    return [body]


def _lines(body: bytes) -> Iterable[bytes | msgspec.Raw]:
    return (line[0] for line in _LINE.finditer(body))


def _unreadable(detail: Words) -> ProblemError:
    return ProblemError(UNREADABLE, detail)


def _ticket_of(event: object) -> object | _Fault:
    """Return the ticket in a CloudEvent (https://github.com/cloudevents/spec, version 1.0).

    It is the event's data; where that names no ticket the event's subject does, else its id, and where it has no time
    of its own the event's counts.
    """
    if not isinstance(event, dict):
        return _Fault(RejectReason.BAD_TYPE, value=type(event).__name__)
    for name in ("id", "source", "type", "specversion"):
        if not isinstance(event.get(name), str) or not event[name]:
            return _Fault(RejectReason.MISSING_REQUIRED, name)
    if event["specversion"] != "1.0":
        return _Fault(RejectReason.BAD_TYPE, "specversion", event["specversion"], _VERSION)
    data = _data_of(event)
    if not isinstance(data, dict):
        return _Fault(RejectReason.BAD_TYPE, "data", advice=_DATA)
    defaults = {"ticket_id": event.get("subject") or event["id"], "created_at": event.get("time")}
    return {name: value for name, value in defaults.items() if value} | data


_VERSION = Words("只支持 CloudEvents 1.0。", "Send CloudEvents of version 1.0.")
_DATA = Words(
    "data 须为 JSON 对象 (或 data_base64 中的 JSON 对象)。", "Give data as a JSON object, or one in data_base64."
)


def _data_of(event: Mapping[str, Any]) -> object:
    encoded = event.get("data_base64")
    if encoded is None:
        return event.get("data")
    try:
        return _VALUE.decode(base64.b64decode(encoded, validate=True))
    except (*_UNREADABLE, binascii.Error, TypeError, ValueError):
        return None


FORMS: Mapping[str, _Form] = {
    JSON: _Form(_array_or_object),
    NDJSON: _Form(_lines),
    CLOUDEVENT: _Form(_one, _ticket_of),
    CLOUDEVENTS: _Form(_array, _ticket_of),
}
"""By media type."""
