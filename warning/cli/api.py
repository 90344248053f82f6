"""``early-warning cluster api``: the HTTP API and the page of the cluster."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import Exit, example
from warning.cli.options import settings_file, with_service
from warning.settings import load_settings


@click.command(
    short_help="接口与页面 Serve the HTTP API and the page",
    help="Serve the HTTP API and the operators' page of a cluster at service.host and service.port; several may run "
    "behind a proxy. What is pushed is answered once Kafka has it.\n\n"
    "在 service.host 与 service.port 提供集群的 HTTP 接口与值班页面,可在代理后运行多个;推送在 Kafka 收妥后才答复。\n\n"
    "The first start creates the user admin and prints its password once. 首次启动会创建管理员 admin,密码只显示一次。",
    epilog=example("early-warning cluster api --settings cluster.yaml --host 0.0.0.0"),
)
@settings_file
@click.option("--host", metavar="ADDRESS", help="Address to listen on. 监听地址。")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port to listen on. 监听端口。")
@click.pass_context
def api(ctx: click.Context, settings_path: Path | None, host: str | None, port: int | None) -> None:
    """Serve until told to stop."""
    settings = with_service(load_settings(settings_path), host=host, port=port)
    from streams.api import open_api
    from warning.bootstrap.logs import log_to_standard_error

    log_to_standard_error()
    server = open_api(settings, ready=lambda address: click.echo(f"接口已启动 serving at {address}"))
    admin = server.hosted.services.accounts.first_admin()
    if admin is not None:
        click.echo(f"管理员 admin user: {admin.user.name}")
        click.echo(f"密码 (只显示这一次) password (shown only now): {admin.password}")
    ctx.exit(Exit.OK if server.run_until_stopped() else Exit.FAILED)
