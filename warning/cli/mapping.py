"""``early-warning mapping``: how the columns of a source become tickets."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from warning.cli.app import Exit, example
from warning.cli.options import INPUT_FILE, as_json, mapping_name
from warning.intake.check import MappingReport, check_mapping
from warning.intake.draft import draft_mapping
from warning.intake.mapping_files import list_mappings, load_mapping


@click.group(
    short_help="映射 List or check mappings",
    help="List mappings, or check one against a file.\n\n列出映射,或用文件检查映射。",
)
def mapping() -> None:
    """Hold the commands on mappings."""


@mapping.command(
    "list",
    short_help="列出 List shipped mappings",
    help="List the mappings that ship with the program.\n\n列出随程序提供的映射。",
    epilog=example("early-warning mapping list"),
)
@as_json
def list_(*, as_json: bool) -> None:
    """Print names and titles."""
    shipped = list_mappings()
    if as_json:
        rows = [{"name": one.name, "zh": one.title.zh, "en": one.title.en} for one in shipped]
        click.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for one in shipped:
        click.echo(f"{one.name:<24} {one.title.zh} {one.title.en}")


@mapping.command(
    short_help="检查 What a mapping makes of a file",
    help="Show what each column of FILE became for its first rows, and which columns are unknown; "
    "without --mapping, write a draft mapping for it.\n\n"
    "显示 FILE 前几行的每一列变成了什么、有哪些未知列;不给 --mapping 时输出一份映射草稿。\n\n"
    "Exit code 3 when the file cannot be used with the mapping. 映射不适用于该文件时退出码为 3。",
    epilog=example(
        "early-warning mapping check requests.csv --mapping nyc311",
        "early-warning mapping check requests.csv --draft > city.yaml",
    ),
)
@click.argument("file", type=INPUT_FILE)
@mapping_name
@click.option("--draft", is_flag=True, help="Write a draft mapping for FILE. 输出映射草稿。")
@as_json
@click.pass_context
def check(context: click.Context, file: Path, mapping: str | None, *, draft: bool, as_json: bool) -> None:
    """Print the draft, or the report on the mapping."""
    if draft or mapping is None:
        click.echo(draft_mapping(file), nl=False)
        return
    report = check_mapping(file, load_mapping(mapping))
    click.echo(json.dumps(_plain(report), ensure_ascii=False, indent=2) if as_json else "\n".join(_text(report)))
    if not report.usable:
        context.exit(Exit.BAD_INPUT)


def _plain(report: MappingReport) -> dict[str, Any]:
    return {
        "usable": report.usable,
        "rows": report.rows,
        "kept": report.kept,
        "columns": [
            {"name": column.name, "column": column.column, "class": column.data_class, "fields": column.fields}
            for column in report.columns
        ],
        "unknown": report.unknown,
        "missing": report.missing,
        "missing_required": report.missing_required,
        "fields": [
            {"field": one.field, "columns": one.columns, "samples": [{"cell": a, "became": b} for a, b in one.samples]}
            for one in report.fields
        ],
        "rejects": [{"field": f, "reason": r, "count": n} for (f, r), n in _ordered(report.reject_counts)],
        "repairs": [{"field": f, "rule": r, "count": n} for (f, r), n in _ordered(report.repair_counts)],
    }


def _ordered(counts: Counter[tuple[str, str]]) -> list[tuple[tuple[str, str], int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _text(report: MappingReport) -> Iterator[str]:
    yield "列 columns (-> 字段 fields):"
    for column in report.columns:
        what = ", ".join(column.fields) or "–"
        yield f"  {column.name}  [{column.data_class or '未知 unknown, 不读取 not read'}] -> {what}"
    for title, names in (("缺少的列 missing", report.missing), ("必需却缺少 required", report.missing_required)):
        if names:
            yield f"{title}: {', '.join(names)}"
    yield from _rows_text(report)
    yield (
        "可用 usable" if report.usable else "不可用:请改映射或换一个 not usable: correct the mapping or choose another"
    )


def _rows_text(report: MappingReport) -> Iterator[str]:
    if not report.rows:
        return
    yield f"前 {report.rows:,} 行中保留 {report.kept:,} 行 kept of the first {report.rows:,} rows: {report.kept:,}"
    for one in report.fields:
        if one.columns:
            yield f"  {one.field} <- {' + '.join(one.columns)}"
            yield from (f"      {cell!r} -> {became!r}" for cell, became in one.samples)
    for title, counts in (("拒绝 rejected", report.reject_counts), ("修复 repaired", report.repair_counts)):
        yield from (f"{title}: {field}, {why}: {count:,}" for (field, why), count in _ordered(counts))
    for reject in report.rejects:
        where = f"第 {reject.row} 行 row {reject.row}, {reject.field} {reject.value!r}"
        yield f"  {where}: {reject.advice_zh} {reject.advice_en}"
