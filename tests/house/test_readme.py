"""The README: every command, option, setting and make target in it exists, and the other way round."""

import importlib
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from pydantic import BaseModel, Field

from tests.house import readme as check


def _existing(module: str) -> list[str]:
    """The module, if it is there: what does not exist yet cannot be documented yet."""
    spec = find_spec(module)
    return [module] if spec is not None and spec.origin is not None else []


@pytest.fixture(name="readme", scope="module")
def _readme(root: Path) -> str:
    return (root / "README.md").read_text("utf-8")


def test_command_line_is_documented(readme: str) -> None:
    """The README's code and the program have the same commands and options."""
    for module in _existing("warning.cli"):
        app = importlib.import_module(module).main
        assert check.undocumented_commands(readme, app) == []
        assert check.unknown_commands(readme, app) == []


def test_settings_are_documented(readme: str) -> None:
    """The table in the README's section Settings has exactly the settings there are."""
    for module in _existing("warning.settings"):
        settings = importlib.import_module(module)
        rows = check.undocumented_settings(readme, settings.Settings)
        assert rows == [], "\n".join(["add to README, section Settings:", *rows])
        assert check.unknown_settings(readme, settings.Settings, settings.ENVIRONMENT_PREFIX) == []


def test_make_targets_are_documented(root: Path, readme: str) -> None:
    """The README's code and the Makefile have the same targets."""
    assert check.named_targets(readme) == check.make_targets((root / "Makefile").read_text("utf-8"))


def test_ci_runs_what_the_readme_says(root: Path, readme: str) -> None:
    """The first command of the README's section Tests is what CI calls, to the letter."""
    command = check.code(check.section(readme, "Tests"))[0]
    assert command in (root / ".ci" / "run").read_text("utf-8").splitlines()


@click.group()
def _app() -> None: ...


@_app.command()
@click.argument("file")
@click.option("--from", "start")
@click.option("--sorted/--arrival-order")
@click.option("--secret", hidden=True)
def backtest(file: str, start: str, *, sorted: bool, secret: str) -> None: ...  # noqa: A002


WHOLE = """
`early-warning`
```sh
$ early-warning backtest data.csv \\
    --from=2020-01-01 --sorted | head --lines 3
```
`--arrival-order`, `early-warning COMMAND --help`
"""


class _Engine(BaseModel):
    shards: int = Field(64, description="Logical shards")


class _Settings(BaseModel):
    zone: str = ""
    engine: _Engine = _Engine(shards=64)


def test_a_whole_readme_is_accepted() -> None:
    """A README that shows each command and option once, in spans or blocks, has no fault."""
    assert check.undocumented_commands(WHOLE, _app) == []
    assert check.unknown_commands(WHOLE, _app) == []


def test_a_missing_command_is_seen() -> None:
    """Commands and options that no code shows are named; prose does not count, hidden ones need none."""
    missing = check.undocumented_commands("early-warning backtest --from", _app)
    command = "early-warning backtest"
    assert missing == ["early-warning", command, *(f"{command} {o}" for o in ("--from", "--sorted", "--arrival-order"))]


@pytest.mark.parametrize(
    "wrong", ["early-warning replay", "early-warning backtest x --until 3", "--until", "early-warning --from 3"]
)
def test_an_unknown_command_is_seen(wrong: str) -> None:
    """A command or option in code that the program does not have is named."""
    assert len(check.unknown_commands(f"`{wrong}`", _app)) == 1


def test_settings_are_compared_both_ways() -> None:
    """A missing setting gives its row; one that does not exist is named, in the table or as a variable."""
    text = "## Settings\n| `zone` | |\n| `engine.sharks` | |\nor `EW_ENGINE__SHARDS`, `EW_ENGINE__LATE`\n## Next\n"
    assert check.undocumented_settings(text, _Settings) == ["| `engine.shards` | `64` | Logical shards |"]
    assert check.unknown_settings(text, _Settings, "EW_") == ["engine.sharks", "EW_ENGINE__LATE"]


def test_targets_are_read() -> None:
    """Targets are read from a Makefile's explained rules and from calls in the README's code."""
    assert check.make_targets("a: b ## do a\nb:\n\tx\n") == {"a"}
    assert check.named_targets("make no `make a b V=--c` \n```\nmake d # e\n```\n") == {"a", "b", "d"}
