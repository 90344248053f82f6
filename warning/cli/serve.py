"""``early-warning serve``: the service on one machine."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import Exit, example
from warning.cli.options import data_folder, settings_file, with_service
from warning.settings import load_settings


@click.command(
    short_help="启动服务 Run the service on this machine",
    help="Run the service on this machine: HTTP intake, engine, store and page in one process.\n\n"
    "在本机运行服务:HTTP 接入、引擎、存储与页面都在一个进程中。\n\n"
    "The first start creates the user admin and prints its password once. 首次启动会创建管理员 admin,密码只显示一次。",
    epilog=example(
        "early-warning serve",
        "early-warning serve --settings city-settings.yaml --data /var/lib/early-warning --port 8311",
    ),
)
@settings_file
@data_folder
@click.option("--host", metavar="ADDRESS", help="Address to listen on. 监听地址。")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port to listen on. 监听端口。")
@click.pass_context
def serve(
    ctx: click.Context, settings_path: Path | None, data: Path | None, host: str | None, port: int | None
) -> None:
    """Serve until stopped."""
    settings = with_service(
        load_settings(settings_path), data=None if data is None else str(data), host=host, port=port
    )
    from warning.bootstrap.logs import log_to_standard_error
    from warning.bootstrap.serving import Server

    log_to_standard_error()
    if not settings.zone:
        click.echo(
            "注意: 未设置 zone,日与周按 UTC 计。Note: zone is not set; days and weeks are counted in UTC.", err=True
        )
    server = Server(settings, ready=lambda address: click.echo(f"服务已启动 serving at {address}"))
    admin = server.service.services.accounts.first_admin()
    if admin is not None:
        click.echo(f"管理员 admin user: {admin.user.name}")
        click.echo(f"密码 (只显示这一次) password (shown only now): {admin.password}")
    if not server.run_until_stopped():
        ctx.exit(Exit.FAILED)
    click.echo("服务已停止 stopped")
