"""Declarative mappings: how the columns of a source become the fields of a ticket.

A mapping is a YAML file. It names *every* column of the source with its data class, so that what may be read is
decided once and in one place: a column of class ``never``, and one that the mapping does not name, is dropped at
reading.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from warning.domain.area import MAX_LEVELS, SEPARATOR
from warning.intake.layout import Layout, header_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXCEL_SERIAL = "excel"
EPOCH_SECONDS = "epoch_s"
EPOCH_MILLISECONDS = "epoch_ms"
NUMERIC_FORMATS = (EXCEL_SERIAL, EPOCH_SECONDS, EPOCH_MILLISECONDS)


class DataClass(StrEnum):
    """How far the cells of a column may go."""

    PUBLIC = "public"
    INTERNAL = "internal"
    SENSITIVE = "sensitive"
    """May be read only as the ticket's text, which is redacted."""
    NEVER = "never"
    """Is not read."""


class TicketState(StrEnum):
    """What a source's status word says of a ticket."""

    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"
    MERGED = "merged"
    SKIP = "skip"
    """The row is no request at all: refused as ``not_a_request``."""


class Model(BaseModel):
    """Base of every part of a mapping: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"there is no time zone {name!r}; write an IANA name such as Asia/Shanghai"
        raise ValueError(msg) from error
    return name


def _time_format(text: str) -> str:
    if text not in NUMERIC_FORMATS and "%" not in text:
        msg = f"{text!r} is no time format; write one such as %Y-%m-%d %H:%M:%S, or {', '.join(NUMERIC_FORMATS)}"
        raise ValueError(msg)
    return text


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        msg = f"{text!r} is no regular expression ({error}); quote it in single quotes in YAML"
        raise ValueError(msg) from error
    return text


def _as_mapping(value: object, key: str) -> object:
    return {key: value} if isinstance(value, str) else value


def _short(key: str) -> BeforeValidator:
    """Let a bare string stand for the one key that is usually given."""
    return BeforeValidator(lambda value: _as_mapping(value, key))


def _encoding(name: str) -> str:
    try:
        "a".encode(name)
    except LookupError as error:
        msg = f"there is no encoding {name!r}; write utf-8, gb18030 or latin-1, or leave it out to have it detected"
        raise ValueError(msg) from error
    return name


Zone = Annotated[str, AfterValidator(_known_zone)]
TimeFormat = Annotated[str, AfterValidator(_time_format)]
Pattern = Annotated[str, AfterValidator(_pattern)]
Name = Annotated[str, Field(min_length=1, max_length=100)]


class Title(Model):
    """What the mapping is for, in both languages."""

    zh: Name
    en: Name


class Column(Model):
    """A column of the source: its data class, and other spellings of its name."""

    data_class: DataClass = Field(alias="class")
    also: tuple[Name, ...] = ()


class FileFormat(Model):
    """What cannot be seen in the file itself; anything left out is detected."""

    encoding: Annotated[str, AfterValidator(_encoding)] | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    header: bool = True


class TimeField(Model):
    """A time: its column, and its formats in the order they are tried (ISO 8601 is always understood)."""

    column: Name
    formats: tuple[TimeFormat, ...] = ()

    def sources(self) -> tuple[str, ...]:
        """Return the columns read."""
        return (self.column,)


class NameField(Model):
    """A name: one column, several joined with " / ", or a fixed value."""

    column: Name | None = None
    columns: tuple[Name, ...] = ()
    fixed: Name | None = None

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if sum([self.column is not None, bool(self.columns), self.fixed is not None]) != 1:
            msg = "give exactly one of column, columns and fixed"
            raise ValueError(msg)
        return self

    def sources(self) -> tuple[str, ...]:
        """Return the columns read."""
        return (self.column,) if self.column is not None else self.columns


class StatusField(Model):
    """A status word and what each word means; words are compared without case."""

    column: Name
    words: dict[str, TicketState]
    otherwise: TicketState = TicketState.OPEN

    def sources(self) -> tuple[str, ...]:
        """Return the columns read."""
        return (self.column,)


class Repair(Model):
    """A certain correction: a cell that matches the whole pattern becomes ``to``; without it, the level above."""

    rule: Name
    pattern: Pattern
    to: str | None = None


class AreaLevel(Model):
    """One level of the area path. A name outside the vocabulary belongs to the level above."""

    column: Name | None = None
    fixed: Name | None = None
    repairs: tuple[Repair, ...] = ()
    vocabulary: tuple[Name, ...] = ()
    otherwise: Name = "unknown_area"
    """The name under which cells outside the vocabulary are counted as repaired."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.column is None) == (self.fixed is None):
            msg = "give exactly one of column and fixed"
            raise ValueError(msg)
        if self.fixed is not None and SEPARATOR in self.fixed:
            msg = f"an area name may not contain {SEPARATOR!r}"
            raise ValueError(msg)
        return self

    def sources(self) -> tuple[str, ...]:
        """Return the columns read."""
        return (self.column,) if self.column is not None else ()


class RowRule(Model):
    """Rows with one of these values (compared without case) in a column are skipped, withdrawn or merged."""

    column: Name
    values: tuple[str, ...] = Field(min_length=1)
    becomes: TicketState = TicketState.SKIP


class Fields(Model):
    """The fields of a ticket. Only ``created_at`` and ``category`` must be there."""

    ticket_id: Annotated[NameField, _short("column")] | None = None
    created_at: Annotated[TimeField, _short("column")]
    closed_at: Annotated[TimeField, _short("column")] | None = None
    updated_at: Annotated[TimeField, _short("column")] | None = None
    category: Annotated[NameField, _short("column")]
    department: Annotated[NameField, _short("column")] | None = None
    created_department: Annotated[NameField, _short("column")] | None = None
    channel: Annotated[NameField, _short("column")] | None = None
    status: StatusField | None = None
    text: Annotated[NameField, _short("column")] | None = None

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        if self.ticket_id is not None and self.ticket_id.fixed is not None:
            msg = "ticket_id cannot be fixed; name its column, or leave it out to name tickets after their content"
            raise ValueError(msg)
        return self

    def sources(self) -> dict[str, tuple[str, ...]]:
        """Say which columns each given field reads."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: part.sources() for name, part in given.items() if part is not None}


class Mapping(Model):
    """How one source's rows become tickets of one jurisdiction."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    title: Title
    jurisdiction: Name
    source: Name
    zone: Zone
    format: FileFormat = FileFormat()
    columns: dict[str, Annotated[Column, _short("class")]] = Field(min_length=1)
    required_columns: tuple[Name, ...] = ()
    fields: Fields
    area: tuple[AreaLevel, ...] = Field(min_length=1, max_length=MAX_LEVELS)
    rows: tuple[RowRule, ...] = ()

    @model_validator(mode="after")
    def _columns_may_be_read(self) -> Self:
        for place, column in self._references():
            if column not in self.columns:
                msg = f"{place} reads {column!r}, which `columns` does not name; add it there with its data class"
                raise ValueError(msg)
            data_class = self.columns[column].data_class
            if data_class is DataClass.NEVER:
                msg = f"{place} reads {column!r}, which is of class never; choose another column or change its class"
                raise ValueError(msg)
            if data_class is DataClass.SENSITIVE and place != "fields.text":
                msg = f"{place} reads {column!r}, which is of class sensitive; only fields.text may"
                raise ValueError(msg)
        return self

    def _references(self) -> Iterator[tuple[str, str]]:
        for name, columns in self.fields.sources().items():
            yield from ((f"fields.{name}", column) for column in columns)
        for index, level in enumerate(self.area):
            yield from ((f"area.{index}", column) for column in level.sources())
        for index, rule in enumerate(self.rows):
            yield f"rows.{index}", rule.column

    @model_validator(mode="after")
    def _required_columns_exist(self) -> Self:
        for column in self.required_columns:
            if column not in self.columns:
                msg = f"required_columns names {column!r}, which `columns` does not; add it there with its data class"
                raise ValueError(msg)
        return self

    def required(self) -> frozenset[str]:
        """Return the columns without which a file is refused: those declared, those of created_at and of category."""
        fields = self.fields
        return frozenset((*self.required_columns, *fields.created_at.sources(), *fields.category.sources()))

    def layout(self, where: Path | str = "input") -> Layout:
        """Say which columns a reader reads and how it finds them."""
        times = (self.fields.created_at, self.fields.closed_at, self.fields.updated_at)
        spellings = ((other, name) for name, column in self.columns.items() for other in column.also)
        names = {header_key(other): name for other, name in spellings}
        return Layout(
            names=names | {header_key(name): name for name in self.columns},
            wanted=frozenset(column for _, column in self._references()),
            required=self.required(),
            times=frozenset(field.column for field in times if field is not None),
            headerless=None if self.format.header else tuple(self.columns),
            encoding=self.format.encoding,
            delimiter=self.format.delimiter,
            where=str(where),
        )
