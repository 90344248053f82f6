"""Domain objects as bytes and back, to the bit: MessagePack, because JSON knows neither infinity nor NaN.

Times keep their offset (ISO 8601), numbers all their digits. A field that a later version adds reads as its default
from bodies written before.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

T = TypeVar("T")


def to_body(value: object) -> bytes:
    """Encode a dataclass of plain values, times and other such dataclasses."""
    return msgspec.msgpack.encode(msgspec.to_builtins(value))


def from_body(body: bytes, kind: type[T]) -> T:
    """Decode what :func:`to_body` encoded."""
    return msgspec.convert(msgspec.msgpack.decode(body), kind)
