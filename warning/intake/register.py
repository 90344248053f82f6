"""The area register's file: YAML or CSV.

A row has ``id``, and may have ``name_zh``, ``name_en``, ``parent`` (an id), ``neighbours`` (ids, in CSV separated by
``;``) and ``population``. In YAML the rows stand in a list, at the top or under ``areas``.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from pydantic import Field, ValidationError, field_validator

from warning.domain.area import AreaRegister, AreaRow
from warning.domain.errors import InvalidInputError
from warning.intake.layout import header_key
from warning.intake.mapping import Model
from warning.intake.names import area_name
from warning.intake.readers.lines import TextFile

if TYPE_CHECKING:
    from collections.abc import Iterator

LIST_SEPARATOR = ";"
YAML_SUFFIXES = (".yaml", ".yml")


class RegisterRow(Model):
    """One area as the file states it."""

    id: str = Field(min_length=1)
    name_zh: str = ""
    name_en: str = ""
    parent: str = ""
    neighbours: tuple[str, ...] = ()
    population: int | None = Field(default=None, ge=0)

    @field_validator("id", "parent", mode="before")
    @classmethod
    def _name(cls, value: object) -> object:
        return area_name(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else value or ""

    @field_validator("neighbours", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        parts = value.replace("；", LIST_SEPARATOR).split(LIST_SEPARATOR) if isinstance(value, str) else value or ()
        return (
            tuple(name for part in parts if (name := area_name(str(part))))
            if isinstance(parts, list | tuple)
            else parts
        )

    @field_validator("population", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        return (value.replace(",", "").strip() or None) if isinstance(value, str) else value

    def area(self) -> AreaRow:
        """Return the row as the domain takes it."""
        return AreaRow(self.id, self.name_zh, self.name_en, self.parent, self.neighbours, self.population)


def load_register(path: Path | str) -> AreaRegister:
    """Read a register; raises InvalidInputError that names the row, the problem and what to do."""
    file = Path(path)
    rows = list(_yaml_rows(file) if file.suffix.lower() in YAML_SUFFIXES else _csv_rows(file))
    if not rows:
        raise InvalidInputError(str(file), "lists no areas", "Give each area a row with at least its id.")
    return AreaRegister.from_rows((_parsed(row, place).area() for place, row in rows), str(file))


def _yaml_rows(path: Path) -> Iterator[tuple[str, object]]:
    try:
        document = yaml.safe_load(_text(path))
    except yaml.YAMLError as error:
        problem = f"is not valid YAML: {' '.join(str(error).split())}"
        raise InvalidInputError(str(path), problem, "Correct the line.") from error
    rows = document.get("areas") if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise InvalidInputError(str(path), "is no list of areas", "Write a list of rows, or `areas:` with one.")
    for number, row in enumerate(rows, 1):
        yield f"{path}: area {number}", row


def _csv_rows(path: Path) -> Iterator[tuple[str, object]]:
    reader = csv.DictReader(io.StringIO(_text(path), newline=""), restkey="", strict=True)
    try:
        for row in reader:
            cells = {header_key(key).replace(" ", "_"): cell for key, cell in row.items() if key}
            if any(cells.values()):
                yield f"{path}: line {reader.line_num}", {key: cell for key, cell in cells.items() if cell is not None}
    except csv.Error as error:
        where = f"{path}: line {reader.line_num}"
        raise InvalidInputError(where, f"is not valid CSV ({error})", "Close its quotes.") from error


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            text = TextFile(file)
            return "".join(line for block in text.blocks() for line in block)
    except OSError as error:
        raise InvalidInputError(str(path), f"cannot be read ({error.strerror})", "Check the path.") from error


def _parsed(row: Any, place: str) -> RegisterRow:
    try:
        return RegisterRow.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "row"
        raise InvalidInputError(
            f"{place}: {key}", first["msg"], "Columns: id, name_zh, name_en, parent, neighbours, population."
        ) from error
