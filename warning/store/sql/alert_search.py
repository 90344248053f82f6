"""From a query to SQL: conditions, an order that no two alerts share, and the cursor that goes on after a row."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Text, and_, literal, or_, select, tuple_

from warning.service.errors import BadInputError
from warning.service.ports import SORTS, AlertQuery
from warning.store.sql.alert_rows import AREA, CATEGORY, CHANNEL, DEPARTMENT, FLAG, WITHIN, lineage
from warning.store.sql.moments import Moment, microseconds, moment
from warning.store.sql.statements import LARGEST, indexed
from warning.store.sql.tables import alert_names, alerts

_COLUMNS: dict[str, tuple[str, ...]] = {
    "raised_at": ("raised_at", "id"),
    "updated_at": ("updated_at", "id"),
    "severity": ("severity", "raised_at", "id"),
}
"""What each sort of :data:`warning.service.ports.SORTS` goes by; all columns in the one direction."""


def order(query: AlertQuery) -> list[ColumnElement[Any]]:
    """Return what to order by; raises BadInputError for one that there is not."""
    columns = _sort_columns(query)
    return [column.desc() for column in columns] if query.sort.startswith("-") else columns


def conditions(query: AlertQuery) -> list[ColumnElement[bool]]:
    """Return what must hold, the cursor included."""
    return [*_filters(query), *_named(query), *_after(query)]


def cursor_of(query: AlertQuery, row: Any) -> str:
    """Return the cursor that goes on after a row."""
    values = [getattr(row, column.name) for column in _sort_columns(query)]
    plain = [value if isinstance(value, int | str) else microseconds(value) for value in values]
    return base64.urlsafe_b64encode(msgspec.json.encode([query.sort, *plain])).decode().rstrip("=")


def _sort_columns(query: AlertQuery) -> list[ColumnElement[Any]]:
    if query.sort not in SORTS:
        known = ", ".join(SORTS)
        raise BadInputError(
            f"sort {query.sort!r}", "is not known", f"Use one of: {known}.", f"没有排序 {query.sort!r},可用: {known}。"
        )
    return [alerts.c[name] for name in _COLUMNS[query.sort.removeprefix("-")]]


def _filters(query: AlertQuery) -> Iterator[ColumnElement[bool]]:
    if query.status:
        yield alerts.c.status.in_(sorted(status.value for status in query.status))
    if query.disposition:
        yield alerts.c.disposition.in_(sorted(disposition.value for disposition in query.disposition))
    if query.needs_review is not None:
        yield alerts.c.needs_review == query.needs_review
    if query.assignee:
        yield alerts.c.assignee == query.assignee
    if query.severity_min > 0:
        yield alerts.c.severity >= query.severity_min
    if query.raised_from is not None:
        yield alerts.c.raised_at >= query.raised_from
    if query.raised_until is not None:
        yield alerts.c.raised_at < query.raised_until


def _named(query: AlertQuery) -> Iterator[ColumnElement[bool]]:
    kind, name = alert_names.c.kind, alert_names.c.name
    if query.area:
        around = and_(kind == AREA, name.in_([indexed(area) for area in lineage(query.area)]))
        yield _has(or_(around, and_(kind == WITHIN, name == indexed(query.area))))
    for wanted, value in ((CATEGORY, query.category), (DEPARTMENT, query.department), (CHANNEL, query.channel)):
        if value:
            yield _has(and_(kind == wanted, name == indexed(value)))
    if query.flag:
        yield _has(and_(kind == FLAG, name.in_(sorted(flag.value for flag in query.flag))))


def _has(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether an alert has such a name.

    Concatenated with nothing the id is in no index, so alerts are read in the order asked for until the page is full.
    By index every alert of the name would be fetched and sorted: ten times as long for a name that most of them have.
    """
    return alerts.c.id.concat("").in_(select(alert_names.c.alert_id).where(condition))


def _after(query: AlertQuery) -> Iterator[ColumnElement[bool]]:
    if query.cursor is None:
        return
    columns = _sort_columns(query)
    values = _read_cursor(query.sort, query.cursor, columns)
    row, last = tuple_(*columns), tuple_(*map(literal, values, [column.type for column in columns]))
    yield row < last if query.sort.startswith("-") else row > last


def _read_cursor(sort: str, cursor: str, columns: Sequence[ColumnElement[Any]]) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        written, *plain = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=list[int | str])
        values = [_typed(value, column) for value, column in zip(plain, columns, strict=True)]
    except (ValueError, OverflowError) as error:
        raise _bad_cursor() from error
    if written != sort:
        raise _bad_cursor()
    return values


def _typed(value: int | str, column: ColumnElement[Any]) -> Any:
    """Return a value as its column has it; raises ValueError where it cannot be of that column."""
    if isinstance(value, str) is not isinstance(column.type, Text):
        raise ValueError("a text stands where a number should, or the other way round")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise ValueError("no column holds so large a number")
    return moment(value) if isinstance(value, int) and isinstance(column.type, Moment) else value


def _bad_cursor() -> BadInputError:
    return BadInputError(
        "cursor",
        "does not belong to this list",
        "Begin again without a cursor.",
        "cursor: 游标不属于本次查询。请去掉 cursor 从头开始。",
    )
