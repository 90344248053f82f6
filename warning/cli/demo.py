"""``early-warning demo``: the whole service on a made-up city, in one command."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from warning.cli.app import Exit, example
from warning.cli.options import data_folder, with_service
from warning.cli.progress import progress_bar
from warning.settings import load_settings

DATA = "early-warning-demo"
A_DAY = 24 * 60


@click.command(
    short_help="演示 See it at work on a made-up city",
    help="Run the service on a made-up city of 2.5 million whose days pass in minutes. It prints one link that signs "
    "you in. Started again it goes on from where it was.\n\n"
    "在虚构的 250 万人口城市上运行服务,城市的一天只需几分钟。启动后给出一个可直接登录的链接;再次启动会接着运行。",
    epilog=example("early-warning demo", "early-warning demo --data /tmp/demo --port 8400"),
)
@data_folder
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Port to listen on. 监听端口。")
@click.pass_context
def demo(ctx: click.Context, data: Path | None, port: int | None) -> None:
    """Load, serve, stream."""
    settings = with_service(load_settings(), data=str(data or DATA), port=port)
    from warning.bootstrap.demo import HISTORY_DAYS, Streaming, prepare
    from warning.bootstrap.logs import log_to_standard_error
    from warning.bootstrap.serving import Server
    from warning.service.accounts import FIRST_ADMIN

    log_to_standard_error(logging.WARNING)
    with progress_bar(HISTORY_DAYS, "载入 120 天历史 loading 120 days of history", hidden=False) as progress:
        made = prepare(settings, progress)
    address = ""

    def listening(at: str) -> None:
        nonlocal address
        address = at

    def announce() -> None:
        token = accounts.one_time_token(FIRST_ADMIN, minutes=A_DAY)
        click.echo(f"打开 open  {address}/sign-in/once?token={token}")
        click.echo("按 Ctrl-C 停止,再次运行会接着演示。Press Ctrl-C to stop; run it again and it goes on.")

    server = Server(made.settings, clock=made.clock, ready=listening)
    accounts = server.service.services.accounts
    accounts.first_admin()
    click.echo("正在学习历史,约需几秒 learning from the history, some seconds ...", err=True)
    if not server.run_until_stopped(beside=[Streaming(made, server.service, announce)]):
        ctx.exit(Exit.FAILED)
    click.echo("演示已停止 stopped")
