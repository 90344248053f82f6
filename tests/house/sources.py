"""Rules of our own sources that no linter has, as functions from a module's text to what is wrong with it."""

import ast
from collections.abc import Iterator
from pathlib import Path

# A rule is a set of dotted names; a name covers all that begins with it.
CLOCK = (
    "time",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
)
ENVIRONMENT = ("os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv")
MOCKS = ("unittest.mock", "mock", "pytest_mock")


def python_files(root: Path, *folders: str) -> list[Path]:
    """All Python files in the folders that exist, sorted."""
    return sorted(path for folder in folders for path in (root / folder).rglob("*.py"))


def uses(source: str, banned: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """Each line and dotted name where the module imports or reads something banned, under any alias."""
    tree = ast.parse(source)
    aliases = dict(_aliases(tree))
    for node in ast.walk(tree):
        for name in _dotted_names(node, aliases):
            if any(f"{name}.".startswith(f"{ban}.") for ban in banned):
                yield node.lineno, name  # type: ignore[attr-defined]


def silent_tests(source: str) -> Iterator[tuple[int, str]]:
    """Each line and name of a test function whose docstring is not one sentence."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            claim = ast.get_docstring(node)
            if claim is None or "\n\n" in claim or not claim.endswith((".", "。")):
                yield node.lineno, node.name


def _aliases(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                yield name, alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _dotted_names(node: ast.AST, aliases: dict[str, str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.level == 0:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    elif isinstance(node, ast.Attribute):
        yield from _attribute_name(node, aliases)


def _attribute_name(node: ast.Attribute, aliases: dict[str, str]) -> Iterator[str]:
    parts: list[str] = []
    value: ast.expr = node
    while isinstance(value, ast.Attribute):
        parts.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name) and value.id in aliases:
        yield ".".join([aliases[value.id], *reversed(parts)])
