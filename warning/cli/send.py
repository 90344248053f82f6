"""``early-warning cluster send``: a file of events into Kafka, to try the service out or to send something again."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from warning.cli.app import example
from warning.cli.options import quiet, settings_file
from warning.settings import load_settings


@click.command(
    "send",
    short_help="向 Kafka 发送事件 Send events to Kafka",
    help="Send each line of FILE (JSON, `-`: standard input) as one event to the topic tickets.raw, as a platform "
    "would.\n\n把文件的每一行 (JSON) 作为一个事件发送到主题 tickets.raw,与平台的做法相同。",
    epilog=example("early-warning cluster send tickets.ndjson --source desk --settings cluster.yaml"),
)
@click.argument("file", type=click.File("rb"))
@click.option("--source", metavar="NAME", default="", help="Source the events are of [cluster.source]. 事件来源。")
@settings_file
@quiet
def send(file: BinaryIO, source: str, settings_path: Path | None, *, quiet: bool) -> None:
    """Send a file's lines."""
    from streams.seeding import send_lines

    sent = send_lines(file, load_settings(settings_path), source=source)
    if not quiet:
        click.echo(f"已发送 {sent:,} 个事件 events sent")
