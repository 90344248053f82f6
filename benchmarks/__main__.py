"""``python -m benchmarks``: run the benchmarks, or some of them, and print their tables."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.suite import BENCHMARKS, FULL, QUICK, Scale
from benchmarks.tables import Table, machine


@click.command(help="Run the benchmarks (or those named); prints tables. 运行性能测试并打印结果表。")
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar="[NAME]...")
@click.option("--list", "listing", is_flag=True, help="Say which benchmarks there are. 列出性能测试。")
@click.option("--quick", is_flag=True, help="A tiny size, once: shows that they run. 极小规模,只验证能运行。")
@click.option("--repeat", type=click.IntRange(1), help="How often each is measured (3). 每项重复次数。")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the tables as JSON too. 另存 JSON。")
def main(names: tuple[str, ...], *, listing: bool, quick: bool, repeat: int | None, json_file: Path | None) -> None:
    """Run each benchmark in turn; tables go to stdout, progress to stderr."""
    if listing:
        for name, (what, _) in BENCHMARKS.items():
            click.echo(f"{name:<10} {what}")
        return
    scale = QUICK if quick else FULL
    tables = _run(names or tuple(BENCHMARKS), replace(scale, repetitions=repeat or scale.repetitions))
    if json_file is not None:
        rows = [{"title": table.title, "header": table.header, "rows": table.rows} for table in tables]
        json_file.write_text(json.dumps({"machine": machine(), "tables": rows}, ensure_ascii=False, indent=2), "utf-8")


def _run(names: tuple[str, ...], scale: Scale) -> list[Table]:
    click.echo(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {machine()}\n")
    done: list[Table] = []
    with tempfile.TemporaryDirectory(prefix="early-warning-bench-") as folder:
        for name in names:
            for table in BENCHMARKS[name][1](scale, Path(folder), _tell):
                click.echo(table.markdown())
                done.append(table)
    return done


def _tell(what: str) -> None:
    click.echo(what, err=True)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
