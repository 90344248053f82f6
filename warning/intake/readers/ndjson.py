"""JSON lines: one object a line. A row's number is its line."""

from __future__ import annotations

import json
from contextlib import closing
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from warning.domain.errors import InvalidInputError
from warning.domain.reject import RejectReason
from warning.intake.layout import header_key
from warning.intake.raw import CHUNK_ROWS, Flaw, RawChunk, RawReject, Table
from warning.intake.readers.cells import text_series
from warning.intake.readers.lines import TextFile
from warning.intake.readers.sniff import UNDECODABLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from warning.intake.layout import Layout

HEAD_ROWS = 100
"""Objects whose keys make the header: an optional key is rare, but not that rare."""

MAX_OBJECT = 1 << 22
"""Characters of a line that is still decoded; a ticket is a few thousand."""

_DECODER = msgspec.json.Decoder()


def read_ndjson(path: Path, layout: Layout) -> Table:
    """Open a file of JSON lines; raises InvalidInputError if its first lines are no objects that fit."""
    with closing(TextFile.open(path, layout.encoding)) as file:
        head = [line for line in next(file.blocks(), []) if line.strip()][:HEAD_ROWS]
    if head and head[0].lstrip().startswith("["):
        raise InvalidInputError(
            layout.where, "is one JSON array", "Write one object a line (`jq -c '.[]'` does), and name it .ndjson."
        )
    objects = [found for found in map(decode_object, head) if isinstance(found, dict)]
    if not objects:
        raise InvalidInputError(layout.where, "holds no JSON objects", "Write one JSON object a line.")
    header = tuple(dict.fromkeys(key for found in objects for key in found))
    return Table(header, _chunks(path, layout, header))


def decode_object(line: str) -> dict[str, Any] | RejectReason:
    """Decode a line; a reason if it is no JSON object."""
    if len(line) > MAX_OBJECT:
        return RejectReason.FIELD_TOO_LONG
    try:
        found = _DECODER.decode(line)
    except (msgspec.DecodeError, RecursionError):
        found = _lenient(line)
    return found if isinstance(found, dict) else RejectReason.UNREADABLE_ROW


def rows_of(objects: Sequence[dict[str, Any]], layout: Layout, flaws: list[Flaw]) -> RawChunk:
    """Turn objects into a chunk, by the mapping's names of their keys; rows are numbered from 1.

    A column that no object has is left out. Where an object has several keys of one column, the last counts.
    """
    keys: dict[str, list[str]] = {}
    for key in dict.fromkeys(chain.from_iterable(objects)):
        name = layout.names.get(header_key(key))
        if name in layout.wanted and name is not None:
            keys.setdefault(name, []).append(key)
    series = {name: text_series(name, _cells(objects, keys[name]), flaws) for name in layout.wanted if name in keys}
    return RawChunk(np.arange(1, len(objects) + 1, dtype=np.int64), series, flaws)


def _cells(objects: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[object]:
    if len(keys) == 1:
        return [found.get(keys[0]) for found in objects]
    return [next((found[key] for key in reversed(found) if key in keys), None) for found in objects]


def _chunks(path: Path, layout: Layout, header: tuple[str, ...]) -> Iterator[RawChunk]:
    layout.positions(header)
    with closing(TextFile.open(path, layout.encoding)) as file:
        number = 0
        for block in file.blocks():
            for start in range(0, len(block), CHUNK_ROWS):
                lines = block[start : start + CHUNK_ROWS]
                yield _chunk(lines, number + 1, layout, file.offset)
                number += len(lines)


def _chunk(lines: list[str], first: int, layout: Layout, offset: int) -> RawChunk:
    numbers: list[int] = []
    objects: list[dict[str, Any]] = []
    rejects: list[RawReject] = []
    for number, line in enumerate(lines, first):
        if not line.strip():
            continue
        found = decode_object(line)
        if isinstance(found, RejectReason):
            rejects.append(RawReject(number, found))
        else:
            numbers.append(number)
            objects.append(found)
    chunk = rows_of(objects, layout, [])
    return RawChunk(np.array(numbers, dtype=np.int64), chunk.columns, chunk.flaws, rejects, offset)


def _lenient(line: str) -> object:
    """Decode what is not quite JSON: the NaN that some writers put for nothing, and halves of surrogate pairs."""
    if "NaN" not in line and "\\u" not in line:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return {_valid(key): _valid(value) for key, value in found.items()} if isinstance(found, dict) else None


def _valid(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return "".join(UNDECODABLE if "\ud800" <= char <= "\udfff" else char for char in value)
