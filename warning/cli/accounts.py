"""What the commands on a service's database share: the data folder, and how a secret is shown."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warning.cli.options import with_service
from warning.service.errors import BadInputError
from warning.settings import load_settings

if TYPE_CHECKING:
    from warning.service.accounts import Accounts


def accounts_in(
    data: Path | None, settings_path: Path | None, *, create: bool = False
) -> AbstractContextManager[Accounts]:
    """Open the accounts of the data folder given, else of the database that the settings name."""
    try:
        from warning.bootstrap.folder import accounts_of
    except ModuleNotFoundError as error:
        raise not_installed(error) from error
    settings = with_service(load_settings(settings_path), data=None if data is None else str(data))
    return accounts_of(settings, create=create)


def not_installed(error: ModuleNotFoundError) -> BadInputError:
    """Say which extra brings a missing package."""
    return BadInputError(
        f"package {error.name}",
        "is not installed",
        "This needs the extra `service`: pip install 'early-warning[service]'.",
        f"{error.name}: 未安装。此命令需要扩展 service: pip install 'early-warning[service]'。",
    )


def show_secret(secret: str, chinese: str, english: str) -> None:
    """Print a secret alone on a line of standard output, so that a script can take it; what it is, on the other."""
    click.echo(f"{chinese},只显示这一次:\n{english}; it is shown only this once:", err=True)
    click.echo(secret)


def date(moment: datetime | None) -> str:
    """Return a moment for a table, to the minute (the database keeps UTC)."""
    return moment.strftime("%Y-%m-%d %H:%MZ") if moment else "–"


def iso(moment: datetime | None) -> str | None:
    """Return a moment for a script."""
    return moment.isoformat() if moment else None
