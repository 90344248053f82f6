"""``early-warning cluster export``: the whole log of a cluster as a file."""

from __future__ import annotations

import json
from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import NEW_PATH, as_json, quiet, settings_file
from warning.settings import load_settings
from warning.store.atomic import check_new_file


@click.command(
    "export",
    short_help="导出日志 Write the cluster's log as a file",
    help="Write the log of the cluster, its history first, in the form that `early-warning backtest --log` reads: it "
    "gives the same signals and alerts. Workers may be running; ticks that have not reached every partition are left "
    "out.\n\n"
    "把集群日志 (含历史) 写成文件,供 early-warning backtest --log 使用,结果一致。"
    "进程可继续运行;未到达所有分区的时钟不导出。",
    epilog=example("early-warning cluster export --out cluster.log --settings cluster.yaml"),
)
@click.option("--out", required=True, type=NEW_PATH, metavar="FILE", help="The log. 日志文件。")
@settings_file
@as_json
@quiet
def export(out: Path, settings_path: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Merge and write."""
    settings = load_settings(settings_path)
    check_new_file(out)
    from streams.cluster_log import export_cluster_log

    records = export_cluster_log(settings, out)
    if as_json:
        click.echo(json.dumps({"out": str(out), "records": records}))
    elif not quiet:
        click.echo(f"{records:,} 条记录 records -> {out}")
