"""``early-warning load``: years of history into a service."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from warning.cli.app import example
from warning.cli.options import (
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

if TYPE_CHECKING:
    from collections.abc import Callable

    from warning.bootstrap.history import Extent
    from warning.settings import Settings
    from warning.store.sql.database import Database


@click.command(
    short_help="载入历史 Teach the service from history",
    help="Load files of old tickets into the service as history: it teaches the baselines and raises nothing.\n\n"
    "把历史工单载入服务:只用于学习常态,不产生预警。\n\n"
    "The service may be running: it takes the history over by itself and goes on from where it was. What is newer than "
    "the service's own log is left out. 服务可在运行中载入;比服务自身日志更新的部分不载入。",
    epilog=example("early-warning load 2023.csv 2024.csv --mapping nyc311 --source nyc311 --data early-warning-data"),
)
@ticket_files
@mapping_name
@click.option("--source", metavar="NAME", help="Source the tickets are of [the mapping's]. 工单来源。")
@click.option(
    "--force",
    is_flag=True,
    help="Also when the log's first records were deleted, so that what was learned from them is lost. "
    "日志起始部分已删除时仍载入。",
)
@data_folder
@settings_file
@as_json
@quiet
def load(
    files: tuple[Path, ...],
    mapping: str | None,
    source: str | None,
    data: Path | None,
    settings_path: Path | None,
    *,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read, store, begin a new era."""
    if not files or not mapping:
        raise click.UsageError("Give FILES and --mapping. 请给出文件与 --mapping。")
    settings = with_service(load_settings(settings_path), data=None if data is None else str(data))
    from warning.bootstrap.history import load_history

    with progress_bar(size_of(files), "载入 load", hidden=as_json or quiet) as progress:
        loaded = load_history(
            files,
            mapping=mapping,
            settings=settings,
            source=source or "",
            force=force,
            progress=progress,
            extent=_extent_in(settings),
        )
    if as_json:
        click.echo(msgspec.json.encode(asdict(loaded)))
    elif not quiet:
        click.echo(f"{loaded.rows:,} 条历史 events of history, 至 until {loaded.until}")
        refused = sum(loaded.rejected.values())
        click.echo(f"{loaded.newer:,} 条较新未载入 newer and left out, {refused:,} 行被拒绝 rows rejected")
        if loaded.gap:
            click.echo(f"日志始于 the log begins {loaded.gap}; 此前只有载入的历史 before it only history is known")


def _extent_in(settings: Settings) -> Callable[[Settings, Database], Extent] | None:
    """Return what tells how far the log reaches: that of a cluster is in Kafka."""
    if not settings.store.url:
        return None
    from streams.extent import extent_of

    return extent_of
