"""``early-warning cluster detect``: follows partitions of the log and reports what is unusual in them."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import Exit, example
from warning.cli.options import settings_file
from warning.settings import load_settings


@click.command(
    "detect",
    short_help="检测 Find what is unusual in the log",
    help="Follow partitions of the log with the engine, and report each tick; as many may run as the log has "
    "partitions. Ends within ten seconds of SIGTERM; metrics and health are at cluster.host and cluster.port.\n\n"
    "以引擎处理日志的若干分区,并逐个时钟上报;进程数至多为分区数。收到 SIGTERM 后十秒内退出。"
    "指标与健康检查见 cluster.host 与 cluster.port。",
    epilog=example("early-warning cluster detect --settings cluster.yaml"),
)
@settings_file
@click.pass_context
def detect(ctx: click.Context, settings_path: Path | None) -> None:
    """Run until told to stop."""
    settings = load_settings(settings_path)
    from streams.detect.build import run_detect
    from warning.bootstrap.logs import log_to_standard_error

    log_to_standard_error()
    code = run_detect(
        settings,
        lambda address: click.echo(f"检测进程已启动 detect worker, metrics at {address}/metrics"),
    )
    ctx.exit(Exit.FAILED if code else Exit.OK)
