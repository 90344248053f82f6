"""Reading the package's own YAML, and files a user wrote in its format."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from warning.domain.errors import InvalidInputError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


class Model(BaseModel):
    """Base of everything read: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Model)


def package_file(*names: str) -> Traversable:
    """Return a file or folder that ships with this package."""
    return resources.files("warning.simulator").joinpath(*names)


def parsed(text: str, where: str, model: type[M]) -> M:
    """Read a YAML document as a model; raises InvalidInputError that names the key, the problem and what to do."""
    document = yaml_of(text, where)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "document"
        problem = first["msg"].removeprefix("Value error, ")
        raise InvalidInputError(
            f"{where}: {key}", problem, "Compare with the cities that ship (warning/simulator/cities)."
        ) from error


def yaml_of(text: str, where: str) -> Any:
    """Read YAML; raises InvalidInputError."""
    try:
        return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    except yaml.YAMLError as error:
        problem = f"is not valid YAML: {' '.join(str(error).split())}"
        raise InvalidInputError(where, problem, "Correct the line; quote texts with special characters.") from error


def text_of(path: Path) -> str:
    """Read a user's file; raises InvalidInputError."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise InvalidInputError(str(path), f"cannot be read ({error.strerror})", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise InvalidInputError(str(path), "is not UTF-8 text", "Save the city as UTF-8.") from error
