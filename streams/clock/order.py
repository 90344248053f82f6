"""The order that counts: which records of ``clock`` hold, given all before them.

Two processes may append for a moment, because one of them does not know yet that it is not the one any more. Whatever
they write, the same records hold for whoever reads: a tick with a number above all before it, and a control of a
position above all before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from streams.records import POSITION_HEADER, number_in
from warning.engine.records import Tick
from warning.store.logfile import decode_record

if TYPE_CHECKING:
    from streams.reading import Message
    from warning.engine.records import Record

REVIEW_HEADER = "review"
"""Of a control in ``clock``: its offset in ``reviews``, so that the next writer reads on behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What holds so far.

    tick : the last one
    position : of the last control, in the database's log
    review : the first record of ``reviews`` that is not in it
    """

    tick: Tick | None = None
    position: int = 0
    review: int = 0

    def after(self, message: Message) -> tuple[Order, Record | None]:
        """Return the order with the next record of ``clock``, and that record if it holds.

        Raises InvalidInputError for one that no program of ours wrote.
        """
        record = decode_record(message.value or b"", message.place)
        if isinstance(record, Tick):
            holds = self.tick is None or record.number > self.tick.number
            return (replace(self, tick=record), record) if holds else (self, None)
        review = number_in(message.headers, REVIEW_HEADER)
        order = self if review is None else replace(self, review=max(self.review, review + 1))
        position = number_in(message.headers, POSITION_HEADER)
        if position is None:
            return order, record
        if position <= self.position:
            return order, None
        return replace(order, position=position), record

    def to_text(self) -> str:
        """Write it down, to be kept with a committed offset."""
        tick = None if self.tick is None else (self.tick.number, self.tick.watermark, self.tick.read_to)
        return msgspec.json.encode(_Kept(tick=tick, position=self.position, review=self.review)).decode()

    @staticmethod
    def from_text(text: str, jurisdiction: str) -> Order | None:
        """Read what :meth:`to_text` wrote; None for anything else."""
        try:
            kept = msgspec.json.decode(text, type=_Kept)
        except msgspec.DecodeError:
            return None
        tick = kept.tick
        return Order(
            tick=None
            if tick is None
            else Tick(jurisdiction=jurisdiction, number=tick[0], watermark=tick[1], read_to=tick[2]),
            position=kept.position,
            review=kept.review,
        )


class _Kept(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    tick: tuple[int, int, int] | None
    position: int
    review: int
