"""``python -m benchmarks.streams``: the cluster beside other transports, in one run. 集群与其他流处理框架对比."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.streams.contest import ENTRIES, contest
from benchmarks.streams.preload import told
from benchmarks.streams.processes import peers_are_there
from benchmarks.streams.stadium import CITY, Stadium
from benchmarks.tables import machine

NAMES = (*ENTRIES, "ceiling")


@click.command(help="Compare the cluster's transport with others (those named; all). 对比集群与其他流处理框架。")
@click.argument("names", nargs=-1, type=click.Choice(NAMES), metavar="[NAME]...")
@click.option("--tickets", type=click.IntRange(1_000), default=CITY.tickets, show_default=True, help="工单数。")
def main(names: tuple[str, ...], tickets: int) -> None:
    """Run the contestants in turn; the tables go to stdout, progress to stderr."""
    chosen = names or NAMES
    if set(chosen) - {"cluster", "cluster-two"} and not peers_are_there():
        raise click.ClickException("the peers' environment is missing: make peers. 缺少对比环境:请先运行 make peers")
    with (
        tempfile.TemporaryDirectory(prefix="early-warning-streams-") as folder,
        Stadium(Path(folder), replace(CITY, tickets=tickets)) as stadium,
    ):
        click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}, tickets from {told(stadium.begin_ms)}\n")
        for table in contest(stadium, chosen, lambda what: click.echo(what, err=True)):
            click.echo(table.markdown())


if __name__ == "__main__":
    main(prog_name="python -m benchmarks.streams")
