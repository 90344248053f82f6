"""Which records of ``clock`` hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.clock.order import REVIEW_HEADER, Order
from streams.reading import Message
from streams.records import POSITION_HEADER
from warning.domain.control import Control, ControlKind
from warning.domain.errors import InvalidInputError
from warning.engine.records import Record, Tick
from warning.store.logfile import encode_record


def _tick(number: int) -> Tick:
    return Tick(jurisdiction="city", number=number, watermark=number * 60_000, read_to=number * 60_000 + 5)


def _control(reason: str = "") -> Control:
    return Control(kind=next(iter(ControlKind)), jurisdiction="city", effective_from=0, reason=reason)


def _message(offset: int, record: Record, **headers: int) -> Message:
    named = tuple((name, b"%d" % value) for name, value in headers.items())
    return Message("clock", 0, offset, None, encode_record(record), named, 0)


def _held(messages: list[Message], order: Order | None = None) -> tuple[Order, list[int]]:
    order, held = order or Order(), []
    for message in messages:
        order, record = order.after(message)
        held += [message.offset] if record is not None else []
    return order, held


def test_only_ticks_with_growing_numbers_hold() -> None:
    """A tick that another writer wrote too, or that is behind, does not hold."""
    numbers = [3, 4, 4, 2, 7, 5, 8]
    order, held = _held([_message(at, _tick(number)) for at, number in enumerate(numbers)])
    assert held == [0, 1, 4, 6]
    assert order.tick == _tick(8)


def test_a_control_holds_once() -> None:
    """A control that was appended twice, by two writers or after a lost answer, holds the first time only."""
    at = [(5, 0), (6, 1), (5, 0), (6, 3), (9, 4)]
    headers = [{POSITION_HEADER: position, REVIEW_HEADER: review} for position, review in at]
    order, held = _held([_message(offset, _control(), **each) for offset, each in enumerate(headers)])
    assert held == [0, 1, 4]
    assert (order.position, order.review) == (9, 5)


def test_a_control_without_a_position_always_holds() -> None:
    """What did not come from the database has no position to go by."""
    _, held = _held([_message(0, _control("one")), _message(1, _control("two"))])
    assert held == [0, 1]


def test_what_is_no_record_is_told_of() -> None:
    """Nothing in the clock is passed over: what cannot be read stops it, and says where it stands."""
    with pytest.raises(InvalidInputError, match="clock/0@4"):
        Order().after(Message("clock", 0, 4, None, b"{", (), 0))


@pytest.mark.parametrize("text", ["", "{}", "null", '{"tick":1}', "x"])
def test_another_text_is_no_order(text: str) -> None:
    """An offset that somebody else committed brings no order with it."""
    assert Order.from_text(text, "city") is None


RECORDS = st.lists(
    st.tuples(st.booleans(), st.integers(1, 12), st.integers(0, 12)).map(
        lambda each: (
            (_tick(each[1]), {}) if each[0] else (_control(), {POSITION_HEADER: each[1], REVIEW_HEADER: each[2]})
        )
    ),
    max_size=30,
)


@given(RECORDS, st.integers(0, 30))
def test_whoever_goes_on_finds_the_same_records_to_hold(records: list[tuple[Record, dict[str, int]]], cut: int) -> None:
    """A copier that begins in the middle, with the order kept there, copies what one that read all would."""
    messages = [_message(at, record, **headers) for at, (record, headers) in enumerate(records)]
    whole, held = _held(messages)
    first, before = _held(messages[:cut])
    kept = Order.from_text(first.to_text(), "city")
    assert kept == first
    last, after = _held(messages[cut:], kept)
    assert (last, before + after) == (whole, held)
