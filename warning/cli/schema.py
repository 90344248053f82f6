"""``early-warning schema``: the public formats as JSON Schemas."""

from __future__ import annotations

import json

import click

from warning.cli.app import example
from warning.store import schemas


@click.command(
    short_help="数据格式 JSON Schemas of the formats",
    help="Print the JSON Schema of a format, or the list of formats.\n\n"
    "输出某种格式的 JSON Schema;不带名称则列出全部格式。",
    epilog=example("early-warning schema alerts > alerts.schema.json"),
)
@click.argument("name", required=False)
def schema(name: str | None) -> None:
    """Print a schema, or the names there are."""
    if name is not None:
        click.echo(json.dumps(schemas.schema(name), ensure_ascii=False, indent=2))
        return
    for known, (_, title) in schemas.FORMATS.items():
        click.echo(f"{known:<12} {title}")
