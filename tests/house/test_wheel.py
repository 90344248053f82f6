"""The wheel: the three packages with their data, and nothing else."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.house.test_assets import VENDORED

PACKAGES = ("models", "warning", "streams")


@pytest.fixture(name="contents", scope="module")
def _contents(root: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Build the wheel with what is installed, without a network, and list it."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(root)], check=True)
    (wheel,) = folder.iterdir()
    with ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_top_level(contents: set[str]) -> None:
    """Exactly the three packages and the wheel's own metadata are at the top."""
    tops = {name.split("/")[0] for name in contents}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    assert len(tops) == len(PACKAGES) + 1


def test_typed(contents: set[str]) -> None:
    """Each package says that it is typed."""
    assert {f"{package}/py.typed" for package in PACKAGES} <= contents


def test_every_file_ships(root: Path, contents: set[str]) -> None:
    """Every module and data file in the packages, such as a source mapping, is in the wheel."""
    files = {path.relative_to(root).as_posix() for package in PACKAGES for path in _shipped(root / package)}
    assert files - contents == set()


def test_assets_ship(contents: set[str]) -> None:
    """The page's scripts, their style and their licences, which are not in git, are in the wheel."""
    assert {f"warning/web/static/vendor/{name}" for name in VENDORED} <= contents


def test_no_tests_ship(contents: set[str]) -> None:
    """No test is in the wheel."""
    assert [name for name in contents if any(part.startswith("test") for part in name.split("/"))] == []


def _shipped(package: Path) -> list[Path]:
    return [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
