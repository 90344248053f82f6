"""Records of tickets.raw -> items."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.intake.decoding import MOST_ITEMS, Decoder, Item
from warning.domain.reject import RejectReason
from warning.intake.envelopes import Fault

CLOUD = {"specversion": "1.0", "id": "e1", "source": "hotline", "type": "ticket", "data": {"category": "noise"}}
DECODER = Decoder("kafka", {"hotline"})


def _decode(value: object, **headers: str) -> list[Item]:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return DECODER.decode(raw, [(name.replace("_", "-", 1), text.encode()) for name, text in headers.items()])


def _fault(items: list[Item]) -> Fault:
    (item,) = items
    assert isinstance(item.event, Fault)
    return item.event


@pytest.mark.parametrize(
    "value",
    [b'[{"a":1},{"a":2}]', b'{"a":1}\n{"a":2}\n', b'\xef\xbb\xbf [ {"a":1} , {"a":2} ] ', b'{"a":1}\r\n\r\n{"a":2}'],
)
def test_several_items_of_a_record_are_read_in_their_order(value: bytes) -> None:
    """Arrays and lines give their items, numbered from 1."""
    assert _decode(value) == [Item("kafka", 1, {"a": 1}), Item("kafka", 2, {"a": 2})]


def test_one_object_is_one_item_also_over_several_lines() -> None:
    """A record that is one JSON object is one item, however it is laid out."""
    assert _decode(b'{"a":\n1}') == [Item("kafka", 1, {"a": 1})]


def test_a_header_names_the_source() -> None:
    """The header names the source before the record's own words do."""
    assert [item.source for item in _decode({"a": 1}, source="west")] == ["west"]
    assert [item.source for item in _decode(CLOUD, source="west")] == ["west"]


def test_a_cloudevent_names_a_registered_source() -> None:
    """A CloudEvent's source counts where it is registered, else the default does."""
    assert [item.source for item in _decode(CLOUD)] == ["hotline"]
    assert [item.source for item in _decode(CLOUD | {"source": "/somewhere"})] == ["kafka"]


BINARY = {"ce_specversion": "1.0", "ce_id": "e1", "ce_source": "hotline", "ce_type": "ticket", "ce_subject": "T7"}


def test_a_cloudevent_is_read_in_each_of_its_forms() -> None:
    """Structured (by its content type or its look), batched and binary CloudEvents give the ticket that they carry."""
    wanted = {"ticket_id": "e1", "category": "noise"}
    assert [item.event for item in _decode(CLOUD)] == [wanted]
    assert [item.event for item in _decode(CLOUD, content_type="application/cloudevents+json; charset=UTF-8")] == [
        wanted
    ]
    assert [item.event for item in _decode([CLOUD, CLOUD])] == [wanted, wanted]
    binary = DECODER.decode(b'{"category":"noise"}', [(name, text.encode()) for name, text in BINARY.items()])
    assert binary == [Item("hotline", 1, {"ticket_id": "T7", "category": "noise"})]


def test_a_content_type_makes_an_object_a_cloudevent() -> None:
    """What is called a CloudEvent and is none is refused for what it lacks."""
    fault = _fault(_decode({"category": "noise"}, content_type="application/cloudevents+json"))
    assert (fault.reason, fault.field) == (RejectReason.MISSING_REQUIRED, "id")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", RejectReason.UNREADABLE_ROW),
        (b"\xff\xfe", RejectReason.UNREADABLE_ROW),
        (b"[]", RejectReason.UNREADABLE_ROW),
        (b"[" * 100_000, RejectReason.UNREADABLE_ROW),
        (b'{"a":' * 20 + b"1" + b"}" * 20, RejectReason.UNREADABLE_ROW),
        (b'{"a":NaN}', RejectReason.UNREADABLE_ROW),
        (b'"text"', RejectReason.BAD_TYPE),
        (b"7", RejectReason.BAD_TYPE),
        (b"[1]", RejectReason.BAD_TYPE),
        (b"null", RejectReason.BAD_TYPE),
        (b"[" + b"{}," * MOST_ITEMS + b"{}]", RejectReason.FIELD_TOO_LONG),
        (b"x\n" * (MOST_ITEMS + 1), RejectReason.FIELD_TOO_LONG),
        (b"[" + b"1," * 1_100_000 + b"1]", RejectReason.FIELD_TOO_LONG),
    ],
)
def test_what_is_no_ticket_is_one_refusal(value: bytes, reason: RejectReason) -> None:
    """A record that cannot be read at all makes one refusal, whatever its size."""
    assert _fault(_decode(value)).reason is reason


def test_a_tombstone_is_refused() -> None:
    """A record without a value deletes nothing: it is a dead letter."""
    fault = _fault(DECODER.decode(None))
    assert fault.reason is RejectReason.UNREADABLE_ROW
    assert fault.advice is not None
    assert "tombstone" in fault.advice[1]


@pytest.mark.parametrize(("name", "value"), [("version", "2"), ("schema", "alert"), ("Version", "0")])
def test_another_schema_or_version_is_refused(name: str, value: str) -> None:
    """A record that says it is of another schema or version is refused, naming the header."""
    fault = _fault(DECODER.decode(b'{"a":1}', [(name, value.encode())]))
    assert (fault.reason, fault.field, fault.value) == (RejectReason.BAD_TYPE, name.lower(), value)
    assert DECODER.decode(b'{"a":1}', [("version", b"1"), ("schema", b"ticket")])[0].event == {"a": 1}


def test_one_bad_item_leaves_the_others() -> None:
    """In an array or lines only the bad item is refused."""
    for value in (b'[{"a":1},2,{"a":3}]', b'{"a":1}\n{"a":\n{"a":3}'):
        first, bad, third = _decode(value)
        assert (first.event, third.event) == ({"a": 1}, {"a": 3})
        assert isinstance(bad.event, Fault)


def test_data_in_base64_is_read_in_structured_events_only() -> None:
    """``data_base64`` is a member of structured events; a binary event's header of that name is none of its data."""
    encoded = base64.b64encode(b'{"category":"noise"}').decode()
    event = {name: value for name, value in CLOUD.items() if name != "data"} | {"data_base64": encoded}
    assert _decode(event)[0].event == {"ticket_id": "e1", "category": "noise"}
    headers = [(name, text.encode()) for name, text in (BINARY | {"ce_data_base64": encoded}).items()]
    assert isinstance(DECODER.decode(b"no json", headers)[0].event, Fault)


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["source", "version", "schema", "content-type", "ce_specversion", "ce_id", "ce_source"])
        | st.text(),
        st.binary() | st.sampled_from([b"1", b"1.0", b"application/cloudevents+json"]),
    ),
    max_size=6,
)


@given(value=st.none() | st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()), headers=HEADERS)
def test_any_record_gives_items(value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
    """Whatever bytes and headers come: items numbered from 1, each an object or a fault, and nothing is raised."""
    items = DECODER.decode(value, headers)
    assert [item.row for item in items] == list(range(1, len(items) + 1))
    assert items
    assert all(isinstance(item.event, (dict, Fault)) and item.source for item in items)
