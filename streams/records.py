"""What is in the topics: wire types, and records as bytes and back.

Records of the log (``tickets``, ``tickets.pushed``, ``clock``, ``reviews``) are lines of a log file as JSON
(:mod:`warning.store.logfile`), with a header ``clock`` on ticks and controls in ``tickets``: their offset in the topic
``clock``. Reports are MessagePack, because JSON knows neither infinity nor NaN; all else is JSON.

Workers are upgraded one after another, so an older one may read what a newer one wrote. What only tells of something
(``Flushed``, ``Rejected``, ``Outcomes``, ``Report``) may get further fields, and who does not know them reads the rest:
the rest must stay true by itself. What states are derived from (the log, and ``Poison``, which takes tickets out of it)
is refused where anything in it is unknown: a state that passed over it would be another one, and be kept as if it were
right. So is a known field with a value of an unknown kind, everywhere. A worker that refuses a record ends without
having counted it, and a newer one reads it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from streams.courses import Course
from warning.domain.control import Control
from warning.domain.errors import EarlyWarningError
from warning.domain.reject import Reject
from warning.engine.records import TickReport
from warning.store.sql.bodies import from_body, to_body

T = TypeVar("T", bound=msgspec.Struct)

CLOCK_HEADER = "clock"
"""Offset in the topic ``clock`` of a tick or control that was copied into a partition of the log."""
POSITION_HEADER = "position"
"""Of a record in ``reviews``, and of its copy in ``clock``: its position in the database's log."""
SOURCE_HEADER = "source"
"""Of a record in ``tickets.raw``: the registered source it is from."""

Headers = Iterable[tuple[str, bytes]]


class NewerRecordError(EarlyWarningError):
    """A record says things that this program's version of its format does not have."""

    def __init__(self, kind: str, version: int, known: int) -> None:
        super().__init__(
            f"a record ({kind}) is of version {version}, and this program, which reads {known}, cannot read it. "
            "Upgrade this worker too; nothing is lost meanwhile."
        )
        self.zh = (
            f"一条记录 ({kind}) 的格式版本为 {version},本程序 (版本 {known}) 无法读取。请升级本进程,期间不会丢失数据。"
        )


class _Version(msgspec.Struct):
    version: int = 1


class Flushed(msgspec.Struct, kw_only=True):
    """One input partition: what is before ``next_offset`` is in the log.

    latest : the largest event time in it (milliseconds), None where none was read yet
    at : the clock when this was found (milliseconds)
    end : whether the partition had no more then
    """

    version: int = 1
    topic: str
    partition: int
    next_offset: int
    latest: int | None
    at: int
    end: bool


class Rejected(msgspec.Struct, kw_only=True):
    """A refused item.

    topic, partition, offset : where the original is as long as it is kept
    ticket_key : hash of the id the item gave itself
    """

    version: int = 1
    source: str
    topic: str
    partition: int
    offset: int
    at: int
    reject: Reject
    ticket_key: int | None = None


class Poison(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Rows (from 0) of one batch of the log that every replay leaves out."""

    version: int = 1
    topic: str
    partition: int
    offset: int
    rows: list[int]
    at: int
    reason: str


class Outcomes(msgspec.Struct, kw_only=True):
    """What became of the tickets of one batch of the log: columns of equal length.

    log : name of the log's topic, whose partition and offset these are
    received : when the batch was written (milliseconds)
    outcome : positions in :data:`warning.engine.records.OUTCOME_ORDER`
    """

    version: int = 1
    log: str
    partition: int
    offset: int
    source: str
    received: int
    ticket_id: list[str]
    time: list[int]
    category: list[str]
    area: list[str]
    outcome: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one partition of the log says of a tick.

    era : of the history that the partition had learned
    controls : those that came since the tick before, in their order
    courses : the past of the series that may come to lead an alert
    """

    version: int = 1
    era: int
    partition: int
    report: TickReport
    controls: tuple[Control, ...] = ()
    courses: tuple[Course, ...] = ()


def encode(record: msgspec.Struct) -> bytes:
    """Encode a wire type as JSON."""
    return msgspec.json.encode(record)


def decode(value: bytes, kind: type[T]) -> T:
    """Decode what :func:`encode` encoded.

    Raises NewerRecordError for what a later version of this program wrote and this one cannot read,
    msgspec.DecodeError or msgspec.ValidationError (a ValueError) for what none wrote.
    """
    try:
        return msgspec.json.decode(value, type=kind)
    except msgspec.ValidationError:
        _refuse_newer(value, kind)
        raise


def _refuse_newer(value: bytes, kind: type[msgspec.Struct]) -> None:
    known = next(field.default for field in msgspec.structs.fields(kind) if field.name == "version")
    try:
        version = msgspec.json.decode(value, type=_Version).version
    except (msgspec.DecodeError, UnicodeDecodeError):
        return
    if version > known:
        raise NewerRecordError(kind.__name__, version, known)


def encode_report(report: Report) -> bytes:
    """Encode a report, to the bit."""
    return to_body(report)


def decode_report(value: bytes) -> Report:
    """Decode what :func:`encode_report` encoded."""
    return from_body(value, Report)


def clock_header(offset: int) -> list[tuple[str, bytes]]:
    """Return the headers of a copy of a record of ``clock``."""
    return [(CLOCK_HEADER, b"%d" % offset)]


def number_in(headers: Headers, name: str) -> int | None:
    """Return the number that a header gives; None where it is not there or no number."""
    for key, value in headers:
        if key == name and value.isdigit():
            return int(value)
    return None
