"""``early-warning cluster``: the workers of the cluster runtime, one command a process."""

from __future__ import annotations

import click

from warning.cli.alerts import alerts
from warning.cli.api import api
from warning.cli.app import example
from warning.cli.cluster_export import export
from warning.cli.detect import detect
from warning.cli.intake import intake
from warning.cli.send import send


@click.group(
    short_help="集群进程 Run a worker of the cluster",
    help="Run one worker of the cluster (Kafka and PostgreSQL); start as many of each as are needed.\n\n"
    "运行集群 (Kafka 与 PostgreSQL) 的一个进程;每种可按需启动多个。",
    epilog=example("early-warning cluster intake --settings cluster.yaml"),
)
def cluster() -> None:
    """Hold the workers' commands."""


cluster.add_command(alerts)
cluster.add_command(api)
cluster.add_command(detect)
cluster.add_command(export)
cluster.add_command(intake)
cluster.add_command(send)
