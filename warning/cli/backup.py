"""``early-warning backup`` and ``early-warning restore``: a database in one file, and the way back."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import INPUT_FILE, NEW_PATH, data_folder, quiet
from warning.settings import load_settings
from warning.store.atomic import check_new_file


@click.command(
    short_help="备份 Copy the database of a service",
    help="Write one file that holds the service's database as it is at this moment; the service may go on running. "
    "It is checked, and holds no originals of refused items.\n\n"
    "把服务的数据库备份为一个文件,服务可继续运行。备份经过校验,不含被拒条目的原文。",
    epilog=example("early-warning backup --data /srv/early-warning backup.db"),
)
@click.argument("out", type=NEW_PATH)
@data_folder
@quiet
def backup(out: Path, data: Path | None, *, quiet: bool) -> None:
    """Copy."""
    database = _database(data)
    check_new_file(out)
    from warning.store.sql.backup import back_up

    back_up(database, out)
    if not quiet:
        click.echo(f"备份 backup: {database} -> {out}")


@click.command(
    short_help="恢复 Put a backup in place",
    help="Put a backup where a service's database is to be. With --force an older database is kept beside it.\n\n"
    "把备份放到服务的数据目录。加 --force 时,原数据库保留在旁边。",
    epilog=example("early-warning restore backup.db --data /srv/early-warning"),
)
@click.argument("file", type=INPUT_FILE)
@data_folder
@click.option("--force", is_flag=True, help="Replace a database that is there. 替换已有的数据库。")
@quiet
def restore(file: Path, data: Path | None, *, force: bool, quiet: bool) -> None:
    """Check, then move into place."""
    database = _database(data)
    from warning.store.sql.backup import restore as put_back

    aside = put_back(file, database, force=force)
    if not quiet:
        click.echo(f"恢复 restored: {file} -> {database}")
    if aside is not None and not quiet:
        click.echo(f"原数据库 the old one: {aside}")


def _database(data: Path | None) -> Path:
    from warning.bootstrap.accounts import DATABASE

    return (data or Path(load_settings().service.data)) / DATABASE
