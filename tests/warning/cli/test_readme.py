"""The README's sections on the command line, settings and files: what they show is tried out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.warning.cli.conftest import Run
from warning.cli.app import Exit
from warning.intake.mapping_files import parse_mapping
from warning.service.counts import COLUMNS
from warning.service.score import HEADER
from warning.store.files import RESULT_FILES
from warning.store.schemas import FORMATS


@pytest.fixture(name="readme", scope="module")
def _readme() -> str:
    return (Path(__file__).parents[3] / "README.md").read_text("utf-8")


def _section(readme: str, title: str) -> str:
    return readme.split(f"\n## {title}\n")[1].split("\n## ", maxsplit=1)[0]


def _first_column(section: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)


def test_mapping_example_is_a_mapping(readme: str) -> None:
    """The mapping shown can be used as it stands."""
    example = _section(readme, "Files and formats").split("```yaml\n")[1].split("```")[0]
    assert parse_mapping(example, "README").name == "my-city"


def test_settings_example_is_right(readme: str, run: Run, tmp_path: Path) -> None:
    """The settings shown pass the program's own check."""
    example = _section(readme, "Settings").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "s.yaml").write_text(example, "utf-8")
    assert run("settings", "check", tmp_path / "s.yaml").exit_code == 0


def test_files_and_formats_are_the_programs_own(readme: str) -> None:
    """The table of files, the names of the schemas and the columns of counts and scores are those in the code."""
    section = _section(readme, "Files and formats")
    assert _first_column(section) == list(RESULT_FILES)
    for words in (*FORMATS, ",".join(COLUMNS), ",".join(HEADER)):
        assert f"`{words}`" in section


def test_exit_codes_are_the_programs_own(readme: str) -> None:
    """The table of exit codes lists each code there is."""
    assert _first_column(_section(readme, "Command line")) == [str(int(code)) for code in Exit]
