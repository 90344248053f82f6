"""Recorded logs: one JSON object a line, a header first, then ticket batches, ticks and controls in their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from warning.domain.control import Control
from warning.domain.errors import InvalidInputError
from warning.engine.records import Record, Tick
from warning.intake.columns import Dictionary, TicketColumns
from warning.store.atomic import write_file

LOG_VERSION = 1


class LogHeader(msgspec.Struct, tag="log", forbid_unknown_fields=True):
    """First line: what the log is of. A reader refuses a version that it does not know."""

    version: int
    jurisdiction: str
    zone: str
    mapping: str
    inputs: list[str]


class TextColumn(msgspec.Struct, forbid_unknown_fields=True):
    """A dictionary-encoded text column: row i's text is values[codes[i]]."""

    codes: list[int]
    values: list[str]


class TicketsLine(msgspec.Struct, tag="tickets", forbid_unknown_fields=True):
    """A batch of one source: columns of equal length; times are milliseconds of the epoch (UTC), texts redacted.

    kind is the life event's number, version the latest time a row tells of, key and digest are hashes.
    """

    jurisdiction: str
    source: str
    row: list[int]
    kind: list[int]
    time: list[int]
    version: list[int]
    ticket_id: list[str]
    key: list[int]
    digest: list[int]
    area: TextColumn
    category: TextColumn
    department: TextColumn
    channel: TextColumn
    text: list[str]


class TickLine(msgspec.Struct, tag="tick", forbid_unknown_fields=True):
    """The clock's record: everything before the watermark has been read."""

    jurisdiction: str
    number: int
    watermark: int
    read_to: int


class ControlLine(msgspec.Struct, tag="control", forbid_unknown_fields=True):
    """A control record."""

    control: Control


LogLine = LogHeader | TicketsLine | TickLine | ControlLine
_NUMBERS = {"row": np.int64, "kind": np.uint8, "time": np.int64, "version": np.int64}
_HASHES = ("key", "digest")
_TEXTS = ("ticket_id", "text")
_DICTIONARIES = ("area", "category", "department", "channel")


def write_log(target: Path, header: LogHeader, records: Iterable[Record]) -> int:
    """Write a log whole or not at all; returns how many records it holds."""
    written = 0

    def lines() -> Iterator[bytes]:
        nonlocal written
        yield msgspec.json.encode(header) + b"\n"
        for record in records:
            written += 1
            yield encode_record(record) + b"\n"

    write_file(target, lines())
    return written


def read_header(path: Path) -> LogHeader:
    """Read a log's first line; raises InvalidInputError where it is none, or of another version."""
    with path.open("rb") as file:
        first = _decoded(path, 1, file.readline())
    if not isinstance(first, LogHeader):
        raise InvalidInputError(f"log {path}", "does not begin with a header", "Export it again.")
    if first.version != LOG_VERSION:
        problem = f"is of version {first.version}, this program reads {LOG_VERSION}"
        raise InvalidInputError(f"log {path}", problem, "Export it again with this program.")
    return first


def read_records(path: Path) -> Iterator[tuple[Record, int]]:
    """Yield a log's records, each with the bytes read for it."""
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            if number > 1:
                yield _record_of(f"log {path}, line {number}", _decoded(path, number, text)), len(text)


def encode_record(record: Record) -> bytes:
    """Encode a record as a line of a log, without its end."""
    return msgspec.json.encode(_line_of(record))


def decode_record(value: bytes, where: str) -> Record:
    """Decode what :func:`encode_record` encoded; raises InvalidInputError that says where."""
    try:
        line = _known(value)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        advice = "A newer program wrote it: upgrade this one; or none of ours did."
        raise InvalidInputError(where, str(error), advice) from error
    return _record_of(where, line)


def _decoded(path: Path, number: int, text: bytes) -> LogLine:
    try:
        return _known(text)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        advice = "The log was cut off or changed; export it again."
        raise InvalidInputError(f"log {path}, line {number}", str(error), advice) from error


def _known(text: bytes) -> LogLine:
    """Decode a line of which this program knows everything: passed over, a part would change what follows."""
    line = _DECODER.decode(text)
    if isinstance(line, ControlLine):  # its parts are no structs of ours, which forbid it themselves
        _refuse_unknown(msgspec.json.decode(text)["control"], msgspec.to_builtins(line.control))
    return line


def _refuse_unknown(said: Any, known: Any) -> None:
    if not isinstance(said, dict):
        return
    for name, value in said.items():
        if name not in known:
            raise msgspec.ValidationError(f"Object contains unknown field `{name}`")
        _refuse_unknown(value, known[name])


def _line_of(record: Record) -> LogLine:
    if isinstance(record, Tick):
        return TickLine(record.jurisdiction, record.number, record.watermark, record.read_to)
    if isinstance(record, Control):
        return ControlLine(record)
    plain: dict[str, Any] = {name: getattr(record, name).tolist() for name in (*_NUMBERS, *_HASHES, *_TEXTS)}
    used = {name: getattr(record, name).only_used() for name in _DICTIONARIES}
    columns: dict[str, Any] = {name: TextColumn(column.codes.tolist(), column.values) for name, column in used.items()}
    return TicketsLine(jurisdiction=record.jurisdiction, source=record.source, **plain, **columns)


def _record_of(where: str, line: LogLine) -> Record:
    if isinstance(line, TickLine):
        return Tick(jurisdiction=line.jurisdiction, number=line.number, watermark=line.watermark, read_to=line.read_to)
    if isinstance(line, ControlLine):
        return line.control
    if isinstance(line, LogHeader):
        raise InvalidInputError(where, "a second header", "One log has one header; export it again.")
    return _columns_of(where, line)


def _columns_of(where: str, line: TicketsLine) -> TicketColumns:
    columns: dict[str, Any] = {name: np.array(getattr(line, name), dtype) for name, dtype in _NUMBERS.items()}
    columns |= {name: np.array(getattr(line, name), np.uint64) for name in _HASHES}
    columns |= {name: np.array(getattr(line, name), np.object_) for name in _TEXTS}
    for name in _DICTIONARIES:
        text: TextColumn = getattr(line, name)
        if text.codes and not 0 <= min(text.codes) <= max(text.codes) < len(text.values):
            raise InvalidInputError(where, f"{name} has codes without values", "Export it again.")
        columns[name] = Dictionary(np.array(text.codes, np.int32), text.values)
    lengths = {len(column.codes if isinstance(column, Dictionary) else column) for column in columns.values()}
    if len(lengths) > 1:
        raise InvalidInputError(where, "columns of several lengths", "Export it again.")
    return TicketColumns(jurisdiction=line.jurisdiction, source=line.source, **columns)


_DECODER: msgspec.json.Decoder[LogLine] = msgspec.json.Decoder(LogLine)
