"""``early-warning repartition``: another number of partitions for a cluster's log."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import quiet, settings_file
from warning.settings import load_settings


@click.command(
    short_help="更改分区数 Change the number of partitions",
    help="Give the log of a cluster another number of partitions: a new topic is made, and what was learned is "
    "grouped anew. Stop the intake workers first, let the detect workers catch up, stop those, run this, and start "
    "all again; what came in meanwhile waits in the inputs. It refuses while workers run or a partition lags.\n\n"
    "为集群日志更换分区数:新建主题并重新分组已学到的状态。请先停 intake,待 detect 追平后停 detect,运行本命令,"
    "再全部启动;期间接入的数据留在输入主题中。仍有进程运行或未追平时会拒绝。",
    epilog=example("early-warning repartition --partitions 12 --settings cluster.yaml"),
)
@click.option("--partitions", required=True, type=click.IntRange(1, 255), metavar="N", help="How many. 分区数。")
@settings_file
@quiet
def repartition(partitions: int, settings_path: Path | None, *, quiet: bool) -> None:
    """Check that all is at rest, then regroup."""
    settings = load_settings(settings_path)
    from streams import repartition as work
    from streams.away import named
    from warning.bootstrap.folder import open_store

    database = open_store(settings)
    try:
        with named(settings):
            done = work.repartition(settings, database, partitions)
    finally:
        database.close()
    if not quiet:
        click.echo(f"日志 the log: {done.topic}, {done.before} -> {done.partitions} 个分区 partitions")
        click.echo(f"请把 kafka.partitions 设为 {done.partitions} Set kafka.partitions to {done.partitions}")
