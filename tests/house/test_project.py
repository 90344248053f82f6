"""The project file and the pins: what is installed is what is written, and every exception has its reason."""

import importlib
import re
from importlib.metadata import distributions
from pathlib import Path

import pytest

PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][a-z0-9.+!]*)")
OURS = "early-warning"


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _pins(root: Path) -> dict[str, str]:
    lines = (root / "constraints.txt").read_text("utf-8").splitlines()
    matches = [PIN.fullmatch(line) for line in lines if line and not line.startswith("#")]
    return {match["name"]: match["version"] for match in matches if match}


def _ignored_rules(project: str) -> list[str]:
    """The lines of the project file that switch off a lint rule."""
    lint = project[project.index("[tool.ruff.lint]") : project.index("[tool.ruff.lint.flake8-tidy-imports]")]
    return [line for line in lint.splitlines() if re.match(r'\s+"[A-Z]+[0-9]*"', line)]


def test_installed_is_pinned(root: Path) -> None:
    """Every installed distribution has the version that constraints.txt gives it."""
    pins = _pins(root)
    installed = {_normal(d.metadata["Name"]): d.version for d in distributions()}
    installed.pop(OURS)
    assert {name: version for name, version in installed.items() if pins.get(name) != version} == {}


def test_pins_are_plain(root: Path) -> None:
    """constraints.txt holds only comments and exact versions: no address, path, option or hash."""
    text = (root / "constraints.txt").read_text("utf-8")
    odd = [line for line in text.splitlines() if line and not line.startswith("#") and not PIN.fullmatch(line)]
    assert odd == []
    assert "://" not in text


def test_every_ignored_rule_has_a_reason(root: Path) -> None:
    """Every lint rule that is switched off says why, on its line."""
    ignored = _ignored_rules((root / "pyproject.toml").read_text("utf-8"))
    assert len(ignored) > 1
    assert [line for line in ignored if not re.search(r'"[A-Z]+[0-9]*",\s*# \S+ \S+', line)] == []


def test_an_ignored_rule_without_reason_is_seen() -> None:
    """The reader of the project file finds every ignored rule, with and without a reason."""
    project = '[tool.ruff.lint]\nignore = [\n    "EM",\n    "D102",  # why\n]\n[tool.ruff.lint.flake8-tidy-imports]'
    assert _ignored_rules(project) == ['    "EM",', '    "D102",  # why']


@pytest.mark.parametrize("package", ["models", "warning", "streams"])
def test_package_is_ours(root: Path, package: str) -> None:
    """A package with a common name is ours, not one that something else installed."""
    origin = importlib.import_module(package).__file__
    assert origin == str(root / package / "__init__.py")
