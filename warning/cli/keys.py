"""``early-warning keys``: what platforms push tickets with; each belongs to one source."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from warning.cli.accounts import accounts_in, date, iso, show_secret
from warning.cli.app import example
from warning.cli.options import as_json, data_folder, mapping_name, settings_file
from warning.intake.mapping_files import SUFFIXES, load_mapping

if TYPE_CHECKING:
    from warning.service.accounts import Accounts
    from warning.service.keys import NewKey
    from warning.service.ports import ApiKey

_STATES = {"valid": "有效 valid", "expired": "已过期 expired", "revoked": "已吊销 revoked"}


@click.group(
    short_help="密钥 Keys of platforms",
    help="Manage the keys with which platforms push tickets, whether or not the service runs.\n\n"
    "管理平台推送工单用的密钥,服务运行与否均可。",
)
def keys() -> None:
    """Hold the commands on keys."""


@keys.command(
    short_help="新增 Add a key",
    help="Make a key of SOURCE and print it, once. A new source needs --mapping, which says how its tickets are read; "
    "for a source that there is, --mapping gives it another one.\n\n"
    "为来源 SOURCE 生成密钥并显示一次。新来源需用 --mapping 指定映射;已有来源加 --mapping 则更换映射。\n\n"
    "With --mapping it creates the database when there is none. 加 --mapping 时,没有数据库则创建。",
    epilog=example("early-warning keys add hotline --mapping city.yaml --expires-days 365"),
)
@click.argument("source")
@mapping_name
@click.option("--expires-days", metavar="N", type=click.IntRange(1, 3650), help="The key ends after N days. 有效天数。")
@data_folder
@settings_file
def add(
    source: str, mapping: str | None, expires_days: int | None, data: Path | None, settings_path: Path | None
) -> None:
    """Create the source, if it is new, and the key."""
    with accounts_in(data, settings_path, create=mapping is not None) as accounts:
        if mapping is not None:
            _add_source(accounts, source, mapping)
        elif source not in [one.name for one in accounts.sources()]:
            raise click.UsageError(
                f"{source!r} is a new source: say with --mapping how its tickets are read. "
                "新来源需用 --mapping 指定映射。"
            )
        _show(accounts.add_key(source, accounts.now() + timedelta(days=expires_days) if expires_days else None))


@keys.command(
    "list",
    short_help="列出 List keys",
    help="List the keys by how they begin, with their source, end and last use.\n\n"
    "列出密钥的开头、来源、到期与最近使用时间。",
    epilog=example("early-warning keys list", "early-warning keys list --json"),
)
@data_folder
@settings_file
@as_json
def list_(data: Path | None, settings_path: Path | None, *, as_json: bool) -> None:
    """Print one line a key."""
    with accounts_in(data, settings_path) as accounts:
        from warning.service.keys import key_state

        every = accounts.keys()
        found = [(key, key_state(key, accounts.now()).value) for key in every]
    if as_json:
        click.echo(json.dumps([_plain(key, state) for key, state in found], ensure_ascii=False, indent=2))
        return
    for key, state in found:
        click.echo(
            f"{key.id}  {key.prefix}…  {key.source:<20} {_STATES[state]}  "
            f"到期 ends {date(key.expires_at)}  最近使用 used {date(key.last_used_at)}"
        )


@keys.command(
    short_help="轮换 Replace a key",
    help="Make the successor of a key and print it, once; the old key works on for the overlap, so that the platform "
    "can change over.\n\n生成新密钥并显示一次;旧密钥在重叠时间内继续有效,便于平台切换。",
    epilog=example("early-warning keys rotate key-1a2b3c4d --overlap-hours 48"),
)
@click.argument("key_id")
@click.option(
    "--overlap-hours",
    metavar="N",
    default=24,
    show_default=True,
    type=click.IntRange(0, 24 * 90),
    help="How long the old key works on. 旧密钥继续有效的小时数。",
)
@data_folder
@settings_file
def rotate(key_id: str, overlap_hours: int, data: Path | None, settings_path: Path | None) -> None:
    """Create the successor."""
    with accounts_in(data, settings_path) as accounts:
        _show(accounts.rotate_key(key_id, timedelta(hours=overlap_hours)))


@keys.command(
    short_help="吊销 End a key",
    help="End a key, within 5 seconds.\n\n吊销密钥,5 秒内生效。",
    epilog=example("early-warning keys revoke key-1a2b3c4d"),
)
@click.argument("key_id")
@data_folder
@settings_file
def revoke(key_id: str, data: Path | None, settings_path: Path | None) -> None:
    """End the key."""
    with accounts_in(data, settings_path) as accounts:
        key = accounts.revoke_key(key_id)
    click.echo(f"{key.id} ({key.source}): 已吊销 revoked", err=True)


def _add_source(accounts: Accounts, source: str, mapping: str) -> None:
    """Add a source with a mapping that can be read; a file is stored by its full path, wherever the service starts."""
    found = load_mapping(mapping)
    place = str(Path(mapping).resolve()) if mapping.endswith(SUFFIXES) else mapping
    accounts.add_source(source, place, found.title.zh, found.title.en)


def _show(new: NewKey) -> None:
    ends = f", 到期 ends {date(new.key.expires_at)}" if new.key.expires_at else ""
    show_secret(new.secret, f"密钥 {new.key.id} (来源 {new.key.source}{ends})", f"Key {new.key.id} of {new.key.source}")


def _plain(key: ApiKey, state: str) -> dict[str, str | None]:
    return {
        "id": key.id,
        "source": key.source,
        "prefix": key.prefix,
        "state": state,
        "created_at": iso(key.created_at),
        "expires_at": iso(key.expires_at),
        "revoked_at": iso(key.revoked_at),
        "last_used_at": iso(key.last_used_at),
    }
