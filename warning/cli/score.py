"""``early-warning score``: scores for a file of counts, without tickets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from warning.cli.app import example
from warning.cli.options import INPUT_FILE, NEW_PATH, as_json, quiet
from warning.cli.progress import progress_bar
from warning.service.counts import CountTable, read_counts
from warning.service.errors import BadInputError
from warning.service.score import Gaps, Scores, score_counts, to_csv
from warning.settings import load_settings
from warning.store.atomic import check_new_file, write_file


@click.command(
    short_help="给计数文件打分 Score a file of counts",
    help="Score a file of counts (columns series, start, count): how unusual is each bucket?\n\n"
    "给计数文件 (series, start, count 三列) 打分:每个时段有多不寻常?\n\n"
    "The bucket length (minutes to weeks) is inferred. Every bucket is judged by what came before it.\n\n"
    "时段长度 (分钟至周) 自动推断;每个时段只用它之前的数据来判断。",
    epilog=example(
        "early-warning score counts.csv --out scores.csv", "early-warning score counts.csv --out s.csv --json"
    ),
)
@click.argument("counts", type=INPUT_FILE)
@click.option("--out", required=True, type=NEW_PATH, metavar="FILE", help="Scores as CSV. 输出文件 (CSV)。")
@click.option(
    "--gaps",
    type=click.Choice([gap.value for gap in Gaps]),
    default=Gaps.ZERO.value,
    show_default=True,
    help="What a bucket without a row means. 缺行的时段:算作零,或算作缺失。",
)
@as_json
@quiet
def score(counts: Path, out: Path, gaps: str, *, as_json: bool, quiet: bool) -> None:
    """Read, judge and write."""
    if out.exists() and out.samefile(counts):
        raise click.UsageError("--out is the input itself; choose another name. 输出不能是输入文件本身。")
    check_new_file(out)
    table = read_counts(str(counts), _lines(counts))
    budget = load_settings().policy.false_alerts_per_week
    total = len(table.names) * table.grid.buckets if gaps == Gaps.ZERO else len(table.count)
    with progress_bar(total, "打分 scoring", hidden=as_json or quiet) as progress:
        scores = score_counts(table, gaps=Gaps(gaps), false_alarms_per_week=budget, progress=progress)
    write_file(out, to_csv(table, scores))
    if not quiet:
        _report(table, scores, out, as_json=as_json)


def _lines(path: Path) -> Iterator[str]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return iter(data.decode(encoding).splitlines())
        except UnicodeDecodeError:
            continue
    raise BadInputError(
        str(path), "is not text", "Save it as CSV in UTF-8.", f"{path}: 不是文本。请另存为 UTF-8 编码的 CSV。"
    )


def _report(table: CountTable, scores: Scores, out: Path, *, as_json: bool) -> None:
    facts: dict[str, Any] = {
        "out": str(out),
        "series": len(table.names),
        "bucket": scores.label,
        "buckets": table.grid.buckets,
        "rows": len(scores.start),
        "gaps_filled": scores.filled,
        "alarms": int(scores.alarm.sum()),
    }
    if as_json:
        click.echo(json.dumps(facts, ensure_ascii=False))
        return
    click.echo(
        f"{facts['series']:,} 条序列 series × {facts['bucket']} (自动推断 inferred), {facts['rows']:,} 行 rows, "
        f"补零 gaps filled {facts['gaps_filled']:,}, 报警 alarms {facts['alarms']:,} -> {out}"
    )
