"""``early-warning settings``: what is set, and what is wrong in a settings file."""

from __future__ import annotations

import json
from pathlib import Path

import click
from pydantic import ValidationError

from warning.cli.app import Exit, example
from warning.cli.options import INPUT_FILE, as_json
from warning.domain.errors import InvalidInputError
from warning.settings import load_settings, setting_names


@click.group(short_help="设置 Show or check settings", help="Show or check settings.\n\n查看或检查设置。")
def settings() -> None:
    """Hold the commands on settings."""


@settings.command(
    short_help="当前设置 Settings in force",
    help="Show every setting as it stands: defaults, then FILE, then the environment.\n\n"
    "显示全部设置的当前值:默认值、FILE、环境变量依次覆盖。",
    epilog=example("early-warning settings show", "early-warning settings show city.yaml --json"),
)
@click.argument("file", required=False, type=INPUT_FILE)
@as_json
def show(file: Path | None, *, as_json: bool) -> None:
    """Print the settings in force."""
    values = load_settings(file).model_dump(mode="json")
    if as_json:
        click.echo(json.dumps(values, ensure_ascii=False, indent=2))
        return
    for name in setting_names():
        value = values
        for key in name.split("."):
            value = value[key]
        click.echo(f"{name} = {json.dumps(value, ensure_ascii=False)}")


@settings.command(
    short_help="检查 Name every wrong setting",
    help="Check a settings file and name every wrong setting.\n\n检查设置文件,列出每一处错误。",
    epilog=example("early-warning settings check city.yaml"),
)
@click.argument("file", type=INPUT_FILE)
@click.pass_context
def check(context: click.Context, file: Path) -> None:
    """Say whether a settings file can be used."""
    try:
        load_settings(file)
    except InvalidInputError as error:
        if not isinstance(error.__cause__, ValidationError):
            raise
        for fault in error.__cause__.errors():
            name = ".".join(str(part) for part in fault["loc"])
            click.echo(f"错误 Error: {name}: {fault['msg']} (got {fault['input']!r})", err=True)
        context.exit(Exit.BAD_INPUT)
    click.echo(f"{file}: 可用 ok")
