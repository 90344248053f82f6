"""``early-warning log``: the record of what was read, from which everything can be derived again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import NEW_PATH, arrival_order, as_json, mapping_name, quiet, settings_file, ticket_files
from warning.cli.progress import progress_bar, size_of
from warning.settings import load_settings
from warning.store.atomic import check_new_file


@click.group(short_help="日志 Record logs", help="Record logs of tickets.\n\n记录工单日志。")
def log() -> None:
    """Hold the commands on logs."""


@log.command(
    short_help="导出日志 Write files as a log",
    help="Write the tickets of files as a log, the form in which every runtime gives the same answer.\n\n"
    "把工单文件写成日志;同一日志在任何运行方式下给出相同的结果。",
    epilog=example("early-warning log export requests.csv --mapping nyc311 --out week.log"),
)
@ticket_files
@mapping_name
@click.option("--out", required=True, type=NEW_PATH, metavar="FILE", help="The log. 日志文件。")
@arrival_order
@settings_file
@as_json
@quiet
def export(
    files: tuple[Path, ...],
    mapping: str | None,
    out: Path,
    settings_path: Path | None,
    *,
    arrival_order: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read, normalise and write."""
    if not files or not mapping:
        raise click.UsageError("Give FILES and --mapping. 请给出文件与 --mapping。")
    settings = load_settings(settings_path)
    check_new_file(out)
    from warning.bootstrap import export_log

    with progress_bar(size_of(files), "导出 export", hidden=as_json or quiet) as progress:
        records = export_log(
            files, mapping=mapping, settings=settings, arrival_order=arrival_order, out=out, progress=progress
        )
    if as_json:
        click.echo(json.dumps({"out": str(out), "records": records}))
    elif not quiet:
        click.echo(f"{records:,} 条记录 records -> {out}")
