"""``early-warning log``: the record of what was read, from which everything can be derived again."""

from __future__ import annotations

import json
from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import (
    NEW_PATH,
    arrival_order,
    as_json,
    data_folder,
    mapping_name,
    quiet,
    settings_file,
    ticket_files,
    with_service,
)
from warning.cli.progress import progress_bar, size_of
from warning.settings import load_settings
from warning.store.atomic import check_new_file


@click.group(short_help="日志 Record logs", help="Record logs of tickets.\n\n记录工单日志。")
def log() -> None:
    """Hold the commands on logs."""


@log.command(
    short_help="导出日志 Write files as a log",
    help="Write the tickets of files as a log, the form in which every runtime gives the same answer; or with --data "
    "the log of the service on that folder, running or not.\n\n"
    "把工单文件写成日志;或用 --data 导出服务的日志。同一日志在任何运行方式下给出相同的结果。",
    epilog=example(
        "early-warning log export requests.csv --mapping nyc311 --out week.log",
        "early-warning log export --data early-warning-data --out service.log",
    ),
)
@ticket_files
@mapping_name
@click.option("--out", required=True, type=NEW_PATH, metavar="FILE", help="The log. 日志文件。")
@arrival_order
@data_folder
@settings_file
@as_json
@quiet
def export(
    files: tuple[Path, ...],
    mapping: str | None,
    out: Path,
    data: Path | None,
    settings_path: Path | None,
    *,
    arrival_order: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read, normalise and write."""
    if data is not None and (files or mapping or arrival_order):
        raise click.UsageError("--data stands alone: the service's log is as it is. --data 不与文件或映射同用。")
    if data is None and not (files and mapping):
        raise click.UsageError("Give FILES and --mapping, or --data. 请给出文件与 --mapping,或 --data。")
    settings = load_settings(settings_path)
    check_new_file(out)
    if data is not None:
        from warning.bootstrap.history import export_live_log

        _say(out, export_live_log(with_service(settings, data=str(data)), out), as_json=as_json, quiet=quiet)
        return
    from warning.bootstrap import export_log

    with progress_bar(size_of(files), "导出 export", hidden=as_json or quiet) as progress:
        records = export_log(
            files, mapping=mapping or "", settings=settings, arrival_order=arrival_order, out=out, progress=progress
        )
    _say(out, records, as_json=as_json, quiet=quiet)


def _say(out: Path, records: int, *, as_json: bool, quiet: bool) -> None:
    if as_json:
        click.echo(json.dumps({"out": str(out), "records": records}))
    elif not quiet:
        click.echo(f"{records:,} 条记录 records -> {out}")
