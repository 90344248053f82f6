"""Events that arrive one by one (HTTP, Kafka) -> tickets, through the same normaliser as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from warning.domain.area import SEPARATOR
from warning.domain.reject import RejectReason
from warning.intake.raw import RawReject
from warning.intake.readers.ndjson import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from warning.intake.mapping import Mapping
    from warning.intake.normalise import Namer, Normalised, Normaliser

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


def normalise_events(
    events: Sequence[object], normaliser: Normaliser, where: str | None = None, *, named: Namer | None = None
) -> Normalised:
    """Read events, each an object keyed by the mapping's columns or by canonical field names.

    An event's row is its position in the list, from 1. ``area`` may be a path text (``"City/District"``) or a list of
    names, from the first level that the mapping reads from a column. ``named`` gives an event without an id one by its
    row; by default its content does.
    """
    mapping = normaliser.mapping
    by_column = _reader(mapping)
    objects = [by_column(event) if isinstance(event, dict) else {} for event in events]
    chunk = rows_of(objects, mapping.layout(where or mapping.source), [])
    wrong = [index for index, event in enumerate(events) if not isinstance(event, dict)]
    if wrong:
        rejects = [RawReject(index + 1, RejectReason.BAD_TYPE, type(events[index]).__name__) for index in wrong]
        chunk = chunk.without(wrong, rejects)
    return normaliser.normalise(chunk, where, named=named)


def _reader(mapping: Mapping) -> Callable[[dict[Any, Any]], dict[str, Any]]:
    """Return what writes an event by the mapping's columns; what the mapping says is looked up once for all events."""
    sources = mapping.fields.sources()
    others = [(name, sources[name][0]) for name in CANONICAL if sources.get(name) and sources[name][0] != name]
    levels = [column for level in mapping.area for column in level.sources()]
    fixed = [level.fixed for level in mapping.area if level.fixed is not None]

    def by_column(event: dict[Any, Any]) -> dict[str, Any]:
        cells = {str(key): value for key, value in event.items()}
        for name, column in others:
            if name in cells:
                cells.setdefault(column, cells[name])
        for column, name in zip(levels, _area_names(cells.get("area"), fixed), strict=False):
            cells.setdefault(column, name)
        return cells

    return by_column


def _area_names(area: object, fixed: list[str]) -> list[Any]:
    if isinstance(area, str):
        names = area.split(SEPARATOR)
        return names[len(fixed) :] if names[: len(fixed)] == fixed else names
    return list(area) if isinstance(area, list) else []
