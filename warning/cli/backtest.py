"""``early-warning backtest``: years of tickets, judged as if they came in one by one."""

from __future__ import annotations

from pathlib import Path

import click

from warning.cli.app import example
from warning.cli.options import (
    INPUT_FILE,
    NEW_PATH,
    arrival_order,
    as_json,
    mapping_name,
    quiet,
    settings_file,
    ticket_files,
)
from warning.cli.progress import Progress, progress_bar, size_of
from warning.service.result import BacktestResult
from warning.settings import Settings, load_settings
from warning.store.encoding import encode_pretty
from warning.store.files import REPORT, check_result_folder, write_result

ALERTS_SHOWN = 40


@click.command(
    short_help="回测 Find early warnings in files of tickets",
    help="Find early warnings in files of tickets, judged as they would have been at the time.\n\n"
    "在工单文件中寻找预警,判断时只用当时已知的数据。\n\n"
    "Writes alerts.jsonl, signals.jsonl, evidence.jsonl, rejected.jsonl, summary.json and report.html into the folder "
    "given with --out; an older result there is replaced when the new one is complete.\n\n"
    "结果写入 --out 指定的目录;新结果完整后才替换旧结果。",
    epilog=example(
        "early-warning backtest requests.csv --mapping nyc311 --out result",
        "early-warning backtest 2024.csv 2025.csv --mapping city.yaml --settings city-settings.yaml --out result",
        "early-warning backtest --log week.log --out result --json",
    ),
)
@ticket_files
@mapping_name
@click.option("--out", required=True, type=NEW_PATH, metavar="DIR", help="Folder for the result. 结果目录。")
@click.option(
    "--log", "log", type=INPUT_FILE, metavar="FILE", help="A recorded log in place of files. 用记录的日志代替文件。"
)
@arrival_order
@settings_file
@as_json
@quiet
def backtest(
    files: tuple[Path, ...],
    mapping: str | None,
    out: Path,
    log: Path | None,
    settings_path: Path | None,
    *,
    arrival_order: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Check the command line and the output first, then run, write and report."""
    _check_usage(files, mapping, log, arrival_order=arrival_order)
    settings = load_settings(settings_path)
    check_result_folder(out)
    inputs = files or tuple(path for path in (log,) if path)
    with progress_bar(size_of(inputs), "回测 back-test", hidden=as_json or quiet) as progress:
        result = _run(files, mapping, log, settings, progress, arrival_order=arrival_order)
    from warning.web.report import render_report

    write_result(out, result, render_report(result))
    if not quiet:
        click.echo(encode_pretty(result.summary) if as_json else report_of(result, out), nl=not as_json)


def _check_usage(files: tuple[Path, ...], mapping: str | None, log: Path | None, *, arrival_order: bool) -> None:
    if bool(files) == (log is not None):
        raise click.UsageError("Give either FILES or --log. 请给出文件或 --log,二者取一。")
    if files and not mapping:
        raise click.UsageError(
            "Say with --mapping what the columns mean (early-warning mapping list). 请用 --mapping 指定映射。"
        )
    if log and (mapping or arrival_order):
        raise click.UsageError(
            "A log needs no --mapping and no --arrival-order. 日志已含映射与先后,不需要 --mapping 与 --arrival-order。"
        )


def _run(
    files: tuple[Path, ...],
    mapping: str | None,
    log: Path | None,
    settings: Settings,
    progress: Progress | None,
    *,
    arrival_order: bool,
) -> BacktestResult:
    if log is not None:
        from warning.bootstrap import run_backtest_log

        return run_backtest_log(log, settings=settings, progress=progress)
    from warning.bootstrap import run_backtest

    return run_backtest(files, mapping=mapping or "", settings=settings, arrival_order=arrival_order, progress=progress)


def report_of(result: BacktestResult, out: Path) -> str:
    """Say for people what came of a run."""
    summary = result.summary
    ranked = sorted(result.alerts, key=lambda alert: (-alert.severity, alert.raised_at, alert.id))
    outcomes = "".join(f", {part}" for part in _counted(summary.outcomes))
    lines = [f"{summary.jurisdiction}: {summary.rows:,} 行 rows{outcomes}."]
    lines += [f"注意 Note: {notice}" for notice in summary.notices]
    lines.append(f"{len(result.alerts):,} 条预警 alerts:" if ranked else "没有预警 no alerts.")
    for alert in ranked[:ALERTS_SHOWN]:
        lines.append(f"  {alert.severity:>3}  {alert.raised_at.isoformat(' ', 'minutes')}  {alert.id}")
        lines += [f"       {alert.headline.zh}", f"       {alert.headline.en}"]
    if len(ranked) > ALERTS_SHOWN:
        lines.append(f"  … 另有 and {len(ranked) - ALERTS_SHOWN:,} more")
    return "\n".join([*lines, f"报告 report: {out / REPORT}"])


def _counted(outcomes: dict[str, int]) -> list[str]:
    return [f"{name} {count:,}" for name, count in outcomes.items() if count]
