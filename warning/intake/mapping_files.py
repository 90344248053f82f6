"""Finding and reading mapping files: those that ship with the package, and the user's own."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from warning.domain.errors import InvalidInputError, UnknownNameError
from warning.intake.mapping import Mapping

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

SUFFIXES = (".yaml", ".yml")


def list_mappings() -> list[Mapping]:
    """Return the mappings that ship with the package, by name."""
    files = (file for file in _folder().iterdir() if file.name.endswith(SUFFIXES))
    found = (parse_mapping(file.read_text("utf-8"), file.name) for file in files)
    return sorted(found, key=lambda mapping: mapping.name)


def load_mapping(name_or_path: str | Path) -> Mapping:
    """Load a shipped mapping by name, or any mapping by its path (``.yaml`` or ``.yml``).

    Raises UnknownNameError for a name that does not ship, InvalidInputError for a file that is no mapping.
    """
    text = str(name_or_path)
    if isinstance(name_or_path, Path) or text.endswith(SUFFIXES):
        return parse_mapping(_text_of(Path(text)), text)
    shipped = {mapping.name: mapping for mapping in list_mappings()}
    if text not in shipped:
        raise UnknownNameError("mapping", text, list(shipped))
    return shipped[text]


def parse_mapping(text: str, where: str) -> Mapping:
    """Read a mapping; raises InvalidInputError that names the key, the problem and what to do."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        problem = f"is not valid YAML: {' '.join(str(error).split())}"
        raise InvalidInputError(where, problem, "Correct the line; quote texts with special characters.") from error
    if not isinstance(document, dict):
        raise InvalidInputError(where, "holds no mapping", "Start from `early-warning mapping check FILE`'s draft.")
    try:
        return Mapping.model_validate(document)
    except ValidationError as error:
        raise _explained(error, where) from error


def _explained(error: ValidationError, where: str) -> InvalidInputError:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"]) or "mapping"
    more = f" (and {error.error_count() - 1} more problems)" if error.error_count() > 1 else ""
    problem = f"{first['msg'].removeprefix('Value error, ')}{more}"
    return InvalidInputError(f"{where}: {key}", problem, "Correct that key; the README lists what a mapping may say.")


def _folder() -> Traversable:
    return resources.files("warning.intake") / "mappings"


def _text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InvalidInputError(str(path), f"cannot be read ({error.strerror})", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(str(path), "is not UTF-8 text", "Save the mapping as UTF-8.") from error
