"""Tickets as columns: what the normaliser hands on and the engine works on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
CodeArray = NDArray[np.int32]
HashArray = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Dictionary:
    """A dictionary-encoded text column: ``values[codes[i]]`` is row i's text. Values are distinct."""

    codes: CodeArray
    values: list[str]

    def take(self, rows: IntArray) -> Dictionary:
        """Rows of the column; the values list is shared, not copied."""
        return Dictionary(self.codes[rows], self.values)

    def only_used(self) -> Dictionary:
        """Return the same column without values that no row has."""
        used, codes = np.unique(self.codes, return_inverse=True)
        return Dictionary(codes.astype(np.int32), [self.values[code] for code in used.tolist()])

    @staticmethod
    def joined(parts: Sequence[Dictionary]) -> Dictionary:
        """Return the columns one after the other, with one list of values."""
        position: dict[str, int] = {}
        codes = []
        for part in parts:
            renumbered = [position.setdefault(value, len(position)) for value in part.values]
            codes.append(np.array(renumbered, np.int32)[part.codes] if renumbered else part.codes)
        return Dictionary(np.concatenate(codes), list(position))

    def objects(self) -> NDArray[np.object_]:
        """Return every row's text as an array; the cost follows the rows, also where the values are many more."""
        if len(self.values) > len(self.codes):
            return np.array([*self.decoded(), None], np.object_)[:-1]
        texts: NDArray[np.object_] = np.array([*self.values, None], np.object_)[self.codes]
        return texts

    def decoded(self) -> list[str]:
        """Every row's text."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketColumns:
    """Events of one source of one jurisdiction, one row per life event of a ticket; all columns have n rows.

    row : int64 (n,), the row's number in its source, from 1 (0: derived, not read)
    kind : uint8 (n,), a LifeEvent
    time : int64 (n,), event time, milliseconds of the epoch, UTC
    version : int64 (n,), the latest time the row tells of (closing, last change); the later version of a ticket wins
    ticket_id : object (n,), str
    key : uint64 (n,), hash of (source, ticket id)
    digest : uint64 (n,), hash of the row's content
    area : area path text, as AreaPath.parse reads it
    category, department, channel : text, "" where unknown (category is never "")
    text : object (n,), redacted str, "" where there is none
    """

    jurisdiction: str
    source: str
    row: IntArray
    kind: NDArray[np.uint8]
    time: IntArray
    version: IntArray
    ticket_id: NDArray[np.object_]
    key: HashArray
    digest: HashArray
    area: Dictionary
    category: Dictionary
    department: Dictionary
    channel: Dictionary
    text: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: IntArray) -> TicketColumns:
        """Return the given rows, in the given order."""
        return replace(
            self,
            row=self.row[rows],
            kind=self.kind[rows],
            time=self.time[rows],
            version=self.version[rows],
            ticket_id=self.ticket_id[rows],
            key=self.key[rows],
            digest=self.digest[rows],
            area=self.area.take(rows),
            category=self.category.take(rows),
            department=self.department.take(rows),
            channel=self.channel.take(rows),
            text=self.text[rows],
        )

    @staticmethod
    def joined(parts: Sequence[TicketColumns]) -> TicketColumns:
        """Return the rows of several, which are of one jurisdiction and one source (at least one part)."""
        columns: dict[str, Any] = {}
        for field in fields(TicketColumns):
            values = [getattr(part, field.name) for part in parts]
            if isinstance(values[0], str):
                if len(set(values)) > 1:
                    msg = f"columns of several {field.name}s cannot be joined: {sorted(set(values))}"
                    raise ValueError(msg)
                columns[field.name] = values[0]
            elif isinstance(values[0], Dictionary):
                columns[field.name] = Dictionary.joined(values)
            else:
                columns[field.name] = np.concatenate(values)
        return TicketColumns(**columns)
