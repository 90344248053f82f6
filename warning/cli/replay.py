"""``early-warning replay``: a part of a cluster's log through a fresh engine."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.backtest import report_of
from warning.cli.options import NEW_PATH, as_json, quiet, settings_file
from warning.cli.progress import progress_bar
from warning.settings import load_settings
from warning.store.encoding import encode_pretty
from warning.store.files import check_result_folder, write_result


@click.command(
    short_help="重放日志 Run a part of the log again",
    help="Run a part of a cluster's log through an engine that knows nothing before it, and write what it says as "
    "`early-warning backtest` does. Nothing of the cluster changes.\n\n"
    "把集群日志的一段送入全新的引擎,结果与 early-warning backtest 相同格式;不影响集群。\n\n"
    "--from and --to take an offset (of every partition) or a time (ISO 8601, when records were written); --to is not "
    "included.\n\n--from 与 --to 可为偏移量 (各分区相同) 或写入时间 (ISO 8601);不含 --to 本身。",
    epilog=example(
        "early-warning replay --topic tickets --out result --settings cluster.yaml",
        "early-warning replay --topic tickets --from 2026-01-31T08:00 --to 2026-02-01T08:00 --out result",
        "early-warning replay --topic tickets.g2 --from 0 --to 5000 --out result",
    ),
)
@click.option(
    "--topic", default="tickets", show_default=True, metavar="NAME", help="The log, without kafka.prefix. 日志主题。"
)
@click.option("--from", "since", metavar="OFFSET|TIME", help="Where to begin [the oldest kept]. 起点。")
@click.option("--to", "until", metavar="OFFSET|TIME", help="Where to end [the present end]. 终点。")
@click.option("--out", required=True, type=NEW_PATH, metavar="DIR", help="Folder for the result. 结果目录。")
@settings_file
@as_json
@quiet
def replay(
    topic: str,
    since: str | None,
    until: str | None,
    out: Path,
    settings_path: Path | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check the output first, then read, run, write and report."""
    settings = load_settings(settings_path)
    check_result_folder(out)
    from streams.replay import Replay, parse_position
    from warning.bootstrap.folder import zone_of
    from warning.web.report import render_report

    first, end = (None if text is None else parse_position(text, zone_of(settings)) for text in (since, until))
    work = Replay(settings, topic, first, end)
    with progress_bar(work.prepare(), "重放 replay", hidden=as_json or quiet) as progress:
        result = work.result(progress)
    write_result(out, result, render_report(result))
    if not quiet:
        click.echo(encode_pretty(result.summary) if as_json else report_of(result, out), nl=not as_json)
