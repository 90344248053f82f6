"""The API's description: complete, with examples that are true."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.warning.api.conftest import CallerAs
from tests.warning.api.worlds import make_world
from warning.api.access import ACCESS, SIGNED_IN, V1, Rights
from warning.api.examples import EXAMPLES
from warning.domain.account import Role

DESCRIPTION = make_world().app().openapi()
OPERATIONS = [
    pytest.param(method, path, operation, id=f"{method} {path}")
    for path, operations in DESCRIPTION["paths"].items()
    for method, operation in operations.items()
]


def test_it_is_given_to_anyone(caller: CallerAs) -> None:
    """The description is OpenAPI 3.1 and needs no sign-in."""
    answer = caller(None).get("/api/v1/openapi.json")
    assert answer.json() == DESCRIPTION
    assert answer.json()["openapi"].startswith("3.1.")


def test_it_describes_every_route() -> None:
    """The description has the routes of the table of rights, and no other."""
    described = {(method.upper(), path) for path, operations in DESCRIPTION["paths"].items() for method in operations}
    assert described == ACCESS.keys()


@pytest.mark.parametrize(("method", "path", "operation"), OPERATIONS)
def test_an_operation_says_all(method: str, path: str, operation: dict[str, Any]) -> None:
    """Each operation has a summary, a tag, who may call it, what a problem looks like, and examples."""
    assert operation["description"]
    assert operation["tags"]
    rights = ACCESS[method.upper(), path]
    assert bool(operation["security"]) is (rights is not None)
    assert operation.get("x-rights", []) == sorted(right.value for right in rights or ())
    assert "application/problem+json" in operation["responses"]["default"]["content"]
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    good = [answer for status, answer in operation["responses"].items() if status.startswith("2")]
    contents = [content for each in bodies + good for content in each.get("content", {}).values()]
    assert [content for content in contents if not _has_example(content)] == []


def _has_example(content: dict[str, Any]) -> bool:
    schema = content["schema"]
    named = schema.get("items", schema).get("$ref")
    if named:
        return "examples" in DESCRIPTION["components"]["schemas"][named.rsplit("/")[-1]]
    binary = schema.get("format") == "binary" or schema.get("additionalProperties") is True
    return binary or "example" in content or "examples" in content


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_true(name: str) -> None:
    """Each example of an answer fits the schema it stands for."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": DESCRIPTION["components"]}
    jsonschema.Draft202012Validator(schema).validate(EXAMPLES[name])


def test_examples_of_requests_are_true() -> None:
    """Each example of a request fits its own schema."""
    schemas = DESCRIPTION["components"]["schemas"]
    for name, schema in schemas.items():
        if name.endswith("In") or name in {"SignIn", "UserChange"}:
            assert schema["examples"], name
            whole = schema | {"components": DESCRIPTION["components"]}
            jsonschema.Draft202012Validator(whole).validate(schema["examples"][0])


def test_the_readme_names_every_route(root: Path) -> None:
    """The README's table has every route with the rights of which one is enough, and no other."""
    rows = re.findall(r"^\| `([A-Z]+) (/\S+)` \| ([^|]+) \|", (root / "README.md").read_text("utf-8"), re.MULTILINE)
    written = {(method, path): set(rights.split(", ")) for method, path, rights in rows}
    assert written == {(method, path.removeprefix(V1)): _in_words(rights) for (method, path), rights in ACCESS.items()}


def _in_words(rights: Rights | None) -> set[str]:
    if rights is None:
        return {"anyone"}
    return {"signed in"} if rights == SIGNED_IN else {right.value for right in rights}


def test_an_example_of_a_problem_is_one(caller: CallerAs) -> None:
    """A real problem fits the schema that the description gives."""
    whole = DESCRIPTION["components"]["schemas"]["Problem"] | {"components": DESCRIPTION["components"]}
    for who, path in ((None, "/api/v1/alerts"), (Role.VIEWER, "/api/v1/alerts?limit=x"), (None, "/nowhere")):
        jsonschema.Draft202012Validator(whole).validate(caller(who).get(path).json())
