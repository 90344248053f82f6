"""``early-warning cluster intake``: from the inputs into the log."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import Exit, example
from warning.cli.options import settings_file
from warning.settings import load_settings


@click.command(
    short_help="接入进程 Read the inputs into the log",
    help="Read what platforms wrote into tickets.raw and the API into tickets.pushed, check, redact and normalise it, "
    "and write it into the log. One of all intake workers also writes the clock. SIGTERM ends it cleanly.\n\n"
    "读取 tickets.raw 与 tickets.pushed,校验、脱敏、规范化后写入日志;其中一个进程兼写时钟。SIGTERM 可干净退出。",
    epilog=example(
        "early-warning cluster intake --settings cluster.yaml",
        "EARLY_WARNING_CLUSTER__PORT=0 early-warning cluster intake --settings cluster.yaml",
    ),
)
@settings_file
@click.pass_context
def intake(ctx: click.Context, settings_path: Path | None) -> None:
    """Work until stopped."""
    settings = load_settings(settings_path)
    from streams.intake.worker import build_worker
    from warning.bootstrap.folder import store_of
    from warning.bootstrap.logs import log_to_standard_error

    log_to_standard_error()
    worker = build_worker(
        settings,
        store_of(settings),
        announced=lambda address: click.echo(f"接入进程已启动 intake worker, metrics at {address}/metrics"),
    )
    ctx.exit(Exit.FAILED if worker.run() else Exit.OK)
