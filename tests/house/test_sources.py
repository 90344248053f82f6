"""Our sources: one reader of the environment, one reader of the clock, no mocks, a claim on every test."""

from pathlib import Path

import pytest

from tests.house.sources import CLOCK, ENVIRONMENT, MOCKS, python_files, silent_tests, uses

PACKAGES = ("models", "warning", "streams")
MAY_READ_CLOCK = ("warning/runtime/clock.py",)
MAY_READ_ENVIRONMENT = ("warning/settings.py", "warning/settings/")


def _offences(
    root: Path, folders: tuple[str, ...], banned: tuple[str, ...], allowed: tuple[str, ...] = ()
) -> list[str]:
    files = [(path.relative_to(root).as_posix(), path) for path in python_files(root, *folders)]
    return [
        f"{name}:{line} {use}"
        for name, path in files
        if not name.startswith(allowed)
        for line, use in uses(path.read_text("utf-8"), banned)
    ]


def test_only_the_clock_reads_the_clock(root: Path) -> None:
    """Nothing in the three packages but warning.runtime.clock asks for the time."""
    assert _offences(root, PACKAGES, CLOCK, MAY_READ_CLOCK) == []


def test_only_settings_read_the_environment(root: Path) -> None:
    """Nothing in the three packages but warning.settings reads environment variables."""
    assert _offences(root, PACKAGES, ENVIRONMENT, MAY_READ_ENVIRONMENT) == []


def test_no_mocks(root: Path) -> None:
    """Neither the packages nor the tests use a mock library: we write fakes of our own ports."""
    assert _offences(root, (*PACKAGES, "tests", "benchmarks"), MOCKS) == []


def test_every_test_has_a_claim(root: Path) -> None:
    """Every test says in a docstring of one sentence what it claims."""
    silent = [
        f"{path.relative_to(root)}:{line} {name}"
        for path in python_files(root, "tests")
        for line, name in silent_tests(path.read_text("utf-8"))
    ]
    assert silent == []


def test_every_folder_of_sources_is_a_package(root: Path) -> None:
    """Every folder with Python files has an __init__.py, so that no two modules share a name."""
    folders = {path.parent for path in python_files(root, *PACKAGES, "tests", "benchmarks")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []


@pytest.mark.parametrize(
    ("source", "banned", "use"),
    [
        ("import time", CLOCK, "time"),
        ("from time import monotonic as m", CLOCK, "time.monotonic"),
        ("import datetime as d\nd.datetime.now()", CLOCK, "datetime.datetime.now"),
        ("from datetime import datetime as dt\ndt.utcnow()", CLOCK, "datetime.datetime.utcnow"),
        ("from datetime import date\nf = date.today", CLOCK, "datetime.date.today"),
        ("import os\nos.environ['A']", ENVIRONMENT, "os.environ"),
        ("from os import getenv", ENVIRONMENT, "os.getenv"),
        ("import os.path\nos.getenv('A')", ENVIRONMENT, "os.getenv"),
        ("from unittest import mock", MOCKS, "unittest.mock"),
        ("from unittest.mock import Mock", MOCKS, "unittest.mock.Mock"),
    ],
)
def test_a_use_is_seen(source: str, banned: tuple[str, ...], use: str) -> None:
    """Each banned use is seen, under any alias."""
    assert use in [name for _, name in uses(source, banned)]


@pytest.mark.parametrize(
    "source",
    [
        "from datetime import datetime, time\ntime(8)",
        "def f(clock):\n    return clock.now()",
        "import timeit",
        "import os\nos.path.join('a')",
    ],
)
def test_a_harmless_use_is_let_be(source: str) -> None:
    """Types of time, an injected clock and look-alikes are allowed."""
    assert list(uses(source, (*CLOCK, *ENVIRONMENT, *MOCKS))) == []


@pytest.mark.parametrize("docstring", ["", '"""No full stop"""', '"""Two.\n\n    Paragraphs."""'])
def test_a_test_without_claim_is_seen(docstring: str) -> None:
    """A test with no docstring, an unfinished one or more than a sentence is found."""
    source = f"class TestX:\n  def test_a(self):\n    {docstring}\n    assert True\n"
    assert list(silent_tests(source)) == [(2, "test_a")]
