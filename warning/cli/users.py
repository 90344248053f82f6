"""``early-warning users``: the people who may sign in."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlencode

import click

from warning.cli.accounts import accounts_in, date, iso, show_secret
from warning.cli.app import example
from warning.cli.options import as_json, data_folder, settings_file
from warning.domain.account import Role
from warning.settings import load_settings

_ROLES = {
    Role.VIEWER: "查看 sees",
    Role.OPERATOR: "处理 handles",
    Role.REVIEWER: "复核 reviews",
    Role.ADMIN: "管理 administers",
}

name = click.argument("name")
role = click.option(
    "--role",
    required=True,
    type=click.Choice([one.value for one in Role]),
    help="What the user may do; each role includes those before it. 角色,后者包含前者。",
)


@click.group(
    short_help="用户 People who may sign in",
    help="Manage the people who may sign in, whether or not the service runs.\n\n管理可登录的用户,服务运行与否均可。",
)
def users() -> None:
    """Hold the commands on users."""


@users.command(
    short_help="新增 Add a user",
    help="Add a user and print a random password, once.\n\n新增用户,并显示一次随机密码。\n\n"
    "Creates the database when there is none. 没有数据库时会创建。",
    epilog=example("early-warning users add wang --role reviewer"),
)
@name
@role
@data_folder
@settings_file
def add(name: str, role: str, data: Path | None, settings_path: Path | None) -> None:
    """Create the user."""
    with accounts_in(data, settings_path, create=True) as accounts:
        new = accounts.create_user(name, Role(role))
    show_secret(new.password, f"用户 {new.user.name} ({role}) 的密码", f"Password of user {new.user.name} ({role})")


@users.command(
    "list",
    short_help="列出 List users",
    help="List the users with their roles.\n\n列出用户与角色。",
    epilog=example("early-warning users list", "early-warning users list --json"),
)
@data_folder
@settings_file
@as_json
def list_(data: Path | None, settings_path: Path | None, *, as_json: bool) -> None:
    """Print one line a user."""
    with accounts_in(data, settings_path) as accounts:
        found = accounts.users()
    if as_json:
        rows = [
            {"name": one.name, "role": one.role.value, "active": one.active, "created_at": iso(one.created_at)}
            for one in found
        ]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for one in found:
        state = "" if one.active else "  已停用 deactivated"
        click.echo(f"{one.name:<24} {one.role.value:<9} {_ROLES[one.role]}  {date(one.created_at)}{state}")


@users.command(
    short_help="角色 Change a role",
    help="Give a user another role; the user has to sign in again.\n\n更改用户角色;该用户需重新登录。",
    epilog=example("early-warning users set-role wang --role operator"),
)
@name
@role
@data_folder
@settings_file
def set_role(name: str, role: str, data: Path | None, settings_path: Path | None) -> None:
    """Change the role."""
    with accounts_in(data, settings_path) as accounts:
        user = accounts.set_role(name, Role(role))
    click.echo(f"{user.name}: {user.role.value}", err=True)


@users.command(
    short_help="重设密码 Give a new password",
    help="Give a user a new random password and print it, once; the user has to sign in again.\n\n"
    "重设为随机密码并显示一次;该用户需重新登录。",
    epilog=example("early-warning users reset-password wang"),
)
@name
@data_folder
@settings_file
def reset_password(name: str, data: Path | None, settings_path: Path | None) -> None:
    """Change the password."""
    with accounts_in(data, settings_path) as accounts:
        password = accounts.set_password(name)
    show_secret(password, f"用户 {name} 的新密码", f"New password of user {name}")


@users.command(
    short_help="停用 Let a user in no more",
    help="Let a user in no more, within 5 seconds; what the user did stays on record.\n\n"
    "停用用户,5 秒内生效;其操作记录保留。",
    epilog=example("early-warning users deactivate wang"),
)
@name
@data_folder
@settings_file
def deactivate(name: str, data: Path | None, settings_path: Path | None) -> None:
    """End the user's access."""
    with accounts_in(data, settings_path) as accounts:
        user = accounts.deactivate(name)
    click.echo(f"{user.name}: 已停用 deactivated", err=True)


@users.command(
    short_help="恢复 Let a user in again",
    help="Let a deactivated user in again, with the old password.\n\n恢复已停用的用户,原密码有效。",
    epilog=example("early-warning users activate wang"),
)
@name
@data_folder
@settings_file
def activate(name: str, data: Path | None, settings_path: Path | None) -> None:
    """Give the user's access back."""
    with accounts_in(data, settings_path) as accounts:
        user = accounts.activate(name)
    click.echo(f"{user.name}: 已恢复 active", err=True)


@users.command(
    short_help="登录链接 Make a sign-in link",
    help="Print the path of a link that signs a user in once, to be put after the service's address.\n\n"
    "输出一次性登录链接的路径,接在服务地址之后使用。",
    epilog=example("early-warning users link wang", "early-warning users link wang --minutes 5"),
)
@name
@click.option(
    "--minutes",
    default=15,
    show_default=True,
    type=click.IntRange(1, 24 * 60),
    help="How long the link works. 链接有效分钟数。",
)
@data_folder
@settings_file
def link(name: str, minutes: int, data: Path | None, settings_path: Path | None) -> None:
    """Make the link."""
    with accounts_in(data, settings_path) as accounts:
        token = accounts.one_time_token(name, minutes)
    path = f"{load_settings(settings_path).service.prefix}/sign-in/once?{urlencode({'token': token})}"
    show_secret(
        path, f"用户 {name} 的一次性登录链接 ({minutes} 分钟内有效)", f"Sign-in link of {name}, good for {minutes} min"
    )
