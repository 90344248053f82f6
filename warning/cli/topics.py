"""``early-warning topics``: make Kafka's topics, and check them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warning.cli.app import Exit, example
from warning.cli.options import as_json, settings_file
from warning.service.errors import BadInputError
from warning.settings import load_settings

if TYPE_CHECKING:
    from types import ModuleType

    from streams.admin import Difference

_HEADINGS = ("主题 topic", "项目 what", "现为 is", "应为 wanted")


@click.group(
    short_help="Kafka 主题 Kafka's topics",
    help="Make the topics that the cluster uses, and check them.\n\n建立并检查集群所用的 Kafka 主题。",
)
def topics() -> None:
    """Hold the commands on topics."""


@topics.command(
    short_help="建立主题 Make what is missing",
    help="Make the topics that are missing, and set what differs (retention, cleanup, sizes, copies that must have a "
    "record). Deletes nothing, and changes no number of partitions.\n\n"
    "建立缺少的主题,并改正不同的设置;不删除任何主题,也不改变分区数。\n\n"
    "Exit code 3 when something is left that a person must do. 仍有需人工处理的差异时,退出码为 3。",
    epilog=example("early-warning topics apply --settings cluster.yaml"),
)
@settings_file
@click.pass_context
def apply(ctx: click.Context, settings_path: Path | None) -> None:
    """Apply the table of topics."""
    done = _admin().apply_topics(load_settings(settings_path))
    for topic in done.made:
        click.echo(f"已建立 made     {topic.name} ({topic.partitions})")
    for each in done.changed:
        click.echo(f"已改正 changed  {each.topic} {each.what}: {each.found} -> {each.wanted}")
    _end(ctx, done.left)


@topics.command(
    short_help="检查主题 Check them",
    help="Print what of the topics differs from what the settings want; changes nothing.\n\n"
    "列出主题与设置不符之处,不作任何修改。\n\nExit code 3 when anything differs. 有差异时,退出码为 3。",
    epilog=example("early-warning topics check --settings cluster.yaml"),
)
@as_json
@settings_file
@click.pass_context
def check(ctx: click.Context, settings_path: Path | None, *, as_json: bool) -> None:
    """Compare the topics with their table."""
    differences = _admin().check_topics(load_settings(settings_path))
    if not as_json:
        _end(ctx, differences)
        return
    names = ("topic", "what", "found", "wanted", "remedy")
    rows = [{name: getattr(each, name) for name in names} for each in differences]
    click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    ctx.exit(Exit.BAD_INPUT if differences else Exit.OK)


@topics.command(
    short_help="主题的 AsyncAPI 文档 Topics as AsyncAPI 3",
    help="Print the AsyncAPI 3 document of the topics: their records, keys, partitions and retention.\n\n"
    "输出各主题的 AsyncAPI 3 文档:记录格式、键、分区数与保留期限。",
    epilog=example("early-warning topics asyncapi > asyncapi.json"),
)
@settings_file
def asyncapi(settings_path: Path | None) -> None:
    """Print the document."""
    from streams.asyncapi import asyncapi_document

    click.echo(json.dumps(asyncapi_document(load_settings(settings_path)), ensure_ascii=False, indent=2))


def _admin() -> ModuleType:
    try:
        from streams import admin
    except ModuleNotFoundError as error:
        raise BadInputError(
            f"package {error.name}",
            "is not installed",
            "This needs the extra `cluster`: pip install 'early-warning[cluster]'.",
            f"{error.name}: 未安装。此命令需要扩展 cluster: pip install 'early-warning[cluster]'。",
        ) from error
    return admin


def _end(ctx: click.Context, differences: Sequence[Difference]) -> None:
    if not differences:
        click.echo("主题齐备 all topics are as they should be")
        return
    rows = [(each.topic, str(each.what), each.found, each.wanted) for each in differences]
    widths = [max(len(row[at]) for row in rows) for at in range(len(_HEADINGS))]
    click.echo(" | ".join(_HEADINGS))
    for each, row in zip(differences, rows, strict=True):
        click.echo(" | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
        click.echo(f"    {each.remedy or '可由 topics apply 处理 done by: early-warning topics apply'}")
    ctx.exit(Exit.BAD_INPUT)
