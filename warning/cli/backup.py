"""``early-warning backup`` and ``early-warning restore``: a database in one file, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from warning.cli.app import example
from warning.cli.options import INPUT_FILE, NEW_PATH, data_folder, quiet, settings_file, with_service
from warning.settings import load_settings
from warning.store.atomic import check_new_file

if TYPE_CHECKING:
    from warning.settings import Settings


@click.command(
    short_help="备份 Copy the database of a service",
    help="Write one file that holds the service's database as it is at this moment; the service may go on running. "
    "It is checked, and holds no originals of refused items. Of a PostgreSQL database (setting store.url) it is what "
    "pg_dump writes.\n\n"
    "把服务的数据库备份为一个文件,服务可继续运行。备份经过校验,不含被拒条目的原文。PostgreSQL 数据库由 pg_dump 备份。",
    epilog=example(
        "early-warning backup --data /srv/early-warning backup.db",
        "early-warning backup --settings cluster.yaml backup.dump",
    ),
)
@click.argument("out", type=NEW_PATH)
@data_folder
@settings_file
@quiet
def backup(out: Path, data: Path | None, settings_path: Path | None, *, quiet: bool) -> None:
    """Copy."""
    settings = _settings(data, settings_path)
    check_new_file(out)
    from warning.bootstrap.backups import back_up

    where = back_up(settings, out)
    if not quiet:
        click.echo(f"备份 backup: {where} -> {out}")


@click.command(
    short_help="恢复 Put a backup in place",
    help="Put a backup where a service's database is to be. With --force an older database is kept beside it. A "
    "PostgreSQL database (setting store.url) must have no rows.\n\n"
    "把备份放到服务的数据目录。加 --force 时,原数据库保留在旁边。PostgreSQL 数据库必须没有数据。",
    epilog=example(
        "early-warning restore backup.db --data /srv/early-warning",
        "early-warning restore backup.dump --settings cluster.yaml",
    ),
)
@click.argument("file", type=INPUT_FILE)
@data_folder
@settings_file
@click.option("--force", is_flag=True, help="Replace a database that is there (a data folder's). 替换已有的数据库。")
@quiet
def restore(file: Path, data: Path | None, settings_path: Path | None, *, force: bool, quiet: bool) -> None:
    """Check, then move into place."""
    settings = _settings(data, settings_path)
    if force and settings.store.url:
        raise click.UsageError(
            "--force replaces a data folder's database; for PostgreSQL name an empty database. --force 只用于数据目录。"
        )
    from warning.bootstrap.backups import restore as put_back

    where, aside = put_back(settings, file, force=force)
    if not quiet:
        click.echo(f"恢复 restored: {file} -> {where}")
    if aside is not None and not quiet:
        click.echo(f"原数据库 the old one: {aside}")


def _settings(data: Path | None, settings_path: Path | None) -> Settings:
    return with_service(load_settings(settings_path), data=None if data is None else str(data))
