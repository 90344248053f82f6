"""The body of a push -> items, whatever of the accepted forms it has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

import msgspec

from warning.api.limits import Limits, exceeded
from warning.api.problems import TOO_LARGE, UNREADABLE, WRONG_MEDIA_TYPE, ProblemError
from warning.intake.envelopes import UNREADABLE as UNREADABLE_JSON
from warning.intake.envelopes import Fault, no_json, read_value, ticket_of
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
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])


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
        event = read_value(raw, limits.nesting)
        if form.unwrap is not None and not isinstance(event, Fault):
            event = form.unwrap(event)
        if isinstance(event, Fault):
            reject = event.reject(source, index + 1)
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
class _Form:
    split: Callable[[bytes], Iterable[bytes | msgspec.Raw]]
    unwrap: Callable[[object], object | Fault] | None = None


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


# --- forms ------------------------------------------------------------------------------------------------------------


def _array(body: bytes) -> Iterable[bytes | msgspec.Raw]:
    try:
        return _ARRAY.decode(body)
    except UNREADABLE_JSON as error:
        raise _unreadable(Words(*no_json(error))) from error


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


FORMS: Mapping[str, _Form] = {
    JSON: _Form(_array_or_object),
    NDJSON: _Form(_lines),
    CLOUDEVENT: _Form(_one, ticket_of),
    CLOUDEVENTS: _Form(_array, ticket_of),
}
"""By media type."""
