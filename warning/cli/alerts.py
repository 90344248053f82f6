"""``early-warning cluster alerts``: the worker that judges ticks and raises alerts."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import Exit, example
from warning.cli.options import settings_file
from warning.settings import load_settings


@click.command(
    short_help="预警进程 Judge ticks, raise alerts",
    help="Run an alert worker: what all partitions report of a tick becomes alerts in the database and in the topic "
    "`alerts`; decisions of people go back into the log. One works, further ones stand by.\n\n"
    "运行预警进程:汇总各分区的时钟汇报,写出预警,并把人的决定送回日志。一个进程工作,其余待命。",
    epilog=example("early-warning cluster alerts --settings cluster.yaml"),
)
@settings_file
@click.pass_context
def alerts(ctx: click.Context, settings_path: Path | None) -> None:
    """Run until told to stop."""
    settings = load_settings(settings_path)
    from streams.alerts.worker import run_alerts
    from warning.bootstrap.logs import log_to_standard_error

    log_to_standard_error()
    code = run_alerts(
        settings, lambda address: click.echo(f"预警进程已启动 alert worker, metrics at {address}/metrics")
    )
    ctx.exit(Exit.FAILED if code else Exit.OK)
