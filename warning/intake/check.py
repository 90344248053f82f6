"""What a mapping makes of a file: shown to a person before a long run, or while writing a mapping."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from warning.domain.ticket import LifeEvent
from warning.intake.layout import header_key
from warning.intake.mapping import DataClass
from warning.intake.normalise import Normalised, Normaliser
from warning.intake.readers.opening import open_table
from warning.intake.refusals import shown

if TYPE_CHECKING:
    from warning.domain.area import AreaRegister
    from warning.domain.reject import Reject
    from warning.intake.columns import TicketColumns
    from warning.intake.mapping import Mapping
    from warning.intake.raw import RawChunk

CHECK_ROWS = 1_000
SAMPLES = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ColumnReport:
    """A column of the file: the mapping's name for it (None: unknown), its data class, the fields that read it."""

    name: str
    column: str | None
    data_class: DataClass | None
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldReport:
    """A field of the first kept rows: each cell (redacted) and what it became."""

    field: str
    columns: tuple[str, ...]
    samples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingReport:
    """What a mapping makes of the first rows of a file.

    ``unknown`` are columns of the file that the mapping does not name (they are not read), ``missing`` columns that
    its fields read and the file lacks, ``missing_required`` those without which the file is refused.
    """

    columns: tuple[ColumnReport, ...]
    unknown: tuple[str, ...]
    missing: tuple[str, ...]
    missing_required: tuple[str, ...]
    rows: int = 0
    kept: int = 0
    fields: tuple[FieldReport, ...] = ()
    reject_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    repair_counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    rejects: tuple[Reject, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether the file can be read with the mapping and at least half of its first rows are kept."""
        return not self.missing_required and 2 * self.kept >= max(self.rows, 1)


def check_mapping(
    path: Path | str,
    mapping: Mapping,
    *,
    rows: int = CHECK_ROWS,
    register: AreaRegister | None = None,
    now_ms: int | None = None,
) -> MappingReport:
    """Read the first rows of a file; raises InvalidInputError if it is of no format that can be read."""
    file = Path(path)
    layout = mapping.layout(file)
    table = open_table(file, layout)
    known = {layout.names.get(header_key(name)) for name in table.header}
    report = MappingReport(
        columns=tuple(_column(name, mapping, layout.names.get(header_key(name))) for name in table.header if name),
        unknown=tuple(name for name in table.header if name and header_key(name) not in layout.names),
        missing=tuple(sorted(layout.wanted - known)),
        missing_required=tuple(sorted(layout.required - known)),
    )
    if report.missing_required:
        return report
    chunk = next(table.chunks, None)
    return report if chunk is None else _with_rows(report, chunk.head(rows), mapping, register, now_ms)


def _with_rows(
    report: MappingReport, chunk: RawChunk, mapping: Mapping, register: AreaRegister | None, now_ms: int | None
) -> MappingReport:
    found = Normaliser(mapping, register=register, now_ms=now_ms).normalise(chunk)
    return MappingReport(
        columns=report.columns,
        unknown=report.unknown,
        missing=report.missing,
        missing_required=(),
        rows=found.rows,
        kept=len(found.tickets),
        fields=_fields(chunk, found, mapping),
        reject_counts=Counter((reject.field, reject.reason.value) for reject in found.rejects),
        repair_counts=found.repairs,
        rejects=tuple(found.rejects[:SAMPLES]),
    )


def _column(name: str, mapping: Mapping, column: str | None) -> ColumnReport:
    readers = tuple(field_name for field_name, columns in _sources(mapping).items() if column in columns)
    return ColumnReport(name, column, mapping.columns[column].data_class if column is not None else None, readers)


def _sources(mapping: Mapping) -> dict[str, tuple[str, ...]]:
    area = tuple(column for level in mapping.area for column in level.sources())
    return mapping.fields.sources() | {"area": area}


def _fields(chunk: RawChunk, found: Normalised, mapping: Mapping) -> tuple[FieldReport, ...]:
    tickets = found.tickets.take(np.arange(min(SAMPLES, len(found.tickets))))
    place = {row: index for index, row in enumerate(chunk.rows.tolist())}
    rows = [place[row] for row in tickets.row.tolist()]
    became = _became(tickets, found.life, mapping.zone)
    reports: list[FieldReport] = []
    for name, columns in _sources(mapping).items():
        cells = [shown(" | ".join(chunk.column(column)[row] or "" for column in columns)) for row in rows]
        reports.append(FieldReport(name, columns, tuple(zip(cells, became.get(name, cells), strict=True))))
    return tuple(reports)


def _became(tickets: TicketColumns, life: TicketColumns, zone: str) -> dict[str, list[str]]:
    ends = {
        key: f"{LifeEvent(kind).name.lower()} {_local(time, zone)}"
        for key, kind, time in zip(life.key.tolist(), life.kind.tolist(), life.time.tolist(), strict=True)
    }
    return {
        "ticket_id": tickets.ticket_id.tolist(),
        "created_at": [_local(time, zone) for time in tickets.time.tolist()],
        "closed_at": [ends.get(key, "") for key in tickets.key.tolist()],
        "category": tickets.category.decoded(),
        "department": tickets.department.decoded(),
        "channel": tickets.channel.decoded(),
        "text": [shown(text) for text in tickets.text.tolist()],
        "area": tickets.area.decoded(),
    }


def _local(milliseconds: int, zone: str) -> str:
    return (_EPOCH + timedelta(milliseconds=milliseconds)).astimezone(ZoneInfo(zone)).isoformat(timespec="seconds")
