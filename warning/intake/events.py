"""Events that arrive one by one (HTTP, Kafka) -> tickets, through the same normaliser as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warning.domain.area import SEPARATOR
from warning.domain.reject import RejectReason
from warning.intake.raw import RawReject
from warning.intake.readers.ndjson import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from warning.intake.mapping import Mapping
    from warning.intake.normalise import Normalised, Normaliser

CANONICAL = (
    "ticket_id",
    "created_at",
    "closed_at",
    "updated_at",
    "category",
    "department",
    "created_department",
    "channel",
    "status",
    "text",
)
"""The names of the service's own fields, under which an event may give them; ``area`` is the further one."""


def normalise_events(events: Sequence[object], normaliser: Normaliser, where: str | None = None) -> Normalised:
    """Read events, each an object keyed by the mapping's columns or by canonical field names.

    An event's row is its position in the list, from 1. ``area`` may be a path text (``"City/District"``) or a list of
    names, from the first level that the mapping reads from a column.
    """
    mapping = normaliser.mapping
    objects = [_by_column(event, mapping) if isinstance(event, dict) else {} for event in events]
    chunk = rows_of(objects, mapping.layout(where or mapping.source), [])
    wrong = [index for index, event in enumerate(events) if not isinstance(event, dict)]
    rejects = [RawReject(index + 1, RejectReason.BAD_TYPE, type(events[index]).__name__) for index in wrong]
    return normaliser.normalise(chunk.without(wrong, rejects), where)


def _by_column(event: dict[Any, Any], mapping: Mapping) -> dict[str, Any]:
    cells = {str(key): value for key, value in event.items()}
    sources = mapping.fields.sources()
    for name in CANONICAL:
        if name in cells and sources.get(name):
            cells.setdefault(sources[name][0], cells[name])
    levels = [column for level in mapping.area for column in level.sources()]
    for column, name in zip(levels, _area_names(cells.get("area"), mapping), strict=False):
        cells.setdefault(column, name)
    return cells


def _area_names(area: object, mapping: Mapping) -> list[Any]:
    if isinstance(area, str):
        fixed = [level.fixed for level in mapping.area if level.fixed is not None]
        names = area.split(SEPARATOR)
        return names[len(fixed) :] if names[: len(fixed)] == fixed else names
    return list(area) if isinstance(area, list) else []
